/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "tls/tls.h"

#include "support/tls_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What is wrong with files and settings, and that it is said. */

static int set_up(void **state) {
    struct peer_files *files = malloc(sizeof *files);
    peer_make_files(files);
    *state = files;
    return 0;
}

static int tear_down(void **state) {
    peer_remove_files(*state);
    free(*state);
    return 0;
}

static struct cm_tls_options options_of(const struct peer_files *files) {
    return (struct cm_tls_options){.cert_file = files->cert, .key_file = files->key};
}

static void assert_refused(const struct cm_tls_options *options, enum cm_status status,
                           const char *message) {
    struct cm_tls_context *context = NULL;
    struct cm_tls_report report;
    assert_int_equal(cm_tls_context_create(options, &context, &report), status);
    assert_string_equal(report.error, message);
    assert_null(context);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *message(const char *before, const char *path, const char *after) {
    static char text[512];
    snprintf(text, sizeof text, "%s\"%s\"%s", before, path, after);
    return text;
}

static void test_missing_files(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_options options = options_of(files);
    options.cert_file = "/nowhere/cert.pem";
    assert_refused(&options, CM_SYSTEM,
                   "cannot read the certificate \"/nowhere/cert.pem\": No such file or directory");
    options = options_of(files);
    options.key_file = files->folder;
    assert_refused(&options, CM_SYSTEM,
                   message("cannot read the key ", files->folder, ": Is a directory"));
    options = options_of(files);
    options.verify = CM_TLS_VERIFY_REQUEST;
    options.ca_file = "/nowhere/ca.pem";
    assert_refused(&options, CM_SYSTEM,
                   "cannot read the authorities \"/nowhere/ca.pem\": No such file or directory");
}

static void test_files_of_another_kind(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_options options = options_of(files);
    options.cert_file = files->key;
    assert_refused(&options, CM_INVALID,
                   message("cannot use the certificate ", files->key, ": there is none in it"));
    options = options_of(files);
    options.key_file = files->cert;
    assert_refused(&options, CM_INVALID,
                   message("cannot use the key ", files->cert, ": there is none in it"));
    options = options_of(files);
    options.verify = CM_TLS_VERIFY_REQUIRE;
    options.ca_file = files->key;
    assert_refused(&options, CM_INVALID,
                   message("cannot use the authorities ", files->key, ": there is none in it"));
    write_file(files->cert, "");
    options = options_of(files);
    assert_refused(&options, CM_INVALID,
                   message("cannot use the certificate ", files->cert, ": it is empty"));
}

static void test_key_of_another_certificate(void **state) {
    const struct peer_files *files = *state;
    struct peer_files other;
    char text[512];
    peer_make_files(&other);
    struct cm_tls_options options = options_of(files);
    options.key_file = other.key;
    snprintf(text, sizeof text, "the key \"%s\" does not belong to the certificate \"%s\"",
             other.key, files->cert);
    assert_refused(&options, CM_INVALID, text);
    peer_remove_files(&other);
}

static void test_key_with_a_passphrase(void **state) {
    const struct peer_files *files = *state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(files->key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (unsigned char *)"secret",
                                          6, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
    struct cm_tls_options options = options_of(files);
    assert_refused(&options, CM_INVALID,
                   message("cannot use the key ", files->key, ": it has a passphrase"));
}

static void test_der_key(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_context *context;
    struct cm_tls_report report;
    FILE *file = fopen(files->key, "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    assert_non_null(key);
    assert_int_equal(fclose(file), 0);
    file = fopen(files->key, "wb");
    assert_int_equal(i2d_PrivateKey_fp(file, key), 1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
    struct cm_tls_options options = options_of(files);
    options.key_is_der = true;
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_OK);
    cm_tls_context_destroy(context);
}

static void test_dates_are_warned_of(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_context *context;
    struct cm_tls_report report;
    const struct cm_tls_options options = options_of(files);
    peer_make_cert(files, PEER_EXPIRED);
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_OK);
    assert_string_equal(report.warning, message("the certificate ", files->cert, " has expired"));
    peer_make_cert(files, PEER_NOT_YET);
    assert_int_equal(cm_tls_context_reload(context, &report), CM_OK);
    assert_string_equal(report.warning,
                        message("the certificate ", files->cert, " is not valid yet"));
    cm_tls_context_destroy(context);
}

static void test_ciphers(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_options options = options_of(files);
    static const char *const good[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "HIGH:!aNULL",
                                       "TLS_AES_128_GCM_SHA256",
                                       "ECDHE+AESGCM:TLS_AES_256_GCM_SHA384"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct cm_tls_context *context;
        struct cm_tls_report report;
        options.ciphers = good[i];
        assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_OK);
        cm_tls_context_destroy(context);
    }
    options.ciphers = "NONSENSE";
    assert_refused(&options, CM_INVALID, "OpenSSL knows no cipher of the list \"NONSENSE\"");
    options.ciphers = "TLS_NONSENSE";
    assert_refused(&options, CM_INVALID, "OpenSSL knows no cipher of the list \"TLS_NONSENSE\"");
    struct cm_tls_context *context;
    struct cm_tls_report report;
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_INVALID);
    assert_int_equal(report.part, CM_TLS_OF_CIPHERS);
    options.ciphers = "HIGH";
    options.cert_file = "/nowhere/cert.pem";
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_SYSTEM);
    assert_int_equal(report.part, CM_TLS_OF_CERT);
    options.cert_file = files->cert;
    options.key_file = files->cert;
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_INVALID);
    assert_int_equal(report.part, CM_TLS_OF_KEY);
    options.key_file = files->key;
    options.verify = CM_TLS_VERIFY_REQUIRE;
    options.ca_file = files->key;
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_INVALID);
    assert_int_equal(report.part, CM_TLS_OF_CA);
}

static void test_failed_reload_keeps_what_was(void **state) {
    const struct peer_files *files = *state;
    struct cm_tls_context *context;
    struct cm_tls_report report;
    struct cm_tls *tls;
    const struct cm_tls_options options = options_of(files);
    assert_int_equal(cm_tls_context_create(&options, &context, &report), CM_OK);
    write_file(files->cert, "no certificate\n");
    assert_int_equal(cm_tls_context_reload(context, &report), CM_INVALID);
    assert_string_equal(
        report.error, message("cannot use the certificate ", files->cert, ": there is none in it"));
    assert_int_equal(cm_tls_create(context, &tls), CM_OK);
    cm_tls_destroy(tls);
    cm_tls_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_of_another_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_of_another_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_with_a_passphrase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_der_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dates_are_warned_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ciphers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_reload_keeps_what_was, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cli/where.h"

#include "cli/exit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void check(const struct cm_cli_where *where, const char *expected) {
    char *out = NULL, *why = NULL;
    assert_int_equal(cm_cli_where_make(where, &out, &why), CM_EXIT_OK);
    assert_null(why);
    assert_string_equal(out, expected);
    free(out);
}

static void refuse(const struct cm_cli_where *where, int status, const char *expected) {
    char *out = NULL, *why = NULL;
    assert_int_equal(cm_cli_where_make(where, &out, &why), status);
    assert_null(out);
    assert_string_equal(why, expected);
    free(why);
}

static void test_servers(void **state) {
    (void)state;
    unsetenv("CACHEMAN_SERVERS");
    check(&(struct cm_cli_where){0}, "127.0.0.1:16180");
    setenv("CACHEMAN_SERVERS", "", 1);
    check(&(struct cm_cli_where){0}, "127.0.0.1:16180");
    setenv("CACHEMAN_SERVERS", "a,b?dead=miss", 1);
    check(&(struct cm_cli_where){0}, "a,b?dead=miss");
    check(&(struct cm_cli_where){.servers = "c:1"}, "c:1");
}

static void test_options(void **state) {
    (void)state;
    check(&(struct cm_cli_where){.servers = "a", .tls = true, .timeout_us = 1500},
          "a?tls=on&timeout=1ms");
    check(&(struct cm_cli_where){.servers = "a?dead=miss", .ca = "/x y", .cert = "c", .key = "k"},
          "a?dead=miss&tls=on&tls_ca=%2Fx%20y&tls_cert=c&tls_key=k");
}

static void test_defaults(void **state) {
    (void)state;
    check(&(struct cm_cli_where){.servers = "a", .defaults = "failures=1"}, "a?failures=1");
    check(&(struct cm_cli_where){.servers = "a?", .tls = true}, "a?tls=on");
    check(&(struct cm_cli_where){.servers = "a?dead=miss", .defaults = "failures=1", .tls = true},
          "a?failures=1&dead=miss&tls=on");
}

static void write_to(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_password(void **state) {
    (void)state;
    char path[] = "/tmp/cm-where-XXXXXX", message[200];
    close(mkstemp(path));
    struct cm_cli_where where = {.servers = "a", .user = "eve&co", .password_file = path};
    write_to(path, "s=cret&\nrest\n");
    check(&where, "a?user=eve%26co&password=s%3Dcret%26");
    write_to(path, "");
    snprintf(message, sizeof message, "cannot read the password file %s: it is empty", path);
    refuse(&where, CM_EXIT_INPUT, message);
    unlink(path);
    snprintf(message, sizeof message, "cannot read the password file %s: No such file or directory",
             path);
    refuse(&where, CM_EXIT_INPUT, message);
    if (freopen("/dev/null", "r", stdin) == NULL)
        fail();
    refuse(&(struct cm_cli_where){.user = "eve"}, CM_EXIT_USAGE,
           "--user=eve needs a password: give --password-file, or run on a terminal");
}

static void test_exit(void **state) {
    (void)state;
    assert_int_equal(cm_cli_where_exit(CM_INVALID), CM_EXIT_USAGE);
    assert_int_equal(cm_cli_where_exit(CM_SYSTEM), CM_EXIT_INPUT);
    assert_int_equal(cm_cli_where_exit(CM_UNREACHABLE), CM_EXIT_UNAVAILABLE);
    assert_int_equal(cm_cli_where_exit(CM_NO_MEMORY), CM_EXIT_UNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),  cmocka_unit_test(test_options),
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_password),
        cmocka_unit_test(test_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/format.h"
#include "tls/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>

enum { SESSIONS_MAX = 8192, CIPHERS_BYTES = 1024 };

CM_PRINTF(2, 3)
static enum cm_status refuse(struct cm_tls_report *report, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->error, sizeof report->error, format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return CM_INVALID;
}

/* ---- files ---- */

/* Why OpenSSL does not take a file that can be read. */
static const char *why(void) {
    unsigned long error = ERR_peek_error();
    bool none = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (none || ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER)
        return "there is none in it";
    const char *reason = ERR_reason_error_string(error);
    return reason != NULL ? reason : "it makes no sense";
}

static enum cm_status refuse_file(struct cm_tls_report *report, const char *what,
                                  const char *file) {
    char reason[160];
    snprintf(reason, sizeof reason, "%s", why());
    return refuse(report, "cannot use the %s \"%s\": %s", what, file, reason);
}

/* What the system says about a file is plainer than what OpenSSL makes of it. */
static enum cm_status check_readable(struct cm_tls_report *report, const char *what,
                                     const char *file) {
    const char *reason;
    FILE *opened = cm_os_open_regular(file, &reason);
    int byte = opened != NULL ? getc(opened) : EOF;
    if (opened != NULL && ferror(opened))
        reason = strerror(errno);
    if (opened != NULL)
        (void)fclose(opened);
    if (reason != NULL) {
        (void)refuse(report, "cannot read the %s \"%s\": %s", what, file, reason);
        return CM_SYSTEM;
    }
    return byte == EOF ? refuse(report, "cannot use the %s \"%s\": it is empty", what, file)
                       : CM_OK;
}

/* ---- the certificate and its key ---- */

static const char cert_text[] = "certificate", key_text[] = "key", ca_text[] = "authorities";

static void warn_of_dates(const struct cm_tls_context *context, const SSL_CTX *loaded,
                          struct cm_tls_report *report) {
    const X509 *cert = SSL_CTX_get0_certificate(loaded);
    const char *file = context->options.cert_file;
    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        snprintf(report->warning, sizeof report->warning, "the certificate \"%s\" has expired",
                 file);
    else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        snprintf(report->warning, sizeof report->warning, "the certificate \"%s\" is not valid yet",
                 file);
}

/* Instead of asking at the terminal. */
static int no_passphrase(char *to, int bytes, int writing, void *context) {
    (void)to;
    (void)bytes;
    (void)writing;
    if (context != NULL)
        *(bool *)context = true;
    return -1;
}

static enum cm_status load_cert(const struct cm_tls_context *context, SSL_CTX *loaded,
                                struct cm_tls_report *report) {
    const char *file = context->options.cert_file;
    report->part = CM_TLS_OF_CERT;
    enum cm_status status = check_readable(report, cert_text, file);
    if (status == CM_OK && SSL_CTX_use_certificate_chain_file(loaded, file) != 1)
        status = refuse_file(report, cert_text, file);
    if (status == CM_OK)
        warn_of_dates(context, loaded, report);
    return status;
}

/* What DER begins with, and PEM never. */
static bool is_der(const char *file) {
    const char *reason;
    FILE *opened = cm_os_open_regular(file, &reason);
    int byte = opened != NULL ? getc(opened) : EOF;
    if (opened != NULL)
        (void)fclose(opened);
    return byte == V_ASN1_SEQUENCE + V_ASN1_CONSTRUCTED;
}

/* After the certificate. */
static enum cm_status load_key(const struct cm_tls_context *context, SSL_CTX *loaded,
                               struct cm_tls_report *report) {
    const struct cm_tls_options *options = &context->options;
    const char *file = options->key_file;
    int format = options->key_is_der ? SSL_FILETYPE_ASN1 : SSL_FILETYPE_PEM;
    report->part = CM_TLS_OF_KEY;
    enum cm_status status = check_readable(report, key_text, file);
    if (status != CM_OK)
        return status;
    bool wants_passphrase = false;
    SSL_CTX_set_default_passwd_cb_userdata(loaded, &wants_passphrase);
    int used = SSL_CTX_use_PrivateKey_file(loaded, file, format);
    SSL_CTX_set_default_passwd_cb_userdata(loaded, NULL);
    if (wants_passphrase)
        return refuse(report, "cannot use the key \"%s\": it has a passphrase", file);
    unsigned long error = used == 1 ? 0 : ERR_peek_error();
    bool differs = ERR_GET_LIB(error) == ERR_LIB_X509;
    if (used == 1 && SSL_CTX_check_private_key(loaded) != 1)
        differs = true;
    if (differs)
        return refuse(report, "the key \"%s\" does not belong to the certificate \"%s\"", file,
                      options->cert_file);
    if (used != 1 && !options->key_is_der && is_der(file))
        return refuse(report, "cannot use the key \"%s\": it looks like DER (--tls-key-format der)",
                      file);
    return used == 1 ? CM_OK : refuse_file(report, key_text, file);
}

/* ---- clients' certificates ---- */

/* A session may be resumed only where its client would have been let in: by the same authorities.
 * Everything else about a client's certificate was checked when the session began. */
static enum cm_status set_session_context(SSL_CTX *loaded, const char *ca_file) {
    unsigned char digest[EVP_MAX_MD_SIZE] = "cachemand";
    unsigned bytes = 0;
    char piece[4096];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const char *reason;
    FILE *file = ca_file != NULL ? cm_os_open_regular(ca_file, &reason) : NULL;
    bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (size_t got; good && file != NULL && (got = fread(piece, 1, sizeof piece, file)) > 0;)
        good = EVP_DigestUpdate(hash, piece, got) == 1;
    good = good && EVP_DigestFinal_ex(hash, digest, &bytes) == 1;
    EVP_MD_CTX_free(hash);
    if (file != NULL)
        (void)fclose(file);
    return good && SSL_CTX_set_session_id_context(loaded, digest, bytes) == 1 ? CM_OK
                                                                              : CM_NO_MEMORY;
}

static enum cm_status load_authorities(const struct cm_tls_context *context, SSL_CTX *loaded,
                                       struct cm_tls_report *report) {
    const struct cm_tls_options *options = &context->options;
    int mode = SSL_VERIFY_PEER;
    if (options->verify == CM_TLS_VERIFY_NONE)
        return set_session_context(loaded, NULL);
    if (options->verify == CM_TLS_VERIFY_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(loaded, mode, NULL);
    const char *file = options->ca_file;
    report->part = CM_TLS_OF_CA;
    enum cm_status status = check_readable(report, ca_text, file);
    if (status != CM_OK)
        return status;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (names == NULL || SSL_CTX_load_verify_file(loaded, file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return refuse_file(report, ca_text, file);
    }
    SSL_CTX_set_client_CA_list(loaded, names); /* takes them */
    return set_session_context(loaded, file);
}

/* ---- settings ---- */

/* The names of `list` that begin with TLS_, or the others, with colons between them. */
static void pick_ciphers(const char *list, bool of_1_3, char *to, size_t to_bytes) {
    size_t used = 0;
    to[0] = '\0';
    while (*list != '\0') {
        size_t bytes = strcspn(list, ":, ");
        bool is_1_3 = strncmp(list, "TLS_", 4) == 0;
        if (bytes > 0 && is_1_3 == of_1_3 && used + bytes + 2 < to_bytes)
            used += (size_t)snprintf(to + used, to_bytes - used, "%s%.*s", used > 0 ? ":" : "",
                                     (int)bytes, list);
        list += bytes + (list[bytes] != '\0');
    }
}

/* Those of a version of which none is named stay OpenSSL's. */
static enum cm_status set_ciphers(SSL_CTX *loaded, const char *list, struct cm_tls_report *report) {
    char names[CIPHERS_BYTES];
    if (list == NULL)
        return CM_OK;
    report->part = CM_TLS_OF_CIPHERS;
    if (strlen(list) >= sizeof names)
        return refuse(report, "the list of ciphers is longer than %d bytes", CIPHERS_BYTES - 1);
    pick_ciphers(list, true, names, sizeof names);
    bool good = names[0] == '\0' || SSL_CTX_set_ciphersuites(loaded, names) == 1;
    pick_ciphers(list, false, names, sizeof names);
    good = good && (names[0] == '\0' || SSL_CTX_set_cipher_list(loaded, names) == 1);
    return good ? CM_OK : refuse(report, "OpenSSL knows no cipher of the list \"%s\"", list);
}

static enum cm_status set_up(const struct cm_tls_context *context, SSL_CTX *loaded,
                             struct cm_tls_report *report) {
    const struct cm_tls_options *options = &context->options;
    bool only_1_3 = options->min_version == CM_TLS_1_3;
    SSL_CTX_set_options(loaded, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (options->kernel)
        SSL_CTX_set_options(loaded, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(loaded, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(loaded, no_passphrase);
    SSL_CTX_set_session_cache_mode(loaded, options->session_cache ? SSL_SESS_CACHE_SERVER
                                                                  : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_cache_size(loaded, SESSIONS_MAX);
    /* The keys are given as they are stored, hence without const. */
    unsigned char keys[CM_TLS_TICKET_KEY_BYTES];
    memcpy(keys, context->ticket_keys, sizeof keys);
    if (SSL_CTX_set_min_proto_version(loaded, only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(loaded, 1) != 1 ||
        SSL_CTX_set_tlsext_ticket_keys(loaded, keys, sizeof keys) != 1)
        return refuse(report, "OpenSSL does not take the settings");
    return set_ciphers(loaded, options->ciphers, report);
}

enum cm_status cm_tls_load(const struct cm_tls_context *context, SSL_CTX **out,
                           struct cm_tls_report *report) {
    ERR_clear_error();
    SSL_CTX *loaded = SSL_CTX_new(TLS_server_method());
    if (loaded == NULL)
        return CM_NO_MEMORY;
    enum cm_status status = set_up(context, loaded, report);
    if (status == CM_OK)
        status = load_cert(context, loaded, report);
    if (status == CM_OK)
        status = load_key(context, loaded, report);
    if (status == CM_OK)
        status = load_authorities(context, loaded, report);
    if (status == CM_OK)
        *out = loaded;
    else
        SSL_CTX_free(loaded);
    ERR_clear_error();
    return status;
}

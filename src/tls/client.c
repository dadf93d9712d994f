/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/client.h"

#include "tls/internal.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a file that cannot be opened the first error is the system's, the last only that there is one. */
static enum cm_status refuse(struct cm_tls_report *report, const char *what, const char *file) {
    const unsigned long first = ERR_peek_error();
    const bool is_system = ERR_SYSTEM_ERROR(first);
    const char *reason = is_system ? strerror(ERR_GET_REASON(first))
                                   : ERR_reason_error_string(ERR_peek_last_error());
    snprintf(report->error, sizeof report->error, "cannot use the %s \"%s\": %s", what, file,
             reason != NULL ? reason : "it makes no sense");
    ERR_clear_error();
    return is_system ? CM_SYSTEM : CM_INVALID;
}

/* Instead of asking at the terminal. */
static int no_passphrase(char *to, int bytes, int writing, void *context) {
    (void)to;
    (void)bytes;
    (void)writing;
    (void)context;
    return -1;
}

static enum cm_status load(SSL_CTX *loaded, const struct cm_tls_client_options *options,
                           struct cm_tls_report *report) {
    SSL_CTX_set_options(loaded, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(loaded, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(loaded, no_passphrase);
    SSL_CTX_set_session_cache_mode(loaded, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(loaded, options->any_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(loaded, TLS1_2_VERSION) != 1)
        return CM_NO_MEMORY;
    if (options->ca_file == NULL && SSL_CTX_set_default_verify_paths(loaded) != 1)
        return refuse(report, "system's authorities", "");
    if (options->ca_file != NULL && SSL_CTX_load_verify_file(loaded, options->ca_file) != 1)
        return refuse(report, "authorities", options->ca_file);
    if (options->cert_file == NULL)
        return CM_OK;
    if (SSL_CTX_use_certificate_chain_file(loaded, options->cert_file) != 1)
        return refuse(report, "certificate", options->cert_file);
    const char *key = options->key_file == NULL ? options->cert_file : options->key_file;
    return SSL_CTX_use_PrivateKey_file(loaded, key, SSL_FILETYPE_PEM) == 1
               ? CM_OK
               : refuse(report, "key", key);
}

static enum cm_status init(struct cm_tls_context *context) {
    enum cm_status status = cm_os_mutex_init(&context->reloading);
    if (status == CM_OK)
        status = cm_os_mutex_init(&context->lock);
    context->memory = cm_tls_memory_create();
    context->current = SSL_CTX_new(TLS_client_method());
    return status == CM_OK && context->memory != NULL && context->current != NULL ? CM_OK
                                                                                  : CM_NO_MEMORY;
}

enum cm_status cm_tls_client_context_create(const struct cm_tls_client_options *options,
                                            struct cm_tls_context **out,
                                            struct cm_tls_report *report) {
    struct cm_tls_context *context = calloc(1, sizeof *context);
    *report = (struct cm_tls_report){0};
    if (context == NULL)
        return CM_NO_MEMORY;
    enum cm_status status = init(context);
    ERR_clear_error(); /* the caller's, which are not about these files */
    if (status == CM_OK)
        status = load(context->current, options, report);
    ERR_clear_error();
    if (status != CM_OK) {
        cm_tls_context_destroy(context);
        return status;
    }
    *out = context;
    return CM_OK;
}

/* An address is looked for among the certificate's addresses, a name among its names. Names are
 * told to the server too (RFC 6066, section 3), addresses are not. */
static bool expect_host(SSL *ssl, const char *host) {
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum cm_status cm_tls_connect(struct cm_tls_context *context, const char *host, struct cm_tls **out,
                              struct cm_buf *cipher) {
    struct cm_buf plain = {0};
    struct cm_tls *tls;
    enum cm_status status = cm_tls_create(context, &tls);
    if (status != CM_OK)
        return status;
    SSL_set_connect_state(tls->ssl);
    const bool good = host == NULL || expect_host(tls->ssl, host);
    ERR_clear_error();
    /* nothing has been received, and so the first step is to say hello */
    if (!good || cm_tls_receive(tls, cm_slice(NULL, 0), &plain, cipher) != CM_TLS_SHAKING)
        status = CM_NO_MEMORY;
    cm_buf_deinit(&plain);
    if (status == CM_OK)
        *out = tls;
    else
        cm_tls_destroy(tls);
    return status;
}

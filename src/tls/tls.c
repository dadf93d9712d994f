/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/internal.h"

#include <openssl/err.h>
#include <stdlib.h>

enum {
    RECORD_BYTES = 16 << 10,
    RECORD_OVERHEAD = 64, /* header, nonce, tag, padding */
    /* A handshake takes some 2 KB, with a client's chain of certificates several more. */
    HANDSHAKE_BYTES_MAX = 64 << 10,
};

static const char out_of_memory[] = "out of memory";

enum cm_status cm_tls_create(struct cm_tls_context *context, struct cm_tls **out) {
    struct cm_tls *tls = calloc(1, sizeof *tls);
    BIO *bio = BIO_new(context->memory);
    cm_os_mutex_lock(&context->lock);
    SSL_CTX *current = context->current;
    int counted = SSL_CTX_up_ref(current);
    cm_os_mutex_unlock(&context->lock);
    CM_CHECK(counted == 1);
    SSL *ssl = SSL_new(current);
    SSL_CTX_free(current);
    if (tls == NULL || bio == NULL || ssl == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        free(tls);
        return CM_NO_MEMORY;
    }
    tls->ssl = ssl;
    tls->memory = context->memory;
    tls->state = CM_TLS_SHAKING;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* takes it */
    SSL_set_accept_state(ssl);
    *out = tls;
    return CM_OK;
}

void cm_tls_offer_socket(struct cm_tls *tls, cm_os_socket socket) {
    if ((SSL_get_options(tls->ssl) & SSL_OP_ENABLE_KTLS) == 0)
        return;
    BIO *writer = BIO_new(tls->memory);
    tls->socket = BIO_new_socket((int)socket, BIO_NOCLOSE);
    if (writer == NULL || tls->socket == NULL) { /* OpenSSL encrypts, then */
        BIO_free(writer);
        BIO_free(tls->socket);
        tls->socket = NULL;
        ERR_clear_error();
        return;
    }
    BIO_set_data(writer, tls);
    BIO_set_init(writer, 1);
    SSL_set0_wbio(tls->ssl, BIO_push(writer, tls->socket)); /* takes both */
}

void cm_tls_destroy(struct cm_tls *tls) {
    if (tls == NULL)
        return;
    /* A connection that is merely cut off does not make its session bad. */
    if (tls->state != CM_TLS_FAILED)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    free(tls);
}

static enum cm_tls_state fail(struct cm_tls *tls, const char *reason) {
    tls->state = CM_TLS_FAILED;
    tls->reason = reason;
    return CM_TLS_FAILED;
}

/* The reason is OpenSSL's. */
static enum cm_tls_state fail_ssl(struct cm_tls *tls) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fail(tls, reason != NULL ? reason : "protocol error");
}

/* Whoever sends has been decided on when the handshake is done, were it in the same call in which the
 * peer says that nothing more comes. */
static void settle_sender(struct cm_tls *tls) {
    if (tls->state != CM_TLS_SHAKING || !SSL_is_init_finished(tls->ssl))
        return;
    tls->in_kernel = BIO_get_ktls_send(SSL_get_wbio(tls->ssl));
    if (!tls->in_kernel)
        cm_tls_drop_socket(tls);
}

/* The handshake is done. */
static enum cm_tls_state stay_open(struct cm_tls *tls) {
    if (!tls->in_kernel ||
        (!tls->wants_keys && SSL_get_key_update_type(tls->ssl) == SSL_KEY_UPDATE_NONE))
        return CM_TLS_OPEN;
    /* What has been received is answered yet, with the old ones. */
    tls->reason = "the client wants other keys, and the kernel keeps those it has";
    return CM_TLS_ENDED;
}

/* What came of a call that gave no more bytes. */
static enum cm_tls_state follow_error(struct cm_tls *tls) {
    settle_sender(tls);
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return SSL_is_init_finished(tls->ssl) ? stay_open(tls) : CM_TLS_SHAKING;
    case SSL_ERROR_ZERO_RETURN:
        return CM_TLS_ENDED;
    default:
        return fail_ssl(tls);
    }
}

static enum cm_tls_state read_all(struct cm_tls *tls, struct cm_buf *plain) {
    ERR_clear_error();
    for (;;) {
        size_t bytes;
        if (cm_buf_reserve(plain, RECORD_BYTES) != CM_OK)
            return fail(tls, out_of_memory);
        if (SSL_read_ex(tls->ssl, cm_buf_tail(plain), cm_buf_room(plain), &bytes) != 1)
            return follow_error(tls);
        cm_buf_wrote(plain, bytes);
    }
}

enum cm_tls_state cm_tls_receive(struct cm_tls *tls, struct cm_slice input, struct cm_buf *plain,
                                 struct cm_buf *cipher) {
    CM_CHECK(tls->state == CM_TLS_SHAKING || tls->state == CM_TLS_OPEN);
    if (tls->state == CM_TLS_SHAKING)
        tls->handshake_bytes += input.len;
    tls->has_spoken = false;
    tls->input = input;
    tls->cipher = cipher;
    tls->state = read_all(tls, plain);
    if (tls->state == CM_TLS_SHAKING && tls->handshake_bytes > HANDSHAKE_BYTES_MAX)
        fail(tls, "handshake too long");
    tls->input = cm_slice(NULL, 0);
    tls->cipher = NULL;
    return tls->state;
}

enum cm_status cm_tls_send(struct cm_tls *tls, struct cm_slice plain, struct cm_buf *cipher) {
    size_t written = 0;
    size_t records = plain.len / RECORD_BYTES + 1;
    CM_CHECK(!tls->in_kernel);
    if (plain.len == 0)
        return CM_OK;
    if (cm_buf_reserve(cipher, plain.len + records * RECORD_OVERHEAD) != CM_OK)
        return CM_NO_MEMORY;
    ERR_clear_error();
    tls->cipher = cipher;
    int done = SSL_write_ex(tls->ssl, plain.data, plain.len, &written);
    tls->cipher = NULL;
    if (done == 1 && written == plain.len)
        return CM_OK;
    fail_ssl(tls);
    return CM_INVALID;
}

void cm_tls_end(struct cm_tls *tls, struct cm_buf *cipher) {
    if (tls->state != CM_TLS_OPEN && tls->state != CM_TLS_ENDED)
        return;
    ERR_clear_error();
    tls->cipher = cipher;
    (void)SSL_shutdown(tls->ssl); /* the peer's own notice is not waited for */
    tls->cipher = NULL;
    ERR_clear_error();
}

enum cm_tls_state cm_tls_state(const struct cm_tls *tls) {
    return tls->state;
}

bool cm_tls_is_in_kernel(const struct cm_tls *tls) {
    return tls->in_kernel;
}

bool cm_tls_has_spoken(const struct cm_tls *tls) {
    return tls->has_spoken;
}

bool cm_tls_is_busy(const struct cm_tls *tls) {
    return tls->state == CM_TLS_OPEN &&
           (tls->missing != SSL3_RT_HEADER_LENGTH || SSL_has_pending(tls->ssl) == 1);
}

bool cm_tls_is_resumed(const struct cm_tls *tls) {
    return SSL_session_reused(tls->ssl) == 1;
}

const char *cm_tls_reason(const struct cm_tls *tls) {
    return tls->reason != NULL ? tls->reason : "";
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/internal.h"

/* OpenSSL reads straight from the caller's input and writes straight to the caller's output; its
 * own memory BIOs would hold a copy of both for each connection. */

enum { KEY_UPDATE_BYTES = SSL3_HM_HEADER_LENGTH + 1 };

static int on_read(BIO *bio, char *to, size_t wanted, size_t *got) {
    struct cm_tls *tls = BIO_get_data(bio);
    size_t bytes = wanted < tls->input.len ? wanted : tls->input.len;
    BIO_clear_retry_flags(bio);
    *got = bytes;
    if (bytes == 0) {
        tls->missing = wanted;
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, tls->input.data, bytes);
    tls->input = cm_slice(tls->input.data + bytes, tls->input.len - bytes);
    return 1;
}

/* One of TLS itself, whose kind OpenSSL has told the socket's BIO; the kernel encrypts it. The
 * promise of other keys, which the kernel would not use, is kept back. */
static int write_message(BIO *bio, const char *from, size_t bytes, size_t *written) {
    struct cm_tls *tls = BIO_get_data(bio);
    if (bytes == KEY_UPDATE_BYTES && from[0] == SSL3_MT_KEY_UPDATE) {
        tls->wants_keys = true;
        *written = bytes;
        return 1;
    }
    int done = BIO_write_ex(tls->socket, from, bytes, written);
    BIO_copy_next_retry(bio);
    return done;
}

static int on_write(BIO *bio, const char *from, size_t bytes, size_t *written) {
    struct cm_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *written = 0;
    tls->has_spoken = true;
    if (tls->socket != NULL && BIO_get_ktls_send(tls->socket))
        return write_message(bio, from, bytes, written);
    if (tls->cipher == NULL || cm_buf_append(tls->cipher, cm_slice(from, bytes)) != CM_OK)
        return 0;
    *written = bytes;
    return 1;
}

void cm_tls_drop_socket(struct cm_tls *tls) {
    if (tls->socket == NULL)
        return;
    BIO_pop(tls->socket);
    BIO_free(tls->socket);
    tls->socket = NULL;
}

/* What was written before the kernel gets the keys must be in the socket by then, and just before
 * OpenSSL flushes. If the socket does not take all of it, the keys stay here. */
static void flush(struct cm_tls *tls) {
    size_t written = 0;
    if (tls->socket == NULL || tls->cipher == NULL || cm_buf_len(tls->cipher) == 0)
        return;
    struct cm_slice bytes = cm_buf_slice(tls->cipher);
    (void)BIO_write_ex(tls->socket, bytes.data, bytes.len, &written);
    cm_buf_consume(tls->cipher, written);
    if (cm_buf_len(tls->cipher) > 0)
        cm_tls_drop_socket(tls);
}

/* Whatever else OpenSSL asks for is about the kernel, and the socket's to answer. */
static long on_control(BIO *bio, int command, long number, void *pointer) {
    BIO *next = BIO_next(bio);
    if (command != BIO_CTRL_FLUSH)
        return next == NULL ? 0 : BIO_ctrl(next, command, number, pointer);
    flush(BIO_get_data(bio));
    return 1;
}

BIO_METHOD *cm_tls_memory_create(void) {
    BIO_METHOD *memory = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "caller's memory");
    if (memory == NULL)
        return NULL;
    int set = BIO_meth_set_read_ex(memory, on_read) + BIO_meth_set_write_ex(memory, on_write) +
              BIO_meth_set_ctrl(memory, on_control);
    CM_CHECK(set == 3);
    return memory;
}

void cm_tls_memory_destroy(BIO_METHOD *memory) {
    BIO_meth_free(memory);
}

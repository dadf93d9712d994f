/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/internal.h"

/* OpenSSL reads straight from the caller's input and writes straight to the caller's output; its
 * own memory BIOs would hold a copy of both for each connection. */

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

static int on_write(BIO *bio, const char *from, size_t bytes, size_t *written) {
    struct cm_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *written = 0;
    if (tls->cipher == NULL || cm_buf_append(tls->cipher, cm_slice(from, bytes)) != CM_OK)
        return 0;
    *written = bytes;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
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

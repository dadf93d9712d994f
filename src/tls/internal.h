/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TLS_INTERNAL_H
#define CM_TLS_INTERNAL_H

/* What the files of tls/ share, OpenSSL included. */

#include "base/os/os.h"
#include "tls/tls.h"
#include <openssl/ssl.h>

enum { CM_TLS_TICKET_KEY_BYTES = 80 };

struct cm_tls_context {
    struct cm_tls_options options;
    BIO_METHOD *memory; /* bio.c */
    unsigned char ticket_keys[CM_TLS_TICKET_KEY_BYTES];
    struct cm_os_mutex reloading; /* one at a time, so that the last one called wins */
    struct cm_os_mutex lock;
    SSL_CTX *current; /* under `lock`; OpenSSL counts who uses it */
};

struct cm_tls {
    SSL *ssl;
    BIO_METHOD *memory;    /* the context's */
    struct cm_slice input; /* what is left of a call's input */
    struct cm_buf *cipher; /* the call's; NULL between calls */
    size_t missing;        /* what OpenSSL wanted when there was no more input */
    enum cm_tls_state state;
    const char *reason;     /* static */
    size_t handshake_bytes; /* received before it was open */
    BIO *socket;            /* OpenSSL's; NULL: none was offered, or the kernel did not take over */
    bool in_kernel;         /* T4 */
    bool has_spoken;        /* something was written in this call */
    bool wants_keys;        /* the peer wants to be sent other keys, in spite of T4 */
};

/* bio.c: how OpenSSL reads `input` and writes `cipher`. NULL without memory. */
BIO_METHOD *cm_tls_memory_create(void);
void cm_tls_memory_destroy(BIO_METHOD *memory);
/* Forgets the socket that was offered. */
void cm_tls_drop_socket(struct cm_tls *tls);

/* load.c: an SSL_CTX as of the context's options and the files' contents now. */
CM_MUST_CHECK enum cm_status cm_tls_load(const struct cm_tls_context *context, SSL_CTX **out,
                                         struct cm_tls_report *report);

#endif

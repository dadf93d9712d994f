/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_STREAM_H
#define CM_BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A client's connection, plain or over TLS. Certificates are not looked at. */

struct cm_bench_tls;     /* what connections share */
struct cm_bench_session; /* what a connection leaves for another to resume */

/* `old`: TLS 1.2 instead of 1.3. */
struct cm_bench_tls *cm_bench_tls_create(bool old);
void cm_bench_tls_destroy(struct cm_bench_tls *tls);

struct cm_bench_stream {
    int fd;
    void *tls; /* NULL: plain */
};

/* Over a connected socket, which it takes; dies if the handshake fails. `tls` NULL: plain.
 * `session` may be NULL. */
void cm_bench_stream_open(struct cm_bench_stream *stream, int fd, struct cm_bench_tls *tls,
                          struct cm_bench_session *session);
void cm_bench_stream_close(struct cm_bench_stream *stream);

/* As read() and write(), EAGAIN included. */
ssize_t cm_bench_stream_read(struct cm_bench_stream *stream, void *to, size_t bytes);
ssize_t cm_bench_stream_write(struct cm_bench_stream *stream, const void *from, size_t bytes);

/* The session, once something has been read; NULL if there is none to resume. */
struct cm_bench_session *cm_bench_stream_session(const struct cm_bench_stream *stream);
void cm_bench_session_destroy(struct cm_bench_session *session);
bool cm_bench_stream_is_resumed(const struct cm_bench_stream *stream);

#endif

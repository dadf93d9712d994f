/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stream.h"

#include "lib/machine.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

struct cm_bench_tls *cm_bench_tls_create(bool old) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int version = old ? TLS1_2_VERSION : TLS1_3_VERSION;
    if (!context || SSL_CTX_set_min_proto_version(context, version) != 1 ||
        SSL_CTX_set_max_proto_version(context, version) != 1)
        cm_bench_die("OpenSSL does not work");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return (struct cm_bench_tls *)context;
}

void cm_bench_tls_destroy(struct cm_bench_tls *tls) {
    SSL_CTX_free((SSL_CTX *)tls);
}

void cm_bench_stream_open(struct cm_bench_stream *stream, int fd, struct cm_bench_tls *tls,
                          struct cm_bench_session *session) {
    *stream = (struct cm_bench_stream){.fd = fd};
    if (!tls)
        return;
    SSL *ssl = SSL_new((SSL_CTX *)tls);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 ||
        (session && SSL_set_session(ssl, (SSL_SESSION *)session) != 1))
        cm_bench_die("OpenSSL does not work");
    if (SSL_connect(ssl) != 1)
        cm_bench_die("TLS handshake: %s", ERR_reason_error_string(ERR_peek_last_error()));
    stream->tls = ssl;
}

void cm_bench_stream_close(struct cm_bench_stream *stream) {
    if (stream->tls) {
        SSL_shutdown(stream->tls);
        SSL_free(stream->tls);
    }
    close(stream->fd);
}

static ssize_t result_of(SSL *ssl, int result) {
    if (result > 0)
        return result;
    int error = SSL_get_error(ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

ssize_t cm_bench_stream_read(struct cm_bench_stream *stream, void *to, size_t bytes) {
    if (!stream->tls)
        return read(stream->fd, to, bytes);
    return result_of(stream->tls, SSL_read(stream->tls, to, (int)bytes));
}

ssize_t cm_bench_stream_write(struct cm_bench_stream *stream, const void *from, size_t bytes) {
    if (!stream->tls)
        return write(stream->fd, from, bytes);
    return result_of(stream->tls, SSL_write(stream->tls, from, (int)bytes));
}

struct cm_bench_session *cm_bench_stream_session(const struct cm_bench_stream *stream) {
    SSL_SESSION *session = stream->tls ? SSL_get1_session(stream->tls) : NULL;
    if (session && !SSL_SESSION_is_resumable(session)) {
        SSL_SESSION_free(session);
        session = NULL;
    }
    return (struct cm_bench_session *)session;
}

void cm_bench_session_destroy(struct cm_bench_session *session) {
    SSL_SESSION_free((SSL_SESSION *)session);
}

bool cm_bench_stream_is_resumed(const struct cm_bench_stream *stream) {
    return stream->tls && SSL_session_reused(stream->tls);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_TLS_PEER_H
#define CM_TESTS_SUPPORT_TLS_PEER_H

/* A client on OpenSSL itself, and certificates, for what tests tls/. */

#include "base/buf.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEER_DAY_S = 24 * 60 * 60 };

/* A folder with the files cert.pem and key.pem in it. */
struct peer_files {
    char folder[32];
    char cert[48], key[48];
};

enum peer_dates { PEER_VALID, PEER_EXPIRED, PEER_NOT_YET };

/* A certificate signed by itself and its key. */
static inline void peer_make_cert(const struct peer_files *files, enum peer_dates dates) {
    static const long first[] = {-PEER_DAY_S, -2 * PEER_DAY_S, PEER_DAY_S};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    CM_CHECK(key != NULL && cert != NULL);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), first[dates]);
    X509_gmtime_adj(X509_getm_notAfter(cert), first[dates] + PEER_DAY_S + PEER_DAY_S / 2);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    CM_CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *file = fopen(files->cert, "w");
    CM_CHECK(file != NULL && PEM_write_X509(file, cert) == 1 && fclose(file) == 0);
    file = fopen(files->key, "w");
    CM_CHECK(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    CM_CHECK(fclose(file) == 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void peer_make_files(struct peer_files *files) {
    snprintf(files->folder, sizeof files->folder, "/tmp/cachemand-tls-XXXXXX");
    CM_CHECK(mkdtemp(files->folder) != NULL);
    snprintf(files->cert, sizeof files->cert, "%s/cert.pem", files->folder);
    snprintf(files->key, sizeof files->key, "%s/key.pem", files->folder);
    peer_make_cert(files, PEER_VALID);
}

static inline void peer_remove_files(const struct peer_files *files) {
    (void)remove(files->cert);
    (void)remove(files->key);
    (void)rmdir(files->folder);
}

struct peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out; /* ciphertext, to and from the server */
};

/* A new connection, that tries to resume `session` if there is one. */
static inline void peer_connect(struct peer *peer, SSL_SESSION *session) {
    SSL_free(peer->ssl);
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    CM_CHECK(peer->ssl != NULL && peer->in != NULL && peer->out != NULL);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    CM_CHECK(session == NULL || SSL_set_session(peer->ssl, session) == 1);
}

/* Speaks only `version`. */
static inline void peer_open(struct peer *peer, int version) {
    *peer = (struct peer){.context = SSL_CTX_new(TLS_client_method())};
    CM_CHECK(peer->context != NULL);
    SSL_CTX_set_security_level(peer->context, 0); /* or TLS 1.1 were out of the question */
    CM_CHECK(SSL_CTX_set_min_proto_version(peer->context, version) == 1);
    CM_CHECK(SSL_CTX_set_max_proto_version(peer->context, version) == 1);
    peer_connect(peer, NULL);
}

static inline void peer_close(struct peer *peer) {
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
}

/* What it has to say is moved to `cipher`. */
static inline void peer_take(struct peer *peer, struct cm_buf *cipher) {
    char piece[4096];
    for (int got; (got = BIO_read(peer->out, piece, sizeof piece)) > 0;)
        CM_CHECK(cm_buf_append(cipher, cm_slice(piece, (size_t)got)) == CM_OK);
}

static inline void peer_give(struct peer *peer, struct cm_slice cipher) {
    if (cipher.len > 0)
        CM_CHECK(BIO_write(peer->in, cipher.data, (int)cipher.len) == (int)cipher.len);
}

/* Shakes hands and reads as far as it goes; what was read is appended. False: it failed. */
static inline bool peer_read(struct peer *peer, struct cm_buf *plain) {
    char piece[4096];
    size_t got;
    ERR_clear_error();
    while (SSL_read_ex(peer->ssl, piece, sizeof piece, &got) == 1)
        CM_CHECK(cm_buf_append(plain, cm_slice(piece, got)) == CM_OK);
    int error = SSL_get_error(peer->ssl, 0);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN;
}

static inline void peer_write(struct peer *peer, struct cm_slice plain) {
    size_t written;
    if (plain.len > 0)
        CM_CHECK(SSL_write_ex(peer->ssl, plain.data, plain.len, &written) == 1);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/base64.h"
#include "base/num.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>

#define PREFIX "SCRAM-SHA-256$"

bool cm_auth_hmac(const unsigned char key[CM_DIGEST_BYTES], struct cm_slice text,
                  unsigned char out[CM_DIGEST_BYTES]) {
    return HMAC(EVP_sha256(), key, CM_DIGEST_BYTES, (const unsigned char *)text.data, text.len, out,
                NULL) != NULL;
}

bool cm_verifier_derive(struct cm_verifier *verifier, struct cm_slice password) {
    unsigned char salted[CM_DIGEST_BYTES], client_key[CM_DIGEST_BYTES];
    const bool good =
        PKCS5_PBKDF2_HMAC(password.len > 0 ? password.data : "", (int)password.len, verifier->salt,
                          verifier->salt_bytes, (int)verifier->iterations, EVP_sha256(),
                          sizeof salted, salted) == 1 &&
        cm_auth_hmac(salted, CM_SLICE("Client Key"), client_key) &&
        cm_auth_hmac(salted, CM_SLICE("Server Key"), verifier->server_key) &&
        SHA256(client_key, sizeof client_key, verifier->stored_key) != NULL;
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(client_key, sizeof client_key);
    return good;
}

bool cm_verifier_equal(const struct cm_verifier *a, const struct cm_verifier *b) {
    return CRYPTO_memcmp(a->stored_key, b->stored_key, CM_DIGEST_BYTES) == 0;
}

/* ---- text ---- */

/* Cuts what is before `separator` off *text; all of it if there is none. */
static struct cm_slice cut(struct cm_slice *text, char separator) {
    const char *at = memchr(text->data, separator, text->len);
    const struct cm_slice part =
        cm_slice(text->data, at == NULL ? text->len : (size_t)(at - text->data));
    const size_t used = at == NULL ? text->len : part.len + 1;
    *text = cm_slice(text->data + used, text->len - used);
    return part;
}

static bool parse_key(struct cm_slice text, unsigned char key[CM_DIGEST_BYTES]) {
    return cm_base64_decode(text, (char *)key, CM_DIGEST_BYTES) == CM_DIGEST_BYTES;
}

bool cm_verifier_parse(struct cm_slice text, struct cm_verifier *out) {
    struct cm_slice rest = text;
    if (!cm_slice_equal(cut(&rest, '$'), CM_SLICE("SCRAM-SHA-256")) ||
        !cm_num_u32(cut(&rest, ':'), &out->iterations)) {
        return false;
    }
    out->salt_bytes =
        (uint8_t)cm_base64_decode(cut(&rest, '$'), (char *)out->salt, CM_SALT_BYTES_MAX);
    return out->salt_bytes > 0 && out->iterations >= CM_AUTH_ITERATIONS &&
           out->iterations <= CM_AUTH_ITERATIONS_MAX &&
           parse_key(cut(&rest, ':'), out->stored_key) && parse_key(rest, out->server_key);
}

void cm_verifier_format(const struct cm_verifier *verifier, char *to) {
    char salt[CM_BASE64_CHARS(CM_SALT_BYTES)], keys[2][CM_BASE64_CHARS(CM_DIGEST_BYTES)];
    cm_base64_encode(cm_slice(verifier->salt, CM_SALT_BYTES), salt);
    cm_base64_encode(cm_slice(verifier->stored_key, CM_DIGEST_BYTES), keys[0]);
    cm_base64_encode(cm_slice(verifier->server_key, CM_DIGEST_BYTES), keys[1]);
    snprintf(to, CM_AUTH_HASH_CHARS, PREFIX "%" PRIu32 ":%.*s$%.*s:%.*s", verifier->iterations,
             (int)sizeof salt, salt, (int)sizeof keys[0], keys[0], (int)sizeof keys[1], keys[1]);
}

enum cm_status cm_auth_hash(struct cm_slice password, char *to) {
    struct cm_verifier verifier = {.iterations = CM_AUTH_ITERATIONS, .salt_bytes = CM_SALT_BYTES};
    if (RAND_bytes(verifier.salt, CM_SALT_BYTES) != 1 || !cm_verifier_derive(&verifier, password)) {
        return CM_SYSTEM;
    }
    cm_verifier_format(&verifier, to);
    return CM_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/base64.h"
#include "base/check.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>

/* RFC 5802 with SHA-256 (RFC 7677), the server's side:
 *
 *   client                                  server
 *   n,,n=user,r=CLIENT                 ->
 *                                      <-   r=CLIENTSERVER,s=SALT,i=ITERATIONS
 *   c=biws,r=CLIENTSERVER,p=PROOF      ->
 *                                      <-   v=SIGNATURE
 *   (nothing)                          ->
 *
 * The transcript is the client's first message without its header, the server's first, and the
 * client's last without its proof, with commas between them. A user who does not exist goes
 * through all of it and fails where a wrong password does. */

/* ---- attributes ---- */

/* Cuts the next "x=value" off *text, with the comma behind it. False: there is none of that name. */
static bool take(struct cm_slice *text, char name, struct cm_slice *value) {
    if (text->len < 2 || text->data[0] != name || text->data[1] != '=') {
        return false;
    }
    const char *from = text->data + 2;
    const char *comma = memchr(from, ',', text->len - 2);
    const size_t bytes = comma == NULL ? text->len - 2 : (size_t)(comma - from);
    *value = cm_slice(from, bytes);
    const size_t used = 2 + bytes + (comma == NULL ? 0 : 1);
    *text = cm_slice(text->data + used, text->len - used);
    return true;
}

/* Undoes =2C and =3D; false: another '=', or too long. */
static bool decode_name(struct cm_slice text, char *to, size_t *bytes) {
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '=') {
            const bool whole = text.len - i >= 3;
            const bool comma = whole && memcmp(text.data + i, "=2C", 3) == 0;
            if (!comma && !(whole && memcmp(text.data + i, "=3D", 3) == 0)) {
                return false;
            }
            c = comma ? ',' : '=';
            i += 2;
        }
        if (at == CM_USER_BYTES_MAX) {
            return false;
        }
        to[at++] = c;
    }
    *bytes = at;
    return at > 0;
}

/* What a nonce may consist of. */
static bool is_printable(struct cm_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return text.len > 0;
}

static void add(struct cm_scram *scram, struct cm_slice text) {
    CM_CHECK(scram->transcript_bytes + text.len <= sizeof scram->transcript);
    memcpy(scram->transcript + scram->transcript_bytes, text.data, text.len);
    scram->transcript_bytes = (uint16_t)(scram->transcript_bytes + text.len);
}

/* ---- the first message ---- */

/* The header: whether the client can bind to the channel, which nothing here can ("n": it cannot
 * either, "y": it believes the server cannot; "p" demands it), and for whom it acts. False: not
 * well-formed, or not possible. */
static bool take_header(struct cm_slice *message, struct cm_slice *act_for) {
    const char *data = message->data;
    if (message->len < 3 || (data[0] != 'n' && data[0] != 'y') || data[1] != ',') {
        return false;
    }
    *message = cm_slice(data + 2, message->len - 2);
    *act_for = cm_slice(NULL, 0);
    if (message->data[0] == ',') {
        *message = cm_slice(message->data + 1, message->len - 1);
        return true;
    }
    return take(message, 'a', act_for) && act_for->len > 0;
}

static void write_first_reply(struct cm_scram *scram) {
    const struct cm_verifier *verifier = &scram->verifier;
    char salt[CM_BASE64_CHARS(CM_SALT_BYTES_MAX)];
    const size_t salt_chars =
        cm_base64_encode(cm_slice(verifier->salt, verifier->salt_bytes), salt);
    const int bytes = snprintf(scram->reply, sizeof scram->reply, "r=%.*s,s=%.*s,i=%" PRIu32,
                               (int)scram->nonce_bytes, scram->nonce, (int)salt_chars, salt,
                               verifier->iterations);
    CM_CHECK(bytes > 0 && (size_t)bytes < sizeof scram->reply);
    scram->reply_bytes = (uint16_t)bytes;
}

static void keep_nonce(struct cm_scram *scram, struct cm_slice client) {
    memmove(scram->nonce + client.len, scram->nonce, scram->nonce_bytes);
    memcpy(scram->nonce, client.data, client.len);
    scram->nonce_bytes = (uint16_t)(scram->nonce_bytes + client.len);
}

static enum cm_exchange_state take_first(struct cm_scram *scram, struct cm_auth *auth,
                                         struct cm_slice message) {
    struct cm_slice rest = message, act_for, name, nonce;
    char user[CM_USER_BYTES_MAX];
    size_t user_bytes;
    if (!take_header(&rest, &act_for)) {
        return CM_EXCHANGE_FAILED;
    }
    const struct cm_slice bare = rest;
    scram->gs2_bytes = (uint16_t)(message.len - bare.len);
    memcpy(scram->gs2, message.data, scram->gs2_bytes);
    /* What else may follow is for extensions; a mandatory one ("m=") stands before the name. */
    if (!take(&rest, 'n', &name) || !take(&rest, 'r', &nonce) || !is_printable(nonce) ||
        !decode_name(name, user, &user_bytes) ||
        (act_for.len > 0 && !cm_slice_equal(act_for, name))) {
        return CM_EXCHANGE_FAILED;
    }
    scram->known = cm_auth_find(auth, cm_slice(user, user_bytes), &scram->verifier);
    keep_nonce(scram, nonce);
    write_first_reply(scram);
    add(scram, bare);
    add(scram, CM_SLICE(","));
    add(scram, cm_slice(scram->reply, scram->reply_bytes));
    scram->expects = CM_SCRAM_FINAL;
    return CM_EXCHANGE_GOES_ON;
}

/* ---- the last message ---- */

/* Cuts ",p=PROOF" off the end of the message. */
static bool take_proof(struct cm_slice *message, unsigned char proof[CM_DIGEST_BYTES]) {
    size_t at = message->len;
    while (at > 0 && message->data[at - 1] != ',') {
        at--;
    }
    struct cm_slice rest = cm_slice(message->data + at, message->len - at);
    struct cm_slice text;
    if (at == 0 || !take(&rest, 'p', &text) ||
        cm_base64_decode(text, (char *)proof, CM_DIGEST_BYTES) != CM_DIGEST_BYTES) {
        return false;
    }
    message->len = at - 1;
    return true;
}

/* The header, said again, is the one that was said at first, and the nonce is the exchange's. */
static bool repeats(const struct cm_scram *scram, struct cm_slice message) {
    char header[CM_EXCHANGE_BYTES_MAX];
    struct cm_slice binding, nonce;
    if (!take(&message, 'c', &binding) || !take(&message, 'r', &nonce)) {
        return false;
    }
    const size_t bytes = cm_base64_decode(binding, header, sizeof header);
    return cm_slice_equal(cm_slice(header, bytes), cm_slice(scram->gs2, scram->gs2_bytes)) &&
           cm_slice_equal(nonce, cm_slice(scram->nonce, scram->nonce_bytes));
}

/* ClientKey = proof XOR HMAC(StoredKey, transcript), and its hash must be StoredKey. */
static bool proves(const struct cm_scram *scram, const unsigned char proof[CM_DIGEST_BYTES]) {
    struct cm_verifier given = {0};
    unsigned char key[CM_DIGEST_BYTES];
    bool good = cm_auth_hmac(scram->verifier.stored_key,
                             cm_slice(scram->transcript, scram->transcript_bytes), key);
    for (size_t i = 0; i < CM_DIGEST_BYTES; i++) {
        key[i] ^= proof[i];
    }
    good = good && SHA256(key, sizeof key, given.stored_key) != NULL;
    good = cm_verifier_equal(&given, &scram->verifier) && good;
    OPENSSL_cleanse(key, sizeof key);
    return good && scram->known;
}

static bool write_signature(struct cm_scram *scram) {
    unsigned char signature[CM_DIGEST_BYTES];
    if (!cm_auth_hmac(scram->verifier.server_key,
                      cm_slice(scram->transcript, scram->transcript_bytes), signature)) {
        return false;
    }
    scram->reply[0] = 'v';
    scram->reply[1] = '=';
    scram->reply_bytes =
        (uint16_t)(2 + cm_base64_encode(cm_slice(signature, sizeof signature), scram->reply + 2));
    return true;
}

static enum cm_exchange_state take_final(struct cm_scram *scram, struct cm_slice message) {
    unsigned char proof[CM_DIGEST_BYTES];
    if (!take_proof(&message, proof) || !repeats(scram, message)) {
        return CM_EXCHANGE_FAILED;
    }
    add(scram, CM_SLICE(","));
    add(scram, message);
    if (!proves(scram, proof) || !write_signature(scram)) {
        return CM_EXCHANGE_FAILED;
    }
    scram->expects = CM_SCRAM_NOTHING;
    return CM_EXCHANGE_GOES_ON;
}

/* ---- the whole ---- */

void cm_scram_init(struct cm_scram *scram, struct cm_slice nonce) {
    CM_CHECK(nonce.len <= CM_SCRAM_NONCE_CHARS);
    scram->expects = CM_SCRAM_FIRST;
    scram->transcript_bytes = 0;
    scram->reply_bytes = 0;
    scram->nonce_bytes = (uint16_t)nonce.len;
    memcpy(scram->nonce, nonce.data, nonce.len);
}

static enum cm_exchange_state step(struct cm_scram *scram, struct cm_auth *auth,
                                   struct cm_slice message) {
    if (message.len > CM_EXCHANGE_BYTES_MAX) {
        return CM_EXCHANGE_FAILED;
    }
    switch (scram->expects) {
    case CM_SCRAM_FIRST:
        return take_first(scram, auth, message);
    case CM_SCRAM_FINAL:
        return take_final(scram, message);
    case CM_SCRAM_NOTHING:
        scram->expects = CM_SCRAM_OVER;
        return message.len == 0 ? CM_EXCHANGE_DONE : CM_EXCHANGE_FAILED;
    default:
        return CM_EXCHANGE_FAILED;
    }
}

enum cm_exchange_state cm_scram_step(struct cm_scram *scram, struct cm_auth *auth,
                                     struct cm_slice message) {
    scram->reply_bytes = 0;
    const enum cm_exchange_state state = step(scram, auth, message);
    if (state == CM_EXCHANGE_FAILED) {
        scram->expects = CM_SCRAM_OVER;
        scram->reply_bytes = 0;
    }
    return state;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/base64.h"
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum mechanism { NONE, PLAIN, SCRAM };

struct cm_exchange {
    struct cm_auth *auth;
    enum mechanism mechanism; /* NONE: nothing is under way */
    struct cm_scram scram;
};

enum cm_status cm_exchange_create(struct cm_auth *auth, struct cm_exchange **out) {
    struct cm_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return CM_NO_MEMORY;
    }
    exchange->auth = auth;
    *out = exchange;
    return CM_OK;
}

void cm_exchange_destroy(struct cm_exchange *exchange) {
    if (exchange != NULL) {
        OPENSSL_cleanse(exchange, sizeof *exchange);
        free(exchange);
    }
}

size_t cm_exchange_bytes(void) {
    return sizeof(struct cm_exchange);
}

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static enum cm_exchange_state take_plain(struct cm_auth *auth, struct cm_slice message) {
    if (message.len == 0 || message.len > CM_EXCHANGE_BYTES_MAX) {
        return CM_EXCHANGE_FAILED;
    }
    const char *end = message.data + message.len;
    const char *first = memchr(message.data, '\0', message.len);
    const char *second = first == NULL ? NULL : memchr(first + 1, '\0', (size_t)(end - first - 1));
    if (second == NULL) {
        return CM_EXCHANGE_FAILED;
    }
    const struct cm_slice act_for = cm_slice(message.data, (size_t)(first - message.data));
    const struct cm_slice user = cm_slice(first + 1, (size_t)(second - first - 1));
    const struct cm_slice password = cm_slice(second + 1, (size_t)(end - second - 1));
    if (act_for.len > 0 && !cm_slice_equal(act_for, user)) {
        return CM_EXCHANGE_FAILED;
    }
    return cm_auth_check(auth, user, password) ? CM_EXCHANGE_DONE : CM_EXCHANGE_FAILED;
}

static enum cm_exchange_state take(struct cm_exchange *exchange, struct cm_slice message) {
    switch (exchange->mechanism) {
    case PLAIN:
        return take_plain(exchange->auth, message);
    case SCRAM:
        return cm_scram_step(&exchange->scram, exchange->auth, message);
    default:
        return CM_EXCHANGE_FAILED;
    }
}

static bool start_scram(struct cm_exchange *exchange) {
    unsigned char bytes[CM_SCRAM_NONCE_CHARS / 4 * 3];
    char nonce[CM_SCRAM_NONCE_CHARS];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    cm_base64_encode(cm_slice(bytes, sizeof bytes), nonce);
    cm_scram_init(&exchange->scram, cm_slice(nonce, sizeof nonce));
    return true;
}

enum cm_exchange_state cm_exchange_step(struct cm_exchange *exchange, struct cm_slice message) {
    const enum cm_exchange_state state = take(exchange, message);
    if (state != CM_EXCHANGE_GOES_ON) {
        exchange->mechanism = NONE;
    }
    return state;
}

enum cm_exchange_state cm_exchange_start(struct cm_exchange *exchange, struct cm_slice mechanism,
                                         struct cm_slice message) {
    exchange->mechanism = NONE;
    exchange->scram.reply_bytes = 0;
    if (cm_slice_equal(mechanism, CM_SLICE("PLAIN"))) {
        exchange->mechanism = PLAIN;
    } else if (cm_slice_equal(mechanism, CM_SLICE("SCRAM-SHA-256")) && start_scram(exchange)) {
        exchange->mechanism = SCRAM;
    } else {
        return CM_EXCHANGE_FAILED;
    }
    return message.len == 0 ? CM_EXCHANGE_GOES_ON : cm_exchange_step(exchange, message);
}

struct cm_slice cm_exchange_challenge(const struct cm_exchange *exchange) {
    return exchange->mechanism == SCRAM
               ? cm_slice(exchange->scram.reply, exchange->scram.reply_bytes)
               : cm_slice(NULL, 0);
}

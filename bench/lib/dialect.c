/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/dialect.h"

#include "base/endian.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static char *put(char *at, const void *data, size_t bytes) {
    memcpy(at, data, bytes);
    return at + bytes;
}

static bool starts_with(const char *at, size_t bytes, const char *text) {
    size_t text_bytes = strlen(text);
    return bytes >= text_bytes && !memcmp(at, text, text_bytes);
}

/* ---- memcached's text protocol ---- */

static char *text_put_get(char *at, struct cm_bench_bytes key) {
    at = put(at, "get ", 4);
    at = put(at, key.data, key.count);
    return put(at, "\r\n", 2);
}

static char *text_put_set(char *at, struct cm_bench_bytes key, struct cm_bench_bytes value) {
    at = put(at, "set ", 4);
    at = put(at, key.data, key.count);
    at += sprintf(at, " 0 0 %u\r\n", value.count);
    at = put(at, value.data, value.count);
    return put(at, "\r\n", 2);
}

static enum cm_bench_reply text_read_set(const char *at, size_t bytes, size_t *used) {
    const char *end = memchr(at, '\n', bytes);
    if (!end)
        return CM_BENCH_REPLY_PART;
    *used = (size_t)(end - at) + 1;
    if (*used == 8 && !memcmp(at, "STORED\r\n", 8))
        return CM_BENCH_REPLY_STORED;
    return starts_with(at, *used, "SERVER_ERROR") ? CM_BENCH_REPLY_NOT_STORED : CM_BENCH_REPLY_BAD;
}

/* VALUE key flags bytes\r\n value \r\nEND\r\n */
static enum cm_bench_reply text_read_get(const char *at, size_t bytes, size_t *used) {
    if (bytes < 5)
        return CM_BENCH_REPLY_PART;
    *used = 5;
    if (!memcmp(at, "END\r\n", 5))
        return CM_BENCH_REPLY_MISS;
    const char *end = memchr(at, '\n', bytes);
    if (!end)
        return CM_BENCH_REPLY_PART;
    const char *digit = end - 1;
    size_t value_bytes = 0;
    for (size_t unit = 1; digit > at && digit[-1] != ' '; unit *= 10)
        value_bytes += unit * (size_t)(*--digit - '0');
    if (!starts_with(at, bytes, "VALUE ") || end[-1] != '\r' || value_bytes > UINT32_MAX)
        return CM_BENCH_REPLY_BAD;
    *used = (size_t)(end + 1 - at) + value_bytes + 7;
    if (bytes < *used)
        return CM_BENCH_REPLY_PART;
    return memcmp(at + *used - 7, "\r\nEND\r\n", 7) ? CM_BENCH_REPLY_BAD : CM_BENCH_REPLY_HIT;
}

/* ---- memcached's binary protocol ---- */

enum { HEAD_BYTES = 24, GET = 0x00, SET = 0x01, NOT_FOUND = 1, NO_MEMORY = 0x82 };

static char *binary_put_head(char *at, int opcode, uint32_t key_bytes, uint32_t body_bytes) {
    memset(at, 0, HEAD_BYTES);
    at[0] = (char)0x80;
    at[1] = (char)opcode;
    cm_store_be16(at + 2, (uint16_t)key_bytes);
    at[4] = (char)(opcode == SET ? 8 : 0);
    cm_store_be32(at + 8, body_bytes);
    return at + HEAD_BYTES;
}

static char *binary_put_get(char *at, struct cm_bench_bytes key) {
    at = binary_put_head(at, GET, key.count, key.count);
    return put(at, key.data, key.count);
}

static char *binary_put_set(char *at, struct cm_bench_bytes key, struct cm_bench_bytes value) {
    static const char extras[8];
    at = binary_put_head(at, SET, key.count, 8 + key.count + value.count);
    at = put(at, extras, sizeof extras);
    at = put(at, key.data, key.count);
    return put(at, value.data, value.count);
}

static enum cm_bench_reply binary_read(const char *at, size_t bytes, size_t *used, int opcode) {
    if (bytes < HEAD_BYTES)
        return CM_BENCH_REPLY_PART;
    *used = HEAD_BYTES + (size_t)cm_load_be32(at + 8);
    if ((unsigned char)at[0] != 0x81 || at[1] != opcode)
        return CM_BENCH_REPLY_BAD;
    if (bytes < *used)
        return CM_BENCH_REPLY_PART;
    switch (cm_load_be16(at + 6)) {
    case 0:
        return opcode == GET ? CM_BENCH_REPLY_HIT : CM_BENCH_REPLY_STORED;
    case NOT_FOUND:
        return opcode == GET ? CM_BENCH_REPLY_MISS : CM_BENCH_REPLY_BAD;
    case NO_MEMORY:
        return opcode == GET ? CM_BENCH_REPLY_BAD : CM_BENCH_REPLY_NOT_STORED;
    default:
        return CM_BENCH_REPLY_BAD;
    }
}

static enum cm_bench_reply binary_read_get(const char *at, size_t bytes, size_t *used) {
    return binary_read(at, bytes, used, GET);
}

static enum cm_bench_reply binary_read_set(const char *at, size_t bytes, size_t *used) {
    return binary_read(at, bytes, used, SET);
}

/* ---- all of them ---- */

static const struct cm_bench_dialect dialects[] = {
    {"text", text_put_get, text_put_set, text_read_get, text_read_set},
    {"binary", binary_put_get, binary_put_set, binary_read_get, binary_read_set},
};

const struct cm_bench_dialect *cm_bench_dialect(const char *name) {
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (!strcmp(dialects[i].name, name))
            return &dialects[i];
    }
    return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include "client/task.h"
#include "tls/digest.h"
#include <stdlib.h>

#define HASHED_CHARS (2 * CM_SHA256_BYTES)

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Not 0 if one of the bytes is less than `limit`, which is at most 0x80. */
static uint64_t any_below(uint64_t word, uint64_t limit) {
    return (word - EACH_BYTE(limit)) & ~word & EACH_BYTE(0x80);
}

/* memcached's text protocols end a key at a space or a line's end; other control characters are
 * left out too, because servers and proxies differ on them. Eight bytes at a time: every key of
 * every call comes by here. */
static bool is_plain(struct cm_slice key) {
    uint64_t word, odd = 0;
    size_t i = 0;
    for (; i + sizeof word <= key.len; i += sizeof word) {
        memcpy(&word, key.data + i, sizeof word);
        odd |= any_below(word, ' ' + 1) | any_below(word ^ EACH_BYTE(0x7f), 1);
    }
    for (; i < key.len; i++) {
        const unsigned char byte = (unsigned char)key.data[i];
        odd |= byte <= ' ' || byte == 0x7f;
    }
    return odd == 0;
}

static bool has_length(size_t prefix_bytes, size_t key_bytes) {
    return key_bytes > 0 && prefix_bytes + key_bytes <= CACHEMAN_KEY_BYTES_MAX;
}

/* The key becomes its hash, in hexadecimal. */
static enum cm_status hash(struct cm_task *task, struct cm_slice key) {
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[CM_SHA256_BYTES];
    if (!has_length(task->key.prefix.len, HASHED_CHARS))
        return CM_BAD_KEY;
    task->made_key = malloc(HASHED_CHARS);
    if (task->made_key == NULL || cm_sha256(key, digest) != CM_OK)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < CM_SHA256_BYTES; i++) {
        task->made_key[2 * i] = digits[digest[i] >> 4];
        task->made_key[2 * i + 1] = digits[digest[i] & 15];
    }
    task->key.key = cm_slice(task->made_key, HASHED_CHARS);
    return CM_OK;
}

/* Prefix and key in one piece, to be encoded together. */
static enum cm_status encode(struct cm_task *task, struct cm_slice key) {
    const struct cm_slice prefix = task->key.prefix;
    task->made_key = malloc(prefix.len + key.len);
    if (task->made_key == NULL)
        return CM_NO_MEMORY;
    if (prefix.len > 0)
        memcpy(task->made_key, prefix.data, prefix.len);
    memcpy(task->made_key + prefix.len, key.data, key.len);
    task->key =
        (struct cm_wire_key){cm_slice("", 0), cm_slice(task->made_key, prefix.len + key.len), true};
    return CM_OK;
}

enum cm_status cm_key_make(struct cm_task *task, const struct cm_settings *settings) {
    const struct cm_slice key = cm_slice(task->request->key.data, task->request->key.bytes);
    const struct cm_slice prefix = cm_slice(settings->prefix, strlen(settings->prefix));
    task->key = (struct cm_wire_key){prefix, key, false};
    if (key.len == 0)
        return CM_BAD_KEY;
    const bool fits = has_length(prefix.len, key.len), plain = is_plain(key) && is_plain(prefix);
    if (fits && plain)
        return CM_OK;
    if (settings->keys == CM_KEYS_HASH && is_plain(prefix))
        return hash(task, key);
    const bool fits_encoded = CM_BASE64_CHARS(prefix.len + key.len) <= CACHEMAN_KEY_BYTES_MAX;
    return settings->keys == CM_KEYS_BASE64 && fits && fits_encoded ? encode(task, key)
                                                                    : CM_BAD_KEY;
}

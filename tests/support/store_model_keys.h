/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_STORE_MODEL_KEYS_H
#define CM_TESTS_SUPPORT_STORE_MODEL_KEYS_H

/* The model's keys, and bytes to be told from others. */

#include <cacheman/store.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t model_mix(uint64_t x) {
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Bytes that tell whose they are. */
static inline void model_fill(unsigned char *to, size_t bytes, uint64_t seed) {
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = model_mix(seed + i);
        memcpy(to + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
}

static inline size_t model_key(unsigned id, unsigned char *key) {
    static const size_t lengths[8] = {1, CMSTORE_KEY_BYTES_MAX, 8, 16, 100, 33, 200, 5};
    size_t bytes = lengths[id % 8];
    model_fill(key, bytes, id * UINT64_C(1000003));
    key[0] = (unsigned char)id;
    return bytes;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/value.h"

#include "base/check.h"
#include <stdlib.h>

/* Values begin at so many places, so that hardly any two keys have the same. */
#define PLACES     ((size_t)1 << 20)
#define WORD_BYTES sizeof(uint64_t)

void cm_values_deinit(struct cm_values *values) {
    free(values->block);
    values->block = NULL;
    values->bytes = 0;
}

/* SplitMix64: a word of noise by its number, so that the block can grow and stay the same. */
static uint64_t noise(uint64_t number) {
    uint64_t x = (number + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

enum cm_status cm_values_reserve(struct cm_values *values, size_t value_bytes) {
    size_t wanted = (PLACES + value_bytes + WORD_BYTES - 1) / WORD_BYTES * WORD_BYTES;
    if (wanted <= values->bytes)
        return CM_OK;
    char *block = realloc(values->block, wanted);
    if (block == NULL)
        return CM_NO_MEMORY;
    for (size_t at = values->bytes; at < wanted; at += WORD_BYTES) {
        uint64_t word = noise(at / WORD_BYTES);
        memcpy(block + at, &word, WORD_BYTES);
    }
    values->block = block;
    values->bytes = wanted;
    return CM_OK;
}

uint32_t cm_value_bytes(const struct cm_values *values, uint64_t hash) {
    uint64_t range = (uint64_t)values->most - values->least + 1;
    return values->least + (uint32_t)(noise(hash) % range);
}

struct cm_slice cm_value(const struct cm_values *values, uint64_t hash, size_t bytes) {
    size_t at = (size_t)(hash % PLACES);
    CM_CHECK(at + bytes <= values->bytes);
    return cm_slice(values->block + at, bytes);
}

bool cm_value_is(const struct cm_values *values, uint64_t hash, struct cm_slice got) {
    size_t at = (size_t)(hash % PLACES);
    return got.len <= values->bytes - at &&
           cm_slice_equal(got, cm_slice(values->block + at, got.len));
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/value.h"

#include "base/endian.h"
#include "base/hash.h"
#include "base/random.h"

#define WORD 8
#define ODD  0x9e3779b97f4a7c15u

void cm_stress_block_init(struct cm_stress_block *block) {
    struct cm_random random;
    cm_random_init(&random, ODD);
    for (size_t at = 0; at < CM_STRESS_BLOCK_BYTES; at += WORD)
        cm_store_be64(block->bytes + at, cm_random_next(&random));
    memcpy(block->bytes + CM_STRESS_BLOCK_BYTES, block->bytes, CM_STRESS_PIECE_BYTES);
}

static uint32_t version_bytes(uint32_t bytes) {
    return bytes >= (uint32_t)2 * WORD ? WORD : bytes >= 2 ? 1 : 0;
}

static uint64_t check_of(const struct cm_stress_content *content) {
    return cm_hash(content->key.data, content->key.len,
                   content->version ^ (content->bytes + 1) * (uint64_t)ODD);
}

/* Where the block's bytes of a piece begin. */
static size_t place_of(uint64_t check, uint32_t piece) {
    const uint64_t mixed = (check + piece) * ODD;
    return (size_t)(mixed >> 40) % CM_STRESS_BLOCK_BYTES;
}

/* Version and check, as far as there is room for them; returns their bytes. */
static uint32_t make_head(const struct cm_stress_content *content, uint64_t check, char *to) {
    char head[2 * WORD];
    const uint32_t versions = version_bytes(content->bytes);
    if (versions == WORD)
        cm_store_be64(head, content->version);
    else
        head[0] = (char)content->version;
    cm_store_be64(head + versions, check);
    const uint32_t most = versions + WORD;
    const uint32_t bytes = content->bytes < most ? content->bytes : most;
    memcpy(to, head, bytes);
    return bytes;
}

void cm_stress_value_make(const struct cm_stress_block *block,
                          const struct cm_stress_content *content, char *to) {
    struct cm_stress_content kept = *content;
    if (version_bytes(kept.bytes) < WORD)
        kept.version = version_bytes(kept.bytes) == 0 ? 0 : kept.version & 0xff;
    const uint64_t check = check_of(&kept);
    uint32_t piece = 0;
    for (uint32_t at = make_head(&kept, check, to); at < kept.bytes; piece++) {
        const uint32_t left = kept.bytes - at;
        const uint32_t bytes = left < CM_STRESS_PIECE_BYTES ? left : CM_STRESS_PIECE_BYTES;
        memcpy(to + at, block->bytes + place_of(check, piece), bytes);
        at += bytes;
    }
}

static size_t first_difference(const char *a, const char *b, size_t bytes) {
    size_t at = 0;
    while (at < bytes && a[at] == b[at])
        at++;
    return at;
}

size_t cm_stress_value_check(const struct cm_stress_block *block, struct cm_slice key,
                             struct cm_slice value) {
    struct cm_stress_content content = {key, 0, (uint32_t)value.len};
    char head[2 * WORD];
    if (version_bytes(content.bytes) == WORD)
        content.version = cm_load_be64(value.data);
    else if (version_bytes(content.bytes) == 1)
        content.version = (unsigned char)value.data[0];
    const uint64_t check = check_of(&content);
    uint32_t at = make_head(&content, check, head);
    if (memcmp(value.len == 0 ? head : value.data, head, at) != 0)
        return first_difference(value.data, head, at);
    for (uint32_t piece = 0; at < content.bytes; piece++) {
        const uint32_t left = content.bytes - at;
        const uint32_t bytes = left < CM_STRESS_PIECE_BYTES ? left : CM_STRESS_PIECE_BYTES;
        const char *expected = block->bytes + place_of(check, piece);
        if (memcmp(value.data + at, expected, bytes) != 0)
            return at + first_difference(value.data + at, expected, bytes);
        at += bytes;
    }
    return CM_STRESS_WHOLE;
}

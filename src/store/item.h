/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_ITEM_H
#define CM_STORE_ITEM_H

/* How a record lies in a segment. Records are 4-byte aligned and follow each other without gaps:
 *
 *   item     | word 0 | word 1 | word 2 | expiry? | client flags? | wide cas? | chain? | key | value |
 *              4        4        4        4         4               8           8+8n     1-250
 *
 *     word 0   key bytes 8 | value bytes 18 | has expiry, client flags, wide cas, chain | stale, won
 *     word 1   last access, clock seconds modulo 2^24 | fetched 1 | cas, upper 7 bits
 *     word 2   cas, lower 32 bits
 *     wide cas replaces the 39 bits of words 1 and 2, which are 0 then
 *     chain    value bytes 4 | extent count 4 | count times an extent's place (40 bits) and bytes (24);
 *              the value lies in the extents, word 0 says 0
 *   extent   | word 0 | owner's hash 8 | payload |
 *   filler   | word 0 | ... |
 *     word 0   0 in the key bits | size in 4-byte units 18 | is extent 1
 *
 * I1  Key, optional fields' presence and the size of the record never change while the segment can
 *     be read, except that a value may shrink: a filler then takes what it left.
 * I2  Every other word changes under the bucket's lock only, by relaxed atomic stores, so that an
 *     optimistic reader may load it at any time; word 1 also by readers, by compare-and-swap. */

#include "store/seconds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CM_UNIT_BYTES      4u
#define CM_ITEM_BASE_BYTES 12u
#define CM_EXTENT_BYTES    12u /* of an extent's header */
#define CM_PLAIN_VALUE_MAX ((1u << 18) - 1)
#define CM_CAS_NARROW_MAX  ((UINT64_C(1) << 39) - 1)
#define CM_ACCESS_MASK     CM_SECONDS_MASK

#define CM_W0_KEY(w)     ((w)&0xffu)
#define CM_W0_VALUE(w)   (((w) >> 8) & CM_PLAIN_VALUE_MAX)
#define CM_W0_VALUE_BITS (CM_PLAIN_VALUE_MAX << 8)
#define CM_W0_EXPIRES    (1u << 26)
#define CM_W0_FLAGS      (1u << 27)
#define CM_W0_WIDE       (1u << 28)
#define CM_W0_CHAIN      (1u << 29)
#define CM_W0_STALE      (1u << 30)
#define CM_W0_WON        (1u << 31)
#define CM_W0_UNITS(w)   CM_W0_VALUE(w) /* filler and extent */
#define CM_W0_EXTENT     CM_W0_EXPIRES  /* likewise */
#define CM_W1_FETCHED    (1u << 24)
#define CM_W1_CAS_SHIFT  25

typedef unsigned char cm_record; /* the first byte of one */

static inline uint32_t cm_word(const cm_record *r, size_t i) {
    const void *p = r + i * CM_UNIT_BYTES;
    return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

static inline void cm_word_set(cm_record *r, size_t i, uint32_t value) {
    void *p = r + i * CM_UNIT_BYTES;
    __atomic_store_n((uint32_t *)p, value, __ATOMIC_RELAXED);
}

static inline bool cm_word_swap(cm_record *r, size_t i, uint32_t from, uint32_t to) {
    void *p = r + i * CM_UNIT_BYTES;
    return __atomic_compare_exchange_n((uint32_t *)p, &from, to, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

/* Places of the optional fields, in words from the start, given word 0. */
static inline size_t cm_item_flags_at(uint32_t w0) {
    return 3 + ((w0 & CM_W0_EXPIRES) != 0);
}
static inline size_t cm_item_wide_at(uint32_t w0) {
    return cm_item_flags_at(w0) + ((w0 & CM_W0_FLAGS) != 0);
}
static inline size_t cm_item_chain_at(uint32_t w0) {
    return cm_item_wide_at(w0) + ((w0 & CM_W0_WIDE) != 0) * 2u;
}

static inline uint32_t cm_item_extents(const cm_record *r, uint32_t w0) {
    return (w0 & CM_W0_CHAIN) ? cm_word(r, cm_item_chain_at(w0) + 1) : 0;
}

/* Bytes from the start of the record to its key. */
static inline size_t cm_item_key_at(const cm_record *r, uint32_t w0) {
    size_t words = cm_item_chain_at(w0);
    if (w0 & CM_W0_CHAIN)
        words += 2 + 2 * (size_t)cm_item_extents(r, w0);
    return words * CM_UNIT_BYTES;
}

static inline size_t cm_round_unit(size_t bytes) {
    return (bytes + CM_UNIT_BYTES - 1) & ~(size_t)(CM_UNIT_BYTES - 1);
}

/* Bytes of the whole record, of any kind. */
static inline size_t cm_record_bytes(const cm_record *r, uint32_t w0) {
    if (CM_W0_KEY(w0) == 0)
        return (size_t)CM_W0_UNITS(w0) * CM_UNIT_BYTES;
    return cm_round_unit(cm_item_key_at(r, w0) + CM_W0_KEY(w0) + CM_W0_VALUE(w0));
}

static inline uint32_t cm_item_expires(const cm_record *r, uint32_t w0) {
    return (w0 & CM_W0_EXPIRES) ? cm_word(r, 3) : 0;
}
static inline uint32_t cm_item_client_flags(const cm_record *r, uint32_t w0) {
    return (w0 & CM_W0_FLAGS) ? cm_word(r, cm_item_flags_at(w0)) : 0;
}
static inline uint64_t cm_item_cas(const cm_record *r, uint32_t w0) {
    if (w0 & CM_W0_WIDE) {
        size_t at = cm_item_wide_at(w0);
        return cm_word(r, at) | (uint64_t)cm_word(r, at + 1) << 32;
    }
    return cm_word(r, 2) | (uint64_t)(cm_word(r, 1) >> CM_W1_CAS_SHIFT) << 32;
}
static inline size_t cm_item_value_bytes(const cm_record *r, uint32_t w0) {
    return (w0 & CM_W0_CHAIN) ? cm_word(r, cm_item_chain_at(w0)) : CM_W0_VALUE(w0);
}

/* An extent's place and payload, as the owner's chain lists them. */
struct cm_extent {
    uint64_t place; /* in units from the start of the arena */
    uint32_t bytes;
};

static inline struct cm_extent cm_item_extent(const cm_record *r, uint32_t w0, uint32_t ordinal) {
    size_t at = cm_item_chain_at(w0) + 2 + 2 * (size_t)ordinal;
    uint32_t low = cm_word(r, at), high = cm_word(r, at + 1);
    return (struct cm_extent){low | (uint64_t)(high & 0xff) << 32, high >> 8};
}
static inline void cm_item_set_extent(cm_record *r, uint32_t w0, uint32_t ordinal,
                                      struct cm_extent extent) {
    size_t at = cm_item_chain_at(w0) + 2 + 2 * (size_t)ordinal;
    cm_word_set(r, at, (uint32_t)extent.place);
    cm_word_set(r, at + 1, (uint32_t)(extent.place >> 32) | extent.bytes << 8);
}

void cm_item_set_cas(cm_record *r, uint32_t w0, uint64_t cas);
void cm_item_note_access(cm_record *r, uint32_t clock_s);
/* Somebody asked for the key, but nobody was given the item. */
void cm_item_note_interest(cm_record *r, uint32_t clock_s);
uint32_t cm_item_last_access(const cm_record *r, uint32_t clock_s);

void cm_filler_write(cm_record *r, size_t bytes);
void cm_extent_write(cm_record *r, size_t bytes, uint64_t owner_hash);

#endif

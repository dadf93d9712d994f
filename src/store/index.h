/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_INDEX_H
#define CM_STORE_INDEX_H

/* The hash index: buckets of two cache lines, linear hashing (Litwin, "Linear hashing: a new tool
 * for file and table addressing", VLDB 1980), so that it grows and shrinks a bucket at a time.
 *
 *   bucket | head | 15 slots |            head  | version 32, odd: locked | first spill bucket 32 |
 *   spill  | next |  7 slots |            slot  | tag 16 | policy bits 8 | place 40 |, 0: empty
 *
 * X1  Slots and heads change under the bucket's lock; only policy bits also by readers, by
 *     compare-and-swap of the whole slot.
 * X2  The version is even when unlocked and differs after every lock. A reader that finds it even
 *     and unchanged has seen one state of the bucket, its spill buckets, and the items they lead to
 *     (a sequence lock).
 * X3  `count` changes with both buckets concerned locked, and a lookup that finds nothing asks
 *     again whether the bucket was the right one.
 * X4  A spill bucket may be reused while somebody still reads it: it then holds other slots, which
 *     are valid places too, and X2 throws the result away. */

#include "base/check.h"
#include "base/os/os.h"
#include "store/region.h"

#include <stdatomic.h>
#include <stdint.h>

#define CM_BUCKET_SLOTS 15u
#define CM_SPILL_SLOTS  7u
#define CM_SPILL_NONE   0u
/* Items a bucket aims at: more makes smaller indexes and longer chains. Measured: bench/. */
#define CM_BUCKET_ITEMS 13u
#define CM_BUCKETS_MIN  64u

#define CM_SLOT_PLACE_BITS 40
#define CM_SLOT_PLACE_MASK ((UINT64_C(1) << CM_SLOT_PLACE_BITS) - 1)

typedef _Atomic uint64_t cm_slot;

struct cm_bucket {
    _Alignas(128) _Atomic uint64_t head;
    cm_slot slots[CM_BUCKET_SLOTS];
};

struct cm_spill {
    _Alignas(64) _Atomic uint64_t next;
    cm_slot slots[CM_SPILL_SLOTS];
};

struct cm_index {
    struct cm_region buckets, spills;
    _Atomic uint64_t count; /* of buckets */
    /* How many items there are, give or take what threads have not reported yet. */
    _Alignas(64) _Atomic int64_t items;
    _Alignas(64) _Atomic bool resizing; /* somebody grows or shrinks */
    struct cm_os_mutex spill_mutex;
    uint32_t spills_used, spills_free; /* under spill_mutex: ever used, and the free list */
    _Atomic uint64_t bytes;            /* committed, of both regions */
};

uint64_t cm_index_spill_bytes(struct cm_index *index);

CM_MUST_CHECK enum cm_status cm_index_init(struct cm_index *index, uint64_t memory_max_bytes,
                                           bool large_pages);
void cm_index_deinit(struct cm_index *index);

static inline uint64_t cm_slot_make(uint64_t hash, uint8_t bits, uint64_t place) {
    return (hash >> 48 << 48) | (uint64_t)bits << CM_SLOT_PLACE_BITS | place;
}
static inline uint64_t cm_slot_place(uint64_t word) {
    return word & CM_SLOT_PLACE_MASK;
}
static inline uint8_t cm_slot_bits(uint64_t word) {
    return (uint8_t)(word >> CM_SLOT_PLACE_BITS);
}
static inline bool cm_slot_tagged(uint64_t word, uint64_t hash) {
    return (word ^ hash) >> 48 == 0 && word != 0;
}
/* Where in its bucket an item lies, or soon after: where to look first. */
static inline unsigned cm_slot_home(uint64_t hash) {
    return (unsigned)((hash >> 32 & UINT16_MAX) * CM_BUCKET_SLOTS >> 16);
}

/* Number of the bucket a hash belongs to when there are `count`. */
static inline uint64_t cm_index_number(uint64_t hash, uint64_t count) {
    uint64_t mask = UINT64_MAX >> __builtin_clzll(count - 1);
    uint64_t number = hash & mask;
    return number < count ? number : hash & (mask >> 1);
}
static inline struct cm_bucket *cm_index_at(const struct cm_index *index, uint64_t number) {
    return (struct cm_bucket *)(void *)index->buckets.base + number;
}
static inline struct cm_bucket *cm_index_bucket(const struct cm_index *index, uint64_t hash) {
    uint64_t count = atomic_load_explicit(&index->count, memory_order_acquire);
    return cm_index_at(index, cm_index_number(hash, count));
}
static inline struct cm_spill *cm_index_spill(const struct cm_index *index, uint32_t number) {
    return (struct cm_spill *)(void *)index->spills.base + number;
}

/* The runs of slots of one bucket: its own, then those of its spill buckets. Without the lock the
 * chain may be changing: such a reader stops after CM_HOPS_MAX and finds the version changed. */
#define CM_HOPS_MAX 256u

struct cm_run {
    cm_slot *slots;
    unsigned count;
    uint32_t next;
};
static inline struct cm_run cm_run_first(struct cm_bucket *bucket, uint64_t head) {
    return (struct cm_run){bucket->slots, CM_BUCKET_SLOTS, (uint32_t)(head >> 32)};
}
static inline bool cm_run_next(const struct cm_index *index, struct cm_run *run) {
    if (CM_LIKELY(run->next == CM_SPILL_NONE))
        return false;
    struct cm_spill *spill = cm_index_spill(index, run->next);
    run->slots = spill->slots;
    run->count = CM_SPILL_SLOTS;
    run->next = (uint32_t)atomic_load_explicit(&spill->next, memory_order_relaxed);
    return true;
}

/* Locks the bucket a hash belongs to; spins. One bucket at a time, except for the resizer. */
struct cm_bucket *cm_index_lock(struct cm_index *index, uint64_t hash);
void cm_bucket_lock(struct cm_bucket *bucket);
void cm_bucket_unlock(struct cm_bucket *bucket);

/* X2, for a reader that loaded `head` before. */
static inline bool cm_bucket_unchanged(const struct cm_bucket *bucket, uint64_t head) {
#ifndef __SANITIZE_THREAD__ /* it knows no fences; all that is read here is atomic anyway */
    atomic_thread_fence(memory_order_acquire);
#endif
    return atomic_load_explicit(&bucket->head, memory_order_acquire) == head;
}

/* All below: the caller holds the bucket's lock. */
/* The slot that leads to `place`, or NULL. */
cm_slot *cm_bucket_find_place(const struct cm_index *index, struct cm_bucket *bucket,
                              uint64_t place);
/* NO_MEMORY: no spill bucket to be had. `hash`: the item's. */
CM_MUST_CHECK enum cm_status cm_bucket_insert(struct cm_index *index, struct cm_bucket *bucket,
                                              uint64_t hash, uint64_t word);
void cm_bucket_remove(struct cm_index *index, struct cm_bucket *bucket, cm_slot *slot);

/* Takes every slot's word out into `words`, which has room for CM_CHAIN_MAX; returns how many, or
 * -1 and changes nothing if there are more. */
#define CM_CHAIN_MAX 512u
int cm_bucket_take_all(struct cm_index *index, struct cm_bucket *bucket, uint64_t *words);

#endif

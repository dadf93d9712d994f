/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Growing splits the next bucket in two, shrinking joins the last one with the one it came from:
 * one pair of buckets at a time, both locked (X3). */

#define STEPS_MAX    64 /* of one call */
#define SHRINK_SHARE 2u /* shrink when buckets hold less than half of what they aim at */
#define LEAST_LEFT   4u /* segments growing must leave to the logs */

static bool try_start(struct cm_index *index) {
    bool idle = false;
    return atomic_compare_exchange_strong_explicit(&index->resizing, &idle, true,
                                                   memory_order_acquire, memory_order_relaxed);
}

static void finish(struct cm_index *index) {
    atomic_store_explicit(&index->resizing, false, memory_order_release);
}

/* Index memory comes out of the budget. */
static bool take_memory(cmstore *s, uint64_t buckets) {
    struct cm_region *region = &s->index.buckets;
    uint64_t bytes = buckets * sizeof(struct cm_bucket);
    size_t before = region->committed_bytes, after = cm_region_after(region, bytes);
    if (after == before)
        return true;
    int64_t more = (int64_t)(after - before);
    if (!cm_arena_try_owe(&s->arena, more, s->no_evict ? LEAST_LEFT : 0))
        return false;
    if (cm_region_ensure(region, bytes) != CM_OK) {
        cm_arena_owe(&s->arena, -more);
        return false;
    }
    atomic_fetch_add_explicit(&s->index.bytes, (uint64_t)more, memory_order_relaxed);
    return true;
}

static void give_memory(cmstore *s, uint64_t buckets) {
    struct cm_region *region = &s->index.buckets;
    size_t before = region->committed_bytes;
    uint64_t bytes = buckets * sizeof(struct cm_bucket);
    if (bytes + region->step_bytes > before)
        return;
    /* Somebody may still be locking a bucket that was among the last, only to find that it is not
     * the right one (X3): the lock must not vanish under him, nor a version come back. */
    cm_epoch_wait(&s->epoch);
    cm_region_trim(region, bytes);
    int64_t less = (int64_t)before - (int64_t)region->committed_bytes;
    atomic_fetch_sub_explicit(&s->index.bytes, (uint64_t)less, memory_order_relaxed);
    cm_arena_owe(&s->arena, -less);
}

/* The items' hashes are in their keys; fetch them all before looking at the first. */
static void prefetch_all(const cmstore *s, const uint64_t *words, int count) {
    for (int i = 0; i < count; i++) {
        __builtin_prefetch(cm_arena_at(&s->arena, cm_slot_place(words[i])));
    }
}

/* Caller holds the locks of all buckets concerned. */
static void deal(cmstore *s, const uint64_t *words, int count, uint64_t buckets) {
    for (int i = 0; i < count; i++) {
        uint64_t hash = cm_record_hash(s, cm_arena_at(&s->arena, cm_slot_place(words[i])));
        struct cm_bucket *bucket = cm_index_at(&s->index, cm_index_number(hash, buckets));
        /* The words came out of the index a moment ago and must not be lost. A failure here means
         * that the system broke its promise of memory that was already reserved. */
        CM_CHECK(cm_bucket_insert(&s->index, bucket, hash, words[i]) == CM_OK);
    }
}

static bool split_one(cmstore *s) {
    struct cm_index *index = &s->index;
    uint64_t count = atomic_load_explicit(&index->count, memory_order_relaxed);
    if (!take_memory(s, count + 1))
        return false;
    uint64_t words[CM_CHAIN_MAX];
    struct cm_bucket *old = cm_index_at(index, cm_index_number(count, count));
    struct cm_bucket *new = cm_index_at(index, count);
    cm_bucket_lock(old);
    cm_bucket_lock(new);
    int taken = cm_bucket_take_all(index, old, words);
    if (taken >= 0) {
        prefetch_all(s, words, taken);
        deal(s, words, taken, count + 1);
        atomic_store_explicit(&index->count, count + 1, memory_order_release);
    }
    cm_bucket_unlock(new);
    cm_bucket_unlock(old);
    return taken >= 0;
}

static bool join_one(cmstore *s) {
    struct cm_index *index = &s->index;
    uint64_t count = atomic_load_explicit(&index->count, memory_order_relaxed);
    uint64_t words[CM_CHAIN_MAX];
    struct cm_bucket *last = cm_index_at(index, count - 1);
    struct cm_bucket *into = cm_index_at(index, cm_index_number(count - 1, count - 1));
    cm_bucket_lock(into);
    cm_bucket_lock(last);
    int taken = cm_bucket_take_all(index, last, words);
    if (taken >= 0) {
        deal(s, words, taken, count - 1);
        atomic_store_explicit(&index->count, count - 1, memory_order_release);
    }
    cm_bucket_unlock(last);
    cm_bucket_unlock(into);
    return taken >= 0;
}

static uint64_t items_of(const cmstore *s) {
    int64_t items = atomic_load_explicit(&s->index.items, memory_order_relaxed);
    return items > 0 ? (uint64_t)items : 0;
}

static bool is_short(const cmstore *s) {
    uint64_t count = atomic_load_explicit(&s->index.count, memory_order_relaxed);
    return items_of(s) > count * CM_BUCKET_ITEMS;
}

static bool is_long(const cmstore *s) {
    uint64_t count = atomic_load_explicit(&s->index.count, memory_order_relaxed);
    return count > CM_BUCKETS_MIN && items_of(s) < count * CM_BUCKET_ITEMS / SHRINK_SHARE;
}

bool cm_index_grow(cmstore *s) {
    if (CM_LIKELY(!is_short(s)) || !try_start(&s->index))
        return false;
    bool grown = false;
    for (int i = 0; i < STEPS_MAX && is_short(s) && split_one(s); i++)
        grown = true;
    finish(&s->index);
    return grown;
}

bool cm_index_shrink(cmstore *s) {
    if (!is_long(s) || !try_start(&s->index))
        return false;
    bool shrunk = false;
    for (int i = 0; i < STEPS_MAX && is_long(s) && join_one(s); i++)
        shrunk = true;
    /* Readers may still look at a bucket that was the last; it reads as empty, and X3 sends them to
     * the right one. */
    if (shrunk)
        give_memory(s, atomic_load_explicit(&s->index.count, memory_order_relaxed));
    finish(&s->index);
    return shrunk;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/change.h"

/* A scan goes through hashes in the order of their reversed bits. A bucket chosen by a hash's lower
 * bits is one interval of that order, and splitting or joining buckets only cuts or glues
 * intervals: wherever the cursor stands, what is behind it has been visited and nothing else
 * (after Noordhuis' SCAN for Redis, here with the exact position instead of a bucket's). */

static uint64_t reverse_bits(uint64_t x) {
    x = __builtin_bswap64(x);
    x = (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4 | (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f));
    x = (x & UINT64_C(0x3333333333333333)) << 2 | (x >> 2 & UINT64_C(0x3333333333333333));
    return (x & UINT64_C(0x5555555555555555)) << 1 | (x >> 1 & UINT64_C(0x5555555555555555));
}

/* How many lower bits of a hash decide for this bucket. */
static unsigned bits_of(uint64_t number, uint64_t count) {
    unsigned bits = 64u - (unsigned)__builtin_clzll(count - 1);
    uint64_t buddy = number ^ (UINT64_C(1) << (bits - 1));
    return buddy < count || number >> (bits - 1) ? bits : bits - 1;
}

struct scan {
    uint64_t cursor;
    cmstore_visitor *visitor;
    void *context;
};

static void visit_slot(const cmstore *s, cm_slot *slot, const struct scan *scan) {
    uint64_t word = atomic_load_explicit(slot, memory_order_relaxed);
    if (word == 0)
        return;
    uint64_t place = cm_slot_place(word);
    cm_record *r = cm_arena_at(&s->arena, place);
    struct cm_found found = {slot, word, place, r, cm_word(r, 0)};
    if (reverse_bits(cm_record_hash(s, r)) < scan->cursor)
        return;
    if (cm_is_expired(r, found.w0, cm_now(s)) || cm_is_flushed(s, place))
        return;
    struct cmstore_visit visit = {
        .key = r + cm_item_key_at(r, found.w0),
        .key_bytes = CM_W0_KEY(found.w0),
    };
    cm_describe(s, &found, &visit.item);
    visit.item.value.data = NULL;
    scan->visitor(scan->context, &visit);
}

uint64_t cmstore_scan(cmstore_thread *thread, uint64_t cursor, cmstore_visitor *visitor,
                      void *context) {
    cmstore *s = thread->store;
    const struct scan scan = {cursor, visitor, context};
    cm_enter(thread);
    uint64_t hash = reverse_bits(cursor);
    struct cm_bucket *bucket = cm_index_lock(&s->index, hash);
    uint64_t count = atomic_load_explicit(&s->index.count, memory_order_relaxed);
    uint64_t number = cm_index_number(hash, count);
    unsigned bits = bits_of(number, count);
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    do {
        for (unsigned i = 0; i < run.count; i++) {
            visit_slot(s, &run.slots[i], &scan);
        }
    } while (cm_run_next(&s->index, &run));
    cm_bucket_unlock(bucket);
    cm_leave(thread);
    /* The end of the bucket's interval; past the last one this wraps to 0. */
    uint64_t interval = UINT64_C(1) << (64 - bits);
    return (reverse_bits(number) & ~(interval - 1)) + interval;
}

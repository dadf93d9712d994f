/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Finding what has expired or been flushed without anybody asking for it. Only items in segments
 * that may hold something expired are looked at; the rest is a walk over the index. */

static bool may_be_invalid(const cmstore *s, uint64_t place) {
    const struct cm_segment *segment = cm_arena_holder(&s->arena, place);
    return atomic_load_explicit(&segment->expires_min, memory_order_relaxed) <= cm_now(s) ||
           cm_is_flushed(s, place);
}

/* True if the slot's item was no longer valid and is gone: the slot may hold another now. */
static bool sweep_slot(cmstore_thread *t, struct cm_bucket *bucket, cm_slot *slot) {
    cmstore *s = t->store;
    uint64_t word = atomic_load_explicit(slot, memory_order_relaxed);
    uint64_t place = cm_slot_place(word);
    if (word == 0 || !may_be_invalid(s, place))
        return false;
    cm_record *r = cm_arena_at(&s->arena, place);
    struct cm_found found = {slot, word, place, r, cm_word(r, 0)};
    return cm_drop_invalid_locked(t, bucket, &found) != CM_VALID;
}

/* One pass over the chain; false if it changed under way and another is due. */
static bool sweep_chain(cmstore_thread *t, struct cm_bucket *bucket) {
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    do {
        for (unsigned i = 0; i < run.count; i++) {
            if (sweep_slot(t, bucket, &run.slots[i]))
                return false;
        }
    } while (cm_run_next(&t->store->index, &run));
    return true;
}

static void sweep_bucket(cmstore_thread *t, uint64_t number) {
    struct cm_bucket *bucket = cm_index_at(&t->store->index, number);
    cm_bucket_lock(bucket);
    while (!sweep_chain(t, bucket))
        continue;
    cm_bucket_unlock(bucket);
}

void cm_sweep_expired(cmstore_thread *t, uint64_t buckets) {
    cmstore *s = t->store;
    for (uint64_t i = 0; i < buckets; i++) {
        uint64_t count = atomic_load_explicit(&s->index.count, memory_order_acquire);
        sweep_bucket(t, s->keeper.sweep_cursor++ % count);
    }
}

/* ---- flush ---- */

/* F1  From the mark on, nothing in the segments opened so far is found (cm_is_flushed()), and what
 *     is stored goes to segments opened later.
 * F2  Nothing is copied out of those segments but by the holder of the keeper's mutex, who drops
 *     what is flushed; who changes an item looks again once he knows where the new record lies.
 * F3  The mark goes once the index has been swept from end to end since it was set; the index does
 *     not shrink meanwhile, so that nothing moves to where the sweep has been. */

/* Caller holds the keeper's mutex. */
static void mark_flushed(cmstore *s) {
    s->keeper.flush_cursor = 0;
    atomic_store_explicit(&s->flushed_s, cm_now(s), memory_order_relaxed);
    cm_arena_seal_all(&s->arena, &s->flushed_upto);
}

void cm_sweep_flushed(cmstore_thread *t, uint64_t buckets) {
    cmstore *s = t->store;
    if (atomic_load(&s->flushed_upto) == 0)
        return;
    for (uint64_t i = 0; i < buckets; i++) {
        if (s->keeper.flush_cursor >= atomic_load(&s->index.count)) {
            atomic_store(&s->flushed_upto, 0);
            return;
        }
        sweep_bucket(t, s->keeper.flush_cursor++);
    }
}

void cmstore_flush(cmstore_thread *thread, uint32_t at_s) {
    cmstore *s = thread->store;
    if (at_s > cm_now(s)) {
        atomic_store(&s->flush_at_s, at_s);
        return;
    }
    cm_go_offline(thread);
    cm_os_mutex_lock(&s->keeper.mutex);
    atomic_store(&s->flush_at_s, 0);
    mark_flushed(s);
    if (!s->background)
        cm_sweep_flushed(thread, UINT64_MAX);
    cm_os_mutex_unlock(&s->keeper.mutex);
    cm_go_online(thread);
}

static void flush_if_due(cmstore *s) {
    uint32_t at_s = atomic_load_explicit(&s->flush_at_s, memory_order_relaxed);
    if (at_s == 0 || at_s > cm_now(s))
        return;
    cm_os_mutex_lock(&s->keeper.mutex);
    if (atomic_compare_exchange_strong(&s->flush_at_s, &at_s, 0))
        mark_flushed(s);
    cm_os_mutex_unlock(&s->keeper.mutex);
}

void cmstore_set_clock(cmstore *store, uint32_t now_s) {
    uint32_t was = cm_now(store);
    while (was < now_s &&
           !atomic_compare_exchange_weak_explicit(&store->clock_s, &was, now_s,
                                                  memory_order_relaxed, memory_order_relaxed)) {}
    flush_if_due(store);
}

uint32_t cmstore_clock(const cmstore *store) {
    return cm_now(store);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

static int64_t sum(const cmstore *s, enum cm_tally_kind kind) {
    int64_t total = 0;
    for (unsigned i = 0; i < CMSTORE_THREADS_MAX; i++) {
        total += atomic_load_explicit(&s->tallies[i].n[kind], memory_order_relaxed);
    }
    return total;
}

/* Never below zero, though threads are read one after the other. */
static uint64_t level(const cmstore *s, enum cm_tally_kind kind) {
    int64_t n = sum(s, kind) - atomic_load_explicit(&s->tally_zero[kind], memory_order_relaxed);
    return n > 0 ? (uint64_t)n : 0;
}

static void count_segment(const struct cm_segment *segment, struct cmstore_counters *c) {
    uint8_t state = atomic_load_explicit(&segment->state, memory_order_relaxed);
    c->segments_open += state == CM_SEGMENT_OPEN;
    c->segments_sealed += state == CM_SEGMENT_SEALED;
    c->segments_evacuating += state == CM_SEGMENT_EVACUATING;
    c->segments_limbo += state == CM_SEGMENT_LIMBO;
    c->segments_pinned += atomic_load(&segment->pins) > 0;
}

static void read_arena(const cmstore *s, struct cmstore_counters *c) {
    struct cm_arena *arena = (struct cm_arena *)(uintptr_t)&s->arena; /* its mutex only */
    uint64_t segment = cm_arena_segment_bytes(arena);
    cm_os_mutex_lock(&arena->mutex);
    c->ghost_hits = atomic_load(&cm_policy_of(s)->ghost_hits); /* P1 */
    c->memory_limit = atomic_load(&arena->limit_bytes);
    c->segments = atomic_load(&arena->allowed);
    c->segments_free = atomic_load(&arena->available);
    uint64_t in_use = arena->resident - atomic_load(&arena->free_count);
    c->memory_used = arena->bookkeeping_bytes + in_use * segment;
    for (uint32_t i = 1; i < arena->next_unused; i++) {
        count_segment(cm_arena_segment(arena, i), c);
    }
    cm_os_mutex_unlock(&arena->mutex);
    c->segment_bytes = segment;
}

void cmstore_read_counters(const cmstore *store, struct cmstore_counters *counters) {
    const cmstore *s = store;
    *counters = (struct cmstore_counters){
        .items = level(s, CM_TALLY_ITEMS),
        .items_total = level(s, CM_TALLY_ITEMS_TOTAL),
        .item_bytes = level(s, CM_TALLY_ITEM_BYTES),
        .index_bytes = atomic_load(&s->index.bytes),
        .index_buckets = atomic_load(&s->index.count),
        .gone_bytes = cm_gone_bytes(&s->gone),
        .evictions = level(s, CM_TALLY_EVICTIONS),
        .evicted_unfetched = level(s, CM_TALLY_EVICTED_UNFETCHED),
        .evicted_active = level(s, CM_TALLY_EVICTED_ACTIVE),
        .evicted_idle_s = level(s, CM_TALLY_EVICTED_IDLE_S),
        .expired = level(s, CM_TALLY_EXPIRED),
        .expired_unfetched = level(s, CM_TALLY_EXPIRED_UNFETCHED),
        .reclaimed_segments = level(s, CM_TALLY_RECLAIMED_SEGMENTS),
        .copied_items = level(s, CM_TALLY_COPIED_ITEMS),
        .copied_bytes = level(s, CM_TALLY_COPIED_BYTES),
        .in_place = level(s, CM_TALLY_IN_PLACE),
        .flushed = level(s, CM_TALLY_FLUSHED),
        .no_memory = level(s, CM_TALLY_NO_MEMORY),
        .waits = level(s, CM_TALLY_WAITS),
    };
    for (unsigned i = 0; i < CMSTORE_EVICTED_AGES; i++) {
        counters->evicted_ages[i] = level(s, (enum cm_tally_kind)(CM_TALLY_EVICTED_AGES + i));
    }
    read_arena(s, counters);
}

void cmstore_reset_counters(cmstore *store) {
    for (unsigned kind = CM_TALLY_ITEMS_TOTAL; kind < CM_TALLY_KINDS; kind++) {
        atomic_store(&store->tally_zero[kind], sum(store, (enum cm_tally_kind)kind));
    }
}

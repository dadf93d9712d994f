/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

#include <stdlib.h>

/* Walks everything and checks what the files' invariants promise. */

struct sums {
    uint32_t *live; /* bytes reachable, by segment */
    uint64_t items, bytes;
};

static void check_item(cmstore *s, struct sums *sums, uint64_t number, uint64_t word) {
    uint64_t place = cm_slot_place(word);
    const cm_record *r = cm_arena_at(&s->arena, place);
    uint32_t w0 = cm_word(r, 0);
    uint64_t hash = cm_record_hash(s, r);
    CM_CHECK(cm_slot_tagged(word, hash));
    CM_CHECK(cm_index_number(hash, atomic_load(&s->index.count)) == number);
    sums->live[cm_arena_segment_of(&s->arena, place)] += (uint32_t)cm_record_bytes(r, w0);
    sums->items++;
    sums->bytes += cm_item_bytes_all(r, w0);
    size_t value = 0;
    for (uint32_t i = 0; i < cm_item_extents(r, w0); i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        size_t bytes = cm_round_unit(CM_EXTENT_BYTES + extent.bytes);
        const cm_record *e = cm_arena_at(&s->arena, extent.place);
        CM_CHECK(cm_record_bytes(e, cm_word(e, 0)) == bytes && cm_word(e, 1) == (uint32_t)hash);
        sums->live[cm_arena_segment_of(&s->arena, extent.place)] += (uint32_t)bytes;
        value += extent.bytes;
    }
    if (w0 & CM_W0_CHAIN)
        CM_CHECK(value == cm_item_value_bytes(r, w0));
}

static void check_bucket(cmstore *s, struct sums *sums, uint64_t number) {
    struct cm_bucket *bucket = cm_index_at(&s->index, number);
    uint64_t head = atomic_load(&bucket->head);
    CM_CHECK((head & 1) == 0);
    struct cm_run run = cm_run_first(bucket, head);
    do {
        for (unsigned i = 0; i < run.count; i++) {
            uint64_t word = atomic_load(&run.slots[i]);
            if (word)
                check_item(s, sums, number, word);
        }
    } while (cm_run_next(&s->index, &run));
}

/* A3, for segments that are full. */
static void check_records(const cmstore *s, uint32_t number) {
    size_t at = 0, size = cm_arena_segment_bytes(&s->arena);
    while (at < size) {
        const cm_record *r = cm_arena_at(&s->arena, cm_arena_place(&s->arena, number, at));
        size_t bytes = cm_record_bytes(r, cm_word(r, 0));
        CM_CHECK(bytes > 0);
        at += bytes;
    }
    CM_CHECK(at == size);
}

/* A5, as far as reclaim was free to hold it. */
static void check_budget(cmstore *s, bool held) {
    if (s->no_evict || held)
        return;
    CM_CHECK(s->arena.resident <= atomic_load(&s->arena.allowed) + CM_LOGS);
}

static void check_segments(cmstore *s, const struct sums *sums) {
    uint32_t in_use = 0;
    bool held = false; /* pins keep segments */
    for (uint32_t i = 1; i < s->arena.next_unused; i++) {
        const struct cm_segment *segment = cm_arena_segment(&s->arena, i);
        uint8_t state = atomic_load(&segment->state);
        if (state == CM_SEGMENT_FREE)
            continue;
        in_use++;
        held = held || atomic_load(&segment->pins) > 0;
        if (atomic_load(&s->in_flight_bytes) == 0) {
            CM_CHECK(atomic_load(&segment->live) == sums->live[i]); /* A4 */
        }
        if (state == CM_SEGMENT_SEALED)
            check_records(s, i);
    }
    CM_CHECK(in_use == s->arena.resident - atomic_load(&s->arena.free_count));
    check_budget(s, held);
}

void cmstore_check(cmstore_thread *thread) {
    cmstore *s = thread->store;
    struct cmstore_counters counters;
    cm_os_mutex_lock(&s->keeper.mutex);
    cm_keep_house(thread); /* the budget may just have shrunk */
    struct sums sums = {.live = calloc(s->arena.next_unused, sizeof *sums.live)};
    CM_CHECK(sums.live != NULL);
    uint64_t count = atomic_load(&s->index.count);
    for (uint64_t i = 0; i < count; i++)
        check_bucket(s, &sums, i);
    check_segments(s, &sums);
    cmstore_read_counters(s, &counters);
    CM_CHECK(counters.items == sums.items && counters.item_bytes == sums.bytes);
    free(sums.live);
    cm_os_mutex_unlock(&s->keeper.mutex);
}

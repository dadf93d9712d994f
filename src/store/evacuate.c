/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Emptying a segment: its records are walked, and for each that is still reachable the policy says
 * whether it is copied to another log's end or dropped. The segment is EVACUATING and a grace
 * period has passed since, so nobody writes into it; readers may read it all the while. */

#define BATCH           32u /* records whose buckets are fetched together */
#define ACTIVE_WITHIN_S 60u
/* Chained items up to so many segments move as a whole; with many more, reclaim takes so much before
 * it gives back that it may find itself making no progress (STALLS_MAX). */
#define GATHERED_SEGMENTS 4u

struct batch {
    unsigned count;
    uint64_t places[BATCH];
    uint64_t hashes[BATCH];
};

struct evacuation {
    cmstore_thread *thread;
    uint32_t segment;
    enum cm_mercy mercy;
};

static struct cm_verdict ask(const struct evacuation *e, const struct cm_found *found,
                             uint64_t hash) {
    cmstore *s = e->thread->store;
    uint8_t log =
        atomic_load_explicit(&cm_arena_segment(&s->arena, e->segment)->log, memory_order_relaxed);
    uint8_t bits = cm_slot_bits(found->word);
    if (e->mercy != CM_ASK_POLICY) {
        return (struct cm_verdict){.keep = e->mercy == CM_KEEP_ALL, .bits = bits, .log = log};
    }
    struct cm_candidate candidate = {
        .hash = hash,
        .bytes = (uint32_t)cm_item_bytes_all(found->record, found->w0),
        .bits = bits,
        .log = log,
    };
    struct cm_policy *policy = cm_policy_of(s);
    return policy->kind->judge(policy, &candidate);
}

/* Of the ages that are told apart, the number. */
static unsigned age_of(uint32_t idle_s) {
    static const uint32_t limits_s[] = {
#define AGE_LIMIT(limit_s) limit_s,
        CMSTORE_EVICTED_AGE_TABLE(AGE_LIMIT)
#undef AGE_LIMIT
    };
    unsigned age = 0;
    while (age < sizeof limits_s / sizeof limits_s[0] && idle_s > limits_s[age])
        age++;
    return age;
}

static void count_eviction(cmstore_thread *t, const struct cm_found *found) {
    uint32_t now_s = cm_now(t->store);
    uint32_t idle_s = now_s - cm_item_last_access(found->record, now_s);
    bool fetched = (cm_word(found->record, 1) & CM_W1_FETCHED) != 0;
    cm_tally_add(t, CM_TALLY_EVICTIONS, 1);
    cm_tally_add(t, CM_TALLY_EVICTED_IDLE_S, idle_s);
    cm_tally_add(t, (enum cm_tally_kind)(CM_TALLY_EVICTED_AGES + age_of(idle_s)), 1);
    if (!fetched)
        cm_tally_add(t, CM_TALLY_EVICTED_UNFETCHED, 1);
    if (fetched && idle_s < ACTIVE_WITHIN_S) {
        cm_tally_add(t, CM_TALLY_EVICTED_ACTIVE, 1);
    }
}

struct cmstore_evicted {
    const cmstore *store;
    const struct cm_found *found;
};

uint32_t cmstore_describe_evicted(const struct cmstore_evicted *evicted,
                                  struct cmstore_visit *visit) {
    const struct cm_found *found = evicted->found;
    visit->key = found->record + cm_item_key_at(found->record, found->w0);
    visit->key_bytes = CM_W0_KEY(found->w0);
    cm_describe(evicted->store, found, &visit->item);
    visit->item.value.data = NULL;
    return cm_now(evicted->store);
}

/* An item that is not kept, or could not be, goes; but in a store that never evicts it stays. */
static bool let_go(cmstore_thread *t, struct cm_bucket *bucket, const struct cm_found *found,
                   uint64_t hash) {
    if (t->store->no_evict)
        return false;
    count_eviction(t, found);
    if (t->store->on_evict)
        t->store->on_evict(t->store->on_evict_context, &(struct cmstore_evicted){t->store, found});
    cm_note_gone(t->store, found, hash, CMSTORE_EVICTED);
    cm_drop_locked(t, bucket, found);
    return true;
}

/* A chained item that is kept by its merit moves as a whole: its parts age and go together. One too
 * large for that, or kept to fill a hole, moves by what lies here. */
static bool is_gathered(const struct evacuation *e, const struct cm_found *found) {
    size_t most = cm_arena_segment_bytes(&e->thread->store->arena) * GATHERED_SEGMENTS;
    return e->mercy == CM_ASK_POLICY && (found->w0 & CM_W0_CHAIN) &&
           cm_item_value_bytes(found->record, found->w0) <= most;
}

static bool move_item(const struct evacuation *e, const struct cm_found *found, uint64_t hash,
                      const struct cm_verdict *verdict) {
    return is_gathered(e, found) ? cm_gather_item(e->thread, found, hash, verdict)
                                 : cm_relocate_item(e->thread, found, hash, verdict);
}

/* False: it had to stay. */
static bool evacuate_item(const struct evacuation *e, uint64_t place, uint64_t hash) {
    cmstore_thread *t = e->thread;
    cmstore *s = t->store;
    bool gone = true;
    struct cm_bucket *bucket = cm_index_lock(&s->index, hash);
    cm_slot *slot = cm_bucket_find_place(&s->index, bucket, place);
    if (slot) {
        cm_record *r = cm_arena_at(&s->arena, place);
        uint64_t word = atomic_load_explicit(slot, memory_order_relaxed);
        struct cm_found found = {slot, word, place, r, cm_word(r, 0)};
        if (cm_drop_invalid_locked(t, bucket, &found) == CM_VALID) {
            struct cm_verdict verdict = ask(e, &found, hash);
            bool kept = verdict.keep && move_item(e, &found, hash, &verdict);
            gone = kept || let_go(t, bucket, &found, hash);
        }
    }
    cm_bucket_unlock(bucket);
    return gone;
}

static bool lists(const cm_record *r, uint64_t place, uint32_t *ordinal) {
    uint32_t w0 = cm_word(r, 0), extents = cm_item_extents(r, w0);
    for (*ordinal = 0; *ordinal < extents; (*ordinal)++) {
        if (cm_item_extent(r, w0, *ordinal).place == place)
            return true;
    }
    return false;
}

/* The item whose chain lists an extent. Caller holds the bucket's lock. */
static bool find_owner(const cmstore *s, struct cm_bucket *bucket,
                       struct cm_moving_extent *extent) {
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    do {
        for (unsigned i = 0; i < run.count; i++) {
            uint64_t word = atomic_load_explicit(&run.slots[i], memory_order_relaxed);
            if (!cm_slot_tagged(word, extent->hash))
                continue;
            cm_record *r = cm_arena_at(&s->arena, cm_slot_place(word));
            if (!lists(r, extent->place, &extent->ordinal))
                continue;
            extent->owner =
                (struct cm_found){&run.slots[i], word, cm_slot_place(word), r, cm_word(r, 0)};
            return true;
        }
    } while (cm_run_next(&s->index, &run));
    return false;
}

/* A chain somebody has pinned is read without the lock: its list must not change. */
static bool may_move(const struct evacuation *e) {
    const struct cm_segment *segment = cm_arena_segment(&e->thread->store->arena, e->segment);
    return atomic_load_explicit(&segment->pins, memory_order_acquire) == 0;
}

static bool move_extent(const struct evacuation *e, const struct cm_moving_extent *extent,
                        const struct cm_verdict *verdict) {
    if (is_gathered(e, &extent->owner))
        return cm_gather_item(e->thread, &extent->owner, extent->hash, verdict);
    return may_move(e) && cm_relocate_extent(e->thread, extent, verdict->log);
}

static bool evacuate_extent(const struct evacuation *e, uint64_t place, uint64_t hash) {
    cmstore_thread *t = e->thread;
    bool gone = true;
    struct cm_bucket *bucket = cm_index_lock(&t->store->index, hash);
    struct cm_moving_extent extent = {.hash = hash, .place = place};
    if (find_owner(t->store, bucket, &extent) &&
        cm_drop_invalid_locked(t, bucket, &extent.owner) == CM_VALID) {
        struct cm_verdict verdict = ask(e, &extent.owner, hash);
        bool kept = verdict.keep && move_extent(e, &extent, &verdict);
        gone = kept || let_go(t, bucket, &extent.owner, hash);
    }
    cm_bucket_unlock(bucket);
    return gone;
}

static uint64_t owner_hash(const cm_record *r) {
    return cm_word(r, 1) | (uint64_t)cm_word(r, 2) << 32;
}

static bool run_batch(const struct evacuation *e, const struct batch *batch) {
    const struct cm_arena *arena = &e->thread->store->arena;
    bool gone = true;
    for (unsigned i = 0; i < batch->count; i++) {
        uint64_t place = batch->places[i];
        if (CM_W0_KEY(cm_word(cm_arena_at(arena, place), 0))) {
            gone = evacuate_item(e, place, batch->hashes[i]) && gone;
        } else {
            gone = evacuate_extent(e, place, batch->hashes[i]) && gone;
        }
    }
    return gone;
}

/* Adds the record, fetches its bucket, and returns the record's length. */
static size_t gather(const cmstore *s, struct batch *batch, uint64_t place) {
    const cm_record *r = cm_arena_at(&s->arena, place);
    uint32_t w0 = cm_word(r, 0);
    bool item = CM_W0_KEY(w0) != 0, extent = !item && (w0 & CM_W0_EXTENT);
    if (item || extent) {
        uint64_t hash = item ? cm_record_hash(s, r) : owner_hash(r);
        const char *bucket = (const char *)cm_index_bucket(&s->index, hash);
        __builtin_prefetch(bucket);
        __builtin_prefetch(bucket + 64);
        batch->places[batch->count] = place;
        batch->hashes[batch->count++] = hash;
    }
    size_t bytes = cm_record_bytes(r, w0);
    CM_CHECK(bytes > 0);
    return bytes;
}

bool cm_evacuate(cmstore_thread *t, uint32_t number, enum cm_mercy mercy) {
    cmstore *s = t->store;
    struct evacuation e = {t, number, mercy};
    const struct cm_segment *segment = cm_arena_segment(&s->arena, number);
    size_t size = cm_arena_segment_bytes(&s->arena), at = 0;
    while (at < size && atomic_load_explicit(&segment->live, memory_order_relaxed) > 0) {
        struct batch batch = {.count = 0};
        while (at < size && batch.count < BATCH) {
            at += gather(s, &batch, cm_arena_place(&s->arena, number, at));
        }
        if (!run_batch(&e, &batch))
            return false;
    }
    CM_CHECK(atomic_load_explicit(&segment->live, memory_order_relaxed) == 0);
    cm_tally_add(t, CM_TALLY_RECLAIMED_SEGMENTS, 1);
    return true;
}

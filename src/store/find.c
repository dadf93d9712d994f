/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"
#include "store/change.h"

bool cm_is_flushed(const cmstore *s, uint64_t place) {
    uint64_t upto = atomic_load_explicit(&s->flushed_upto, memory_order_acquire);
    if (CM_LIKELY(upto == 0))
        return false;
    const struct cm_segment *segment = cm_arena_holder(&s->arena, place);
    return atomic_load_explicit(&segment->opened, memory_order_relaxed) <= upto;
}

uint64_t cm_record_hash(const cmstore *s, const cm_record *r) {
    uint32_t w0 = cm_word(r, 0);
    return cm_hash(r + cm_item_key_at(r, w0), CM_W0_KEY(w0), s->seed);
}

bool cm_find_locked(const cmstore *s, struct cm_bucket *bucket, const struct cmstore_key *key,
                    struct cm_found *found) {
    if (CM_LIKELY(key->hint < CM_BUCKET_SLOTS) &&
        cm_slot_holds(s, &bucket->slots[key->hint], key, found))
        return true;
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    do {
        for (unsigned i = 0; i < run.count; i++) {
            if (cm_slot_holds(s, &run.slots[i], key, found))
                return true;
        }
    } while (cm_run_next(&s->index, &run));
    return false;
}

size_t cm_item_bytes_all(const cm_record *r, uint32_t w0) {
    size_t bytes = cm_record_bytes(r, w0);
    uint32_t extents = cm_item_extents(r, w0);
    for (uint32_t i = 0; i < extents; i++) {
        bytes += cm_round_unit(CM_EXTENT_BYTES + cm_item_extent(r, w0, i).bytes);
    }
    return bytes;
}

void cm_describe(const cmstore *s, const struct cm_found *found, struct cmstore_item *item) {
    const cm_record *r = found->record;
    uint32_t w0 = found->w0;
    bool chained = (w0 & CM_W0_CHAIN) != 0;
    const cm_record *value = r + cm_item_key_at(r, w0) + CM_W0_KEY(w0);
    *item = (struct cmstore_item){
        .outcome = CMSTORE_HIT,
        .client_flags = cm_item_client_flags(r, w0),
        .cas = cm_item_cas(r, w0),
        .expires = cm_item_expires(r, w0),
        .expires_old = cm_item_expires(r, w0),
        .last_access_s = cm_item_last_access(r, cm_now(s)),
        .item_bytes = (uint32_t)cm_item_bytes_all(r, w0),
        .value = {chained ? NULL : value, cm_item_value_bytes(r, w0)},
        .fetched = (cm_word(r, 1) & CM_W1_FETCHED) != 0,
        .stale = (w0 & CM_W0_STALE) != 0,
        .win_sent = (w0 & CM_W0_WON) != 0,
    };
}

static void kill_extents(cmstore *s, const cm_record *r, uint32_t w0) {
    uint32_t extents = cm_item_extents(r, w0);
    for (uint32_t i = 0; i < extents; i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        cm_arena_kill(&s->arena, extent.place, cm_round_unit(CM_EXTENT_BYTES + extent.bytes));
    }
}

/* When it went, which may have been some time ago. */
static uint32_t went_at(const cmstore *s, const struct cm_found *found,
                        enum cmstore_reason reason) {
    if (reason == CMSTORE_EXPIRED)
        return cm_item_expires(found->record, found->w0);
    if (reason == CMSTORE_FLUSHED)
        return atomic_load_explicit(&s->flushed_s, memory_order_relaxed);
    return cm_now(s);
}

void cm_note_gone(cmstore *s, const struct cm_found *found, uint64_t hash,
                  enum cmstore_reason reason) {
    uint32_t now_s = cm_now(s), when_s = went_at(s, found, reason);
    uint32_t used_s = cm_item_last_access(found->record, now_s);
    if (when_s < used_s) /* its time was over when it was stored, or touched */
        when_s = used_s;
    if (when_s > now_s)
        when_s = now_s;
    struct cmstore_gone gone = {
        .reason = reason,
        .when_s = when_s,
        .unused_s = when_s - used_s,
        .fetched = (cm_word(found->record, 1) & CM_W1_FETCHED) != 0,
    };
    cm_gone_put(&s->gone, hash, &gone, now_s);
}

void cm_drop_locked(cmstore_thread *t, struct cm_bucket *bucket, const struct cm_found *found) {
    cmstore *s = t->store;
    size_t bytes = cm_item_bytes_all(found->record, found->w0);
    cm_bucket_remove(&s->index, bucket, found->slot);
    kill_extents(s, found->record, found->w0);
    cm_arena_kill(&s->arena, found->place, cm_record_bytes(found->record, found->w0));
    cm_count_items(t, -1, -(int64_t)bytes);
}

enum cm_validity cm_drop_invalid_locked(cmstore_thread *t, struct cm_bucket *bucket,
                                        const struct cm_found *found) {
    enum cm_validity validity = CM_VALID;
    if (cm_is_expired(found->record, found->w0, cm_now(t->store))) {
        validity = CM_EXPIRED;
        cm_tally_add(t, CM_TALLY_EXPIRED, 1);
        if (!(cm_word(found->record, 1) & CM_W1_FETCHED))
            cm_tally_add(t, CM_TALLY_EXPIRED_UNFETCHED, 1);
    } else if (cm_is_flushed(t->store, found->place)) {
        validity = CM_FLUSHED;
        cm_tally_add(t, CM_TALLY_FLUSHED, 1);
    }
    if (validity != CM_VALID) {
        cm_note_gone(t->store, found, cm_record_hash(t->store, found->record),
                     validity == CM_EXPIRED ? CMSTORE_EXPIRED : CMSTORE_FLUSHED);
        cm_drop_locked(t, bucket, found);
    }
    return validity;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"
#include "store/room.h"

#include <string.h>

/* Threads take numbers by the block: one counter for all would be a cache line they fight for with
 * every write. A number is given once, to one item; and an item's is above the one it had, for
 * which a thread with an older block takes a new one. */
uint64_t cm_new_cas(struct cm_call *call, uint64_t wanted) {
    cmstore_thread *t = call->thread;
    if (wanted)
        return wanted;
    uint64_t had = call->hit ? cm_item_cas(call->found.record, call->found.w0) : 0;
    uint64_t taken = atomic_load_explicit(&t->store->cas_taken, memory_order_relaxed);
    /* A number above all taken was wanted by a client: nothing to be above of. */
    bool below = t->cas_last < had && had <= taken;
    if (below || t->cas_last == t->cas_block_end) {
        t->cas_last =
            atomic_fetch_add_explicit(&t->store->cas_taken, CM_CAS_BLOCK, memory_order_relaxed);
        t->cas_block_end = t->cas_last + CM_CAS_BLOCK;
    }
    return ++t->cas_last;
}

struct cm_shape cm_shape_of(const struct cm_found *found) {
    const cm_record *r = found->record;
    uint32_t w0 = found->w0;
    return (struct cm_shape){
        .key_bytes = CM_W0_KEY(w0),
        .value_bytes = cm_item_value_bytes(r, w0),
        .client_flags = cm_item_client_flags(r, w0),
        .expires = cm_item_expires(r, w0),
        .cas = cm_item_cas(r, w0),
        .extents = cm_item_extents(r, w0),
        .stale = (w0 & CM_W0_STALE) != 0,
        .won = (w0 & CM_W0_WON) != 0,
    };
}

void cm_note_expiry(cmstore *s, uint64_t place, uint32_t expires) {
    if (expires == 0)
        return;
    struct cm_segment *segment = cm_arena_holder(&s->arena, place);
    uint32_t least = atomic_load_explicit(&segment->expires_min, memory_order_relaxed);
    while (expires < least &&
           !atomic_compare_exchange_weak_explicit(&segment->expires_min, &least, expires,
                                                  memory_order_relaxed, memory_order_relaxed)) {}
    if (!atomic_load_explicit(&s->expiring, memory_order_relaxed)) {
        atomic_store_explicit(&s->expiring, true, memory_order_relaxed);
    }
}

/* ---- in place ---- */

/* Fields may be there and not needed, not the other way round. */
static bool fields_fit(uint32_t w0, const struct cm_shape *shape) {
    if (shape->expires && !(w0 & CM_W0_EXPIRES))
        return false;
    if (shape->client_flags && !(w0 & CM_W0_FLAGS))
        return false;
    return shape->cas <= CM_CAS_NARROW_MAX || (w0 & CM_W0_WIDE);
}

/* Evacuation waits for a grace period after it changed the state, and pins are taken under the
 * bucket's lock: what this finds stays true until the caller unlocks. */
static bool may_write(const cmstore *s, uint64_t place) {
    const struct cm_segment *segment = cm_arena_holder(&s->arena, place);
    uint8_t state = atomic_load_explicit(&segment->state, memory_order_acquire);
    return (state == CM_SEGMENT_OPEN || state == CM_SEGMENT_SEALED) &&
           atomic_load_explicit(&segment->pins, memory_order_acquire) == 0;
}

static bool fits_in_place(const cmstore *s, const struct cm_found *found,
                          const struct cm_put *put) {
    uint32_t w0 = found->w0;
    if (!fields_fit(w0, &put->shape))
        return false;
    if (put->keep_value)
        return may_write(s, found->place);
    if (put->parts_are_own || put->shape.extents || (w0 & CM_W0_CHAIN))
        return false;
    size_t room = cm_record_bytes(found->record, w0) - cm_item_key_at(found->record, w0) -
                  put->shape.key_bytes;
    return put->shape.value_bytes <= room && may_write(s, found->place);
}

static void publish_parts(cm_record *to, const struct cm_parts *parts) {
    if (parts->first.bytes)
        cm_copy_publish(to, parts->first.data, parts->first.bytes);
    if (parts->second.bytes) {
        cm_copy_publish(to + parts->first.bytes, parts->second.data, parts->second.bytes);
    }
}

/* What a shorter value leaves becomes a filler (I1). */
static void give_rest(struct cm_call *call, size_t before, size_t after) {
    if (before == after)
        return;
    cmstore *s = call->thread->store;
    cm_filler_write(call->found.record + after, before - after);
    cm_arena_kill(&s->arena, call->found.place, before - after);
    cm_count_items(call->thread, 0, -(int64_t)(before - after));
}

static void write_in_place(struct cm_call *call, const struct cm_put *put) {
    cmstore *s = call->thread->store;
    cm_record *r = call->found.record;
    uint32_t w0 = call->found.w0;
    const struct cm_shape *shape = &put->shape;
    size_t before = cm_record_bytes(r, w0);
    uint32_t after = w0 & ~(CM_W0_STALE | CM_W0_WON);
    if (shape->stale)
        after |= CM_W0_STALE;
    if (shape->won)
        after |= CM_W0_WON;
    if (!put->keep_value)
        after = (after & ~CM_W0_VALUE_BITS) | (uint32_t)shape->value_bytes << 8;
    cm_word_set(r, 0, after);
    if (w0 & CM_W0_EXPIRES)
        cm_word_set(r, 3, shape->expires);
    if (w0 & CM_W0_FLAGS)
        cm_word_set(r, cm_item_flags_at(w0), shape->client_flags);
    if (!put->keep_value) {
        publish_parts(r + cm_item_key_at(r, w0) + shape->key_bytes, &put->parts);
        cm_word_set(r, 1, cm_now(s) & CM_ACCESS_MASK); /* not fetched; the cas comes next */
        give_rest(call, before, cm_record_bytes(r, after));
    }
    cm_item_set_cas(r, w0, shape->cas);
    call->found.w0 = after;
    cm_note_expiry(s, call->found.place, shape->expires);
    cm_tally_add(call->thread, CM_TALLY_IN_PLACE, 1);
}

/* ---- a new record ---- */

static void copy_chain(cm_record *r, const struct cm_call *call, const struct cm_put *put) {
    uint32_t w0 = cm_word(r, 0);
    for (uint32_t i = 0; i < put->shape.extents; i++) {
        cm_item_set_extent(r, w0, i,
                           put->keep_value ? cm_item_extent(call->found.record, call->found.w0, i)
                                           : put->extents[i]);
    }
}

static void copy_value(cm_record *to, const struct cm_call *call, const struct cm_put *put) {
    if (put->keep_value) {
        const struct cm_found *found = &call->found;
        size_t at = cm_item_key_at(found->record, found->w0) + CM_W0_KEY(found->w0);
        memcpy(to, found->record + at, put->shape.value_bytes);
        return;
    }
    if (put->parts.first.bytes)
        memcpy(to, put->parts.first.data, put->parts.first.bytes);
    if (put->parts.second.bytes) {
        memcpy(to + put->parts.first.bytes, put->parts.second.data, put->parts.second.bytes);
    }
}

static void write_record(struct cm_call *call, const struct cm_put *put, cm_record *r) {
    cmstore *s = call->thread->store;
    cm_record *value = cm_shape_write(&put->shape, r, call->key->data, cm_now(s));
    if (put->shape.extents) {
        copy_chain(r, call, put);
    } else {
        copy_value(value, call, put);
    }
    if (call->hit && put->keep_value && (cm_word(call->found.record, 1) & CM_W1_FETCHED)) {
        cm_word_set(r, 1, cm_word(r, 1) | CM_W1_FETCHED);
    }
}

/* The old record of a replaced item; its extents too unless the new record took them over. */
static void kill_old(struct cm_call *call, const struct cm_put *put) {
    cmstore *s = call->thread->store;
    const cm_record *r = call->found.record;
    uint32_t w0 = call->found.w0;
    uint32_t extents = put->keep_value ? 0 : cm_item_extents(r, w0);
    for (uint32_t i = 0; i < extents; i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        cm_arena_kill(&s->arena, extent.place, cm_round_unit(CM_EXTENT_BYTES + extent.bytes));
    }
    cm_arena_kill(&s->arena, call->found.place, cm_record_bytes(r, w0));
}

/* An overwrite is a hit. */
static uint8_t bits_after_hit(const struct cm_call *call, struct cm_policy *policy) {
    uint64_t word = atomic_load_explicit(call->found.slot, memory_order_relaxed);
    if (CM_UNLIKELY(cm_policy_samples(policy, word)))
        policy->kind->observe(policy, call->key->hash);
    return cm_policy_after_hit(policy, cm_slot_bits(word));
}

static enum cm_status link_record(struct cm_call *call, const struct cm_put *put, uint64_t place) {
    cmstore *s = call->thread->store;
    struct cm_policy *policy = cm_policy_of(s);
    cm_record *r = cm_arena_at(&s->arena, place);
    int64_t bytes = (int64_t)cm_item_bytes_all(r, cm_word(r, 0));
    if (call->hit) {
        uint8_t bits = bits_after_hit(call, policy);
        bytes -= (int64_t)cm_item_bytes_all(call->found.record, call->found.w0);
        atomic_store_explicit(call->found.slot, cm_slot_make(call->key->hash, bits, place),
                              memory_order_release);
        kill_old(call, put);
        cm_count_items(call->thread, 0, bytes);
        return CM_OK;
    }
    uint8_t bits = atomic_load_explicit(&policy->first_bits, memory_order_relaxed);
    enum cm_status status = cm_bucket_insert(&s->index, call->bucket, call->key->hash,
                                             cm_slot_make(call->key->hash, bits, place));
    if (status == CM_OK)
        cm_count_items(call->thread, 1, bytes);
    return status;
}

/* The log is chosen once, however often room has to be made: the ghost forgets whom it let in. */
static unsigned log_for(struct cm_call *call) {
    cmstore *s = call->thread->store;
    if (call->hit)
        return cm_arena_holder(&s->arena, call->found.place)->log;
    if (!call->log_chosen) {
        struct cm_policy *policy = cm_policy_of(s);
        call->log = policy->kind->admit(policy, call->key->hash);
        call->log_chosen = true;
    }
    return call->log;
}

/* Place for the record, or 0 and why. */
static uint64_t find_room(struct cm_call *call, const struct cm_put *put, enum cm_status *why) {
    struct cm_arena *arena = &call->thread->store->arena;
    size_t bytes = cm_shape_bytes(&put->shape), segment = cm_arena_segment_bytes(arena);
    unsigned log = log_for(call);
    call->log = (uint8_t)log;
    bool whole = put->shape.extents || put->keep_value ||
                 put->shape.value_bytes <= CM_WHOLE_VALUE_MAX || bytes <= segment / CM_WASTE_SHARE;
    *why = CM_TOO_LARGE;
    if (!whole && (bytes > segment / 2 || !cm_arena_would_fit(arena, log, bytes)))
        return 0;
    *why = CM_NO_MEMORY;
    return cm_arena_alloc(arena, log, bytes, false);
}

static void write_over(struct cm_call *call, const struct cm_put *put) {
    uint8_t bits = bits_after_hit(call, cm_policy_of(call->thread->store));
    atomic_store_explicit(call->found.slot, cm_slot_make(call->key->hash, bits, call->found.place),
                          memory_order_relaxed);
    write_in_place(call, put);
}

enum cm_status cm_put_locked(struct cm_call *call, const struct cm_put *put) {
    cmstore *s = call->thread->store;
    if (call->hit && fits_in_place(s, &call->found, put)) {
        write_over(call, put);
        return CM_OK;
    }
    enum cm_status status;
    uint64_t place = find_room(call, put, &status);
    if (!place)
        return status;
    cm_record *r = cm_arena_at(&s->arena, place);
    if (call->hit && CM_UNLIKELY(cm_is_flushed(s, call->found.place))) {
        /* Since it was found. What is made of it must not outlive it (F2): to be looked for again. */
        cm_filler_write(r, cm_shape_bytes(&put->shape));
        cm_arena_kill(&s->arena, place, cm_shape_bytes(&put->shape));
        return CM_NO_MEMORY;
    }
    write_record(call, put, r);
    status = link_record(call, put, place);
    if (status != CM_OK) {
        cm_arena_kill(&s->arena, place, cm_shape_bytes(&put->shape));
        return status;
    }
    cm_note_expiry(s, place, put->shape.expires);
    call->hit = true;
    call->found.place = place;
    call->found.record = r;
    call->found.w0 = cm_word(r, 0);
    return CM_OK;
}

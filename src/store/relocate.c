/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"
#include "store/room.h"

#include <stdlib.h>

/* Moving items to the end of a log. What does not fit into the rest of the open segment is cut into
 * pieces, so that a segment's end is not left unused: a plain item becomes a chained one, an extent
 * becomes several. A chained item that is gathered leaves every segment it has parts in, whatever
 * their state and pins: its old records stay as they are for whoever still reads them.
 *
 * The caller holds the keeper's mutex and the bucket's lock, and what is moved otherwise is in an
 * evacuating segment without pins. What fails changes nothing, and the caller drops the item. */

#define PIECES_MAX 32u /* of one extent or value */

struct pieces {
    uint64_t hash; /* the owner's */
    unsigned log;  /* where they go */
    bool whole;    /* one piece: the owner lists as many as it can */
    struct cm_extent list[PIECES_MAX];
    uint32_t count;
};

static void count_copy(cmstore_thread *t, size_t items, size_t bytes) {
    cm_tally_add(t, CM_TALLY_COPIED_ITEMS, (int64_t)items);
    cm_tally_add(t, CM_TALLY_COPIED_BYTES, (int64_t)bytes);
}

static void kill_pieces(cmstore *s, const struct pieces *pieces) {
    for (uint32_t i = 0; i < pieces->count; i++) {
        cm_arena_kill(&s->arena, pieces->list[i].place,
                      cm_round_unit(CM_EXTENT_BYTES + pieces->list[i].bytes));
    }
}

/* Bytes of an item's value, plain or chained. */
struct run {
    const struct cm_found *found;
    size_t from, bytes;
};

static void copy_run(const struct cm_arena *arena, const struct run *run, cm_record *to) {
    const cm_record *r = run->found->record;
    uint32_t w0 = run->found->w0;
    if (!(w0 & CM_W0_CHAIN)) {
        cm_copy_shared(to, r + cm_item_key_at(r, w0) + CM_W0_KEY(w0) + run->from, run->bytes);
        return;
    }
    size_t from = run->from, left = run->bytes;
    for (uint32_t i = 0; left > 0; i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        if (from >= extent.bytes) {
            from -= extent.bytes;
            continue;
        }
        size_t take = left < extent.bytes - from ? left : extent.bytes - from;
        cm_copy_shared(to, cm_arena_at(arena, extent.place) + CM_EXTENT_BYTES + from, take);
        to += take;
        left -= take;
        from = 0;
    }
}

/* Copies a run into new extents. */
static bool copy_pieces(cmstore_thread *t, const struct run *run, struct pieces *pieces) {
    struct cm_arena *arena = &t->store->arena;
    size_t bytes = run->bytes;
    size_t least = cm_extent_least(&t->store->arena), done = 0;
    pieces->count = 0;
    while (done < bytes) {
        size_t take = cm_round_unit(CM_EXTENT_BYTES + (bytes - done));
        uint64_t to = 0;
        if (pieces->count < PIECES_MAX) {
            bool cut = take >= least && !pieces->whole && pieces->count + 1 < PIECES_MAX;
            struct cm_part part = {.least = cut ? least : take, .most = take};
            to = cm_arena_alloc_part(arena, pieces->log, &part, true);
            take = part.bytes;
        }
        if (!to) {
            kill_pieces(t->store, pieces);
            return false;
        }
        size_t payload = take - CM_EXTENT_BYTES;
        if (payload > bytes - done)
            payload = bytes - done;
        cm_extent_write(cm_arena_at(arena, to), take, pieces->hash);
        struct run part = {run->found, run->from + done, payload};
        copy_run(arena, &part, cm_arena_at(arena, to) + CM_EXTENT_BYTES);
        pieces->list[pieces->count++] = (struct cm_extent){to, (uint32_t)payload};
        done += payload;
    }
    count_copy(t, 0, bytes);
    return true;
}

/* A new head for the item: its extents with those from `at` on, `replaced` of them, exchanged for
 * the pieces. Without any extents it gets the value itself. */
struct rehead {
    const struct cm_arena *arena;
    const struct pieces *pieces;
    uint32_t at, replaced;
    uint8_t bits, log;
};

static void write_head(const struct cm_found *found, const struct cm_shape *shape,
                       const struct rehead *how, cm_record *r) {
    const cm_record *key = found->record + cm_item_key_at(found->record, found->w0);
    cm_record *value = cm_shape_write(shape, r, key, 0);
    uint32_t w0 = cm_word(r, 0), to = 0, old = cm_item_extents(found->record, found->w0);
    for (uint32_t i = 0; i < how->at; i++) {
        cm_item_set_extent(r, w0, to++, cm_item_extent(found->record, found->w0, i));
    }
    for (uint32_t i = 0; i < how->pieces->count; i++) {
        cm_item_set_extent(r, w0, to++, how->pieces->list[i]);
    }
    for (uint32_t i = how->at + how->replaced; i < old; i++) {
        cm_item_set_extent(r, w0, to++, cm_item_extent(found->record, found->w0, i));
    }
    if (!shape->extents) {
        struct run run = {found, 0, shape->value_bytes};
        copy_run(how->arena, &run, value);
    }
    uint32_t keep = CM_ACCESS_MASK | CM_W1_FETCHED;
    cm_word_set(r, 1, (cm_word(r, 1) & ~keep) | (cm_word(found->record, 1) & keep));
}

static bool link_head(cmstore_thread *t, const struct cm_found *found, const struct rehead *how) {
    cmstore *s = t->store;
    struct cm_shape shape = cm_shape_of(found);
    shape.extents = shape.extents - how->replaced + how->pieces->count;
    size_t bytes = cm_shape_bytes(&shape);
    uint64_t place = bytes > cm_arena_segment_bytes(&s->arena)
                         ? 0
                         : cm_arena_alloc(&s->arena, how->log, bytes, true);
    if (!place) {
        kill_pieces(s, how->pieces);
        return false;
    }
    int64_t before = (int64_t)cm_item_bytes_all(found->record, found->w0);
    cm_record *r = cm_arena_at(&s->arena, place);
    write_head(found, &shape, how, r);
    cm_note_expiry(s, place, shape.expires);
    atomic_store_explicit(found->slot, cm_slot_make(how->pieces->hash, how->bits, place),
                          memory_order_release);
    for (uint32_t i = 0; i < how->replaced; i++) {
        struct cm_extent old = cm_item_extent(found->record, found->w0, how->at + i);
        cm_arena_kill(&s->arena, old.place, cm_round_unit(CM_EXTENT_BYTES + old.bytes));
    }
    cm_arena_kill(&s->arena, found->place, cm_record_bytes(found->record, found->w0));
    cm_count_items(t, 0, (int64_t)cm_item_bytes_all(r, cm_word(r, 0)) - before);
    return true;
}

/* The whole value into new pieces and a new head. */
static bool recut(cmstore_thread *t, const struct cm_found *found, uint64_t hash,
                  const struct cm_verdict *verdict) {
    struct run run = {found, 0, cm_item_value_bytes(found->record, found->w0)};
    struct pieces pieces = {.hash = hash, .log = verdict->log};
    if (!copy_pieces(t, &run, &pieces))
        return false;
    struct rehead how = {
        .arena = &t->store->arena,
        .pieces = &pieces,
        .replaced = cm_item_extents(found->record, found->w0),
        .bits = verdict->bits,
        .log = verdict->log,
    };
    return link_head(t, found, &how);
}

static bool wastes(const struct cm_arena *arena, unsigned log, size_t bytes) {
    return bytes > cm_arena_segment_bytes(arena) / CM_WASTE_SHARE &&
           !cm_arena_would_fit(arena, log, bytes);
}

bool cm_relocate_item(cmstore_thread *t, const struct cm_found *found, uint64_t hash,
                      const struct cm_verdict *verdict) {
    struct cm_arena *arena = &t->store->arena;
    size_t bytes = cm_record_bytes(found->record, found->w0);
    bool may_cut = !(found->w0 & CM_W0_CHAIN) && CM_W0_VALUE(found->w0) > CM_WHOLE_VALUE_MAX;
    if (may_cut && wastes(arena, verdict->log, bytes))
        return recut(t, found, hash, verdict);
    uint64_t to = cm_arena_alloc(arena, verdict->log, bytes, true);
    if (!to)
        return false;
    cm_copy_shared(cm_arena_at(arena, to), found->record, bytes);
    cm_arena_kill(arena, found->place, bytes);
    count_copy(t, 1, bytes);
    cm_note_expiry(t->store, to, cm_item_expires(found->record, found->w0));
    atomic_store_explicit(found->slot, cm_slot_make(hash, verdict->bits, to), memory_order_release);
    return true;
}

bool cm_gather_item(cmstore_thread *t, const struct cm_found *found, uint64_t hash,
                    const struct cm_verdict *verdict) {
    struct cm_arena *arena = &t->store->arena;
    struct cm_shape plain = cm_shape_of(found);
    plain.extents = 0;
    size_t bytes = cm_shape_bytes(&plain);
    if (bytes > cm_arena_segment_bytes(arena) / 2 || wastes(arena, verdict->log, bytes))
        return recut(t, found, hash, verdict);
    struct pieces none = {.hash = hash};
    struct rehead how = {
        .arena = arena,
        .pieces = &none,
        .replaced = cm_item_extents(found->record, found->w0),
        .bits = verdict->bits,
        .log = verdict->log,
    };
    count_copy(t, 1, bytes);
    return link_head(t, found, &how);
}

bool cm_relocate_extent(cmstore_thread *t, const struct cm_moving_extent *extent, unsigned log) {
    struct cm_arena *arena = &t->store->arena;
    const struct cm_found *owner = &extent->owner;
    struct cm_extent old = cm_item_extent(owner->record, owner->w0, extent->ordinal);
    struct pieces pieces = {.hash = extent->hash, .log = log};
    pieces.whole =
        cm_item_extents(owner->record, owner->w0) + PIECES_MAX > cm_extents_max(t->store);
    struct run run = {owner, 0, old.bytes};
    for (uint32_t i = 0; i < extent->ordinal; i++)
        run.from += cm_item_extent(owner->record, owner->w0, i).bytes;
    if (!copy_pieces(t, &run, &pieces))
        return false;
    if (pieces.count == 1) {
        cm_item_set_extent(owner->record, owner->w0, extent->ordinal, pieces.list[0]);
        cm_arena_kill(arena, old.place, cm_round_unit(CM_EXTENT_BYTES + old.bytes));
        return true;
    }
    struct rehead how = {
        .arena = arena,
        .pieces = &pieces,
        .at = extent->ordinal,
        .replaced = 1,
        .bits = cm_slot_bits(owner->word),
        .log =
            atomic_load_explicit(&cm_arena_holder(arena, owner->place)->log, memory_order_relaxed),
    };
    return link_head(t, owner, &how);
}

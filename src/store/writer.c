/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

#include <stdlib.h>
#include <string.h>

/* Chained values. Extents are taken from a log as bytes arrive, and their segments pinned until the
 * head is linked, so that reclaim leaves them alone.
 *
 * W1  Extents of a writer are nobody's until cm_store_locked() has linked the head that lists them.
 * W2  Every extent of a writer holds one pin on its segment. */

#define BUFFERED_BYTES_MAX ((size_t)64 << 10) /* shorter values are collected, then stored whole */
#define FIRST_EXTENT_BYTES ((size_t)16 << 10)

struct cmstore_writer {
    cmstore *store;
    struct cmstore_store_options options;
    struct cmstore_key key; /* its bytes are `key_data` */
    size_t bytes, written;
    bool stale, joined;    /* what is stored */
    unsigned char *buffer; /* short values; NULL otherwise */
    struct cm_extent *extents;
    uint32_t extent_count, extent_room;
    size_t extent_filled; /* of the last one */
    size_t held_bytes;    /* of the extents, headers included */
    unsigned log;
    unsigned char key_data[CMSTORE_KEY_BYTES_MAX];
};

/* ---- extents ---- */

/* One writer may always go on: an item that fits the limit can be written. */
static bool has_quota(cmstore_writer *w, size_t bytes) {
    cmstore *s = w->store;
    uint64_t before = atomic_fetch_add(&s->in_flight_bytes, bytes);
    if (before <= w->held_bytes || before + bytes <= atomic_load(&s->arena.limit_bytes) / 2) {
        return true;
    }
    atomic_fetch_sub(&s->in_flight_bytes, bytes);
    return false;
}

static bool grow_list(cmstore_writer *w) {
    if (w->extent_count < w->extent_room)
        return true;
    uint32_t room = w->extent_room ? w->extent_room * 2 : 8;
    struct cm_extent *grown = realloc(w->extents, room * sizeof *grown);
    if (!grown)
        return false;
    w->extents = grown;
    w->extent_room = room;
    return true;
}

/* As long as what has arrived, so that a sender who stops holds little more than it sent. */
static size_t next_extent_bytes(const cmstore_writer *w) {
    size_t left = w->bytes - w->written;
    size_t most = w->written > FIRST_EXTENT_BYTES ? w->written : FIRST_EXTENT_BYTES;
    size_t whole = cm_arena_segment_bytes(&w->store->arena) - CM_EXTENT_BYTES;
    if (most > whole)
        most = whole;
    return cm_round_unit(CM_EXTENT_BYTES + (left < most ? left : most));
}

/* Small ends of segments are used too, as long as what is left to write fits the extents that are
 * left to list. */
static size_t least_extent_bytes(const cmstore_writer *w, size_t most) {
    size_t least = cm_extent_least(&w->store->arena);
    size_t slots = cm_extents_max(w->store) - w->extent_count;
    size_t even = cm_round_unit(CM_EXTENT_BYTES + (w->bytes - w->written) / slots + 1);
    if (least < even)
        least = even;
    return least < most ? least : most;
}

static uint64_t take_extent(cmstore_thread *t, cmstore_writer *w, struct cm_part *part) {
    struct cm_arena *arena = &t->store->arena;
    cm_enter(t);
    uint64_t place = cm_arena_alloc_part(arena, w->log, part, false);
    if (place) {
        atomic_fetch_add(&cm_arena_holder(arena, place)->pins, 1); /* W2 */
        cm_extent_write(cm_arena_at(arena, place), part->bytes, w->key.hash);
    }
    cm_leave(t);
    return place;
}

static enum cm_status add_extent(cmstore_thread *t, cmstore_writer *w) {
    if (w->extent_count >= cm_extents_max(t->store))
        return CM_TOO_LARGE;
    size_t bytes = next_extent_bytes(w);
    if (!grow_list(w))
        return CM_NO_MEMORY;
    if (!has_quota(w, bytes))
        return CM_NO_MEMORY;
    struct cm_part part = {.least = least_extent_bytes(w, bytes), .most = bytes};
    uint64_t place = take_extent(t, w, &part);
    while (!place && cm_make_room(t))
        place = take_extent(t, w, &part);
    size_t taken = place ? part.bytes : 0;
    atomic_fetch_sub(&t->store->in_flight_bytes, bytes - taken);
    if (!place)
        return CM_NO_MEMORY;
    size_t left = w->bytes - w->written;
    size_t payload = taken - CM_EXTENT_BYTES < left ? taken - CM_EXTENT_BYTES : left;
    w->extents[w->extent_count++] = (struct cm_extent){place, (uint32_t)payload};
    w->extent_filled = 0;
    w->held_bytes += taken;
    return CM_OK;
}

static size_t extent_record_bytes(const struct cm_extent *extent) {
    return cm_round_unit(CM_EXTENT_BYTES + extent->bytes);
}

/* Ends W2; `kill`: nothing leads to them (W1). */
static void let_go(cmstore_writer *w, bool kill) {
    struct cm_arena *arena = &w->store->arena;
    for (uint32_t i = 0; i < w->extent_count; i++) {
        size_t bytes = extent_record_bytes(&w->extents[i]);
        if (kill)
            cm_arena_kill(arena, w->extents[i].place, bytes);
        atomic_fetch_sub(&cm_arena_holder(arena, w->extents[i].place)->pins, 1);
        atomic_fetch_sub(&w->store->in_flight_bytes, bytes);
    }
    w->extent_count = 0;
}

static enum cm_status write_extents(cmstore_thread *t, cmstore_writer *w, const void *data,
                                    size_t bytes) {
    const unsigned char *from = data;
    while (bytes > 0) {
        if (w->extent_count == 0 || w->extent_filled == w->extents[w->extent_count - 1].bytes) {
            enum cm_status status = add_extent(t, w);
            if (status == CM_NO_MEMORY)
                cm_tally_add(t, CM_TALLY_NO_MEMORY, 1);
            if (status)
                return status;
        }
        const struct cm_extent *extent = &w->extents[w->extent_count - 1];
        size_t room = extent->bytes - w->extent_filled;
        size_t take = bytes < room ? bytes : room;
        memcpy(cm_arena_at(&t->store->arena, extent->place) + CM_EXTENT_BYTES + w->extent_filled,
               from, take);
        w->extent_filled += take;
        w->written += take;
        from += take;
        bytes -= take;
    }
    return CM_OK;
}

/* ---- the writer ---- */

static void destroy(cmstore_writer *w) {
    if (w->buffer) {
        free(w->buffer);
        cmstore_charge(w->store, -(int64_t)w->bytes);
    }
    free(w->extents);
    free(w);
}

static cmstore_writer *create(cmstore_thread *t, const struct cmstore_key *key, size_t bytes,
                              const struct cmstore_store_options *options) {
    cmstore_writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->store = t->store;
    if (options)
        w->options = *options;
    memcpy(w->key_data, key->data, key->bytes);
    w->key = (struct cmstore_key){w->key_data, key->bytes, key->hash, key->hint};
    w->bytes = bytes;
    return w;
}

/* Online before it looks: the policy may be changing. */
static unsigned choose_log(cmstore_thread *t, const struct cmstore_key *key) {
    cm_enter(t);
    struct cm_policy *policy = cm_policy_of(t->store);
    unsigned log = policy->kind->admit(policy, key->hash);
    cm_leave(t);
    return log;
}

enum cm_status cmstore_write_begin(cmstore_thread *thread, const struct cmstore_key *key,
                                   size_t bytes, const struct cmstore_store_options *options,
                                   cmstore_writer **out) {
    static const struct cmstore_store_options plain_set = {.mode = CMSTORE_SET};
    if (!cm_fits_limit(thread->store, key, bytes, options ? options : &plain_set)) {
        return CM_TOO_LARGE;
    }
    cmstore_writer *w = create(thread, key, bytes, options);
    if (!w)
        return CM_NO_MEMORY;
    if (bytes <= BUFFERED_BYTES_MAX) {
        w->buffer = malloc(bytes ? bytes : 1);
        if (!w->buffer) {
            free(w);
            return CM_NO_MEMORY;
        }
        cmstore_charge(w->store, (int64_t)bytes);
    } else {
        w->log = choose_log(thread, key);
    }
    *out = w;
    return CM_OK;
}

enum cm_status cmstore_write(cmstore_thread *thread, cmstore_writer *writer, const void *data,
                             size_t bytes) {
    if (bytes > writer->bytes - writer->written)
        return CM_INVALID;
    if (!writer->buffer)
        return write_extents(thread, writer, data, bytes);
    memcpy(writer->buffer + writer->written, data, bytes);
    writer->written += bytes;
    return CM_OK;
}

static struct cmstore_value extent_value(const cmstore_writer *w, uint32_t i) {
    const struct cm_arena *arena = &w->store->arena;
    return (struct cmstore_value){cm_arena_at(arena, w->extents[i].place) + CM_EXTENT_BYTES,
                                  w->extents[i].bytes};
}

/* Links the head; the extents are the item's if it was stored. */
static enum cm_status link_head(cmstore_thread *t, cmstore_writer *w,
                                struct cmstore_stored *stored) {
    struct cm_store_call call = {
        .options = &w->options,
        .extents = w->extents,
        .extent_count = w->extent_count,
        .value_bytes = w->bytes,
        .stored = stored,
        .stale = w->stale,
        .joined = w->joined,
        .log_chosen = true,
        .log = (uint8_t)w->log,
    };
    enum cm_status status = cm_call_run(t, &w->key, cm_store_locked, &call);
    let_go(w, status != CM_OK || stored->outcome != CMSTORE_STORED);
    return status;
}

/* Ends an internal writer, whose value has arrived unless `status` says otherwise. */
static enum cm_status finish(cmstore_thread *t, cmstore_writer *w, enum cm_status status,
                             struct cmstore_stored *stored) {
    if (status) {
        let_go(w, true);
    } else {
        status = link_head(t, w, stored);
    }
    destroy(w);
    return status;
}

/* Adds a stored value to a writer. */
static enum cm_status write_pinned(cmstore_thread *t, cmstore_writer *w,
                                   const struct cmstore_pin *pin) {
    size_t offset = 0;
    while (offset < pin->item.value.bytes) {
        struct cmstore_value part = cmstore_pin_part(pin, offset);
        enum cm_status status = write_extents(t, w, part.data, part.bytes);
        if (status)
            return status;
        offset += part.bytes;
    }
    return CM_OK;
}

static enum cm_status write_addition(cmstore_thread *t, cmstore_writer *w,
                                     const cmstore_writer *addition, struct cmstore_value value) {
    if (!addition)
        return write_extents(t, w, value.data, value.bytes);
    for (uint32_t i = 0; i < addition->extent_count; i++) {
        struct cmstore_value part = extent_value(addition, i);
        enum cm_status status = write_extents(t, w, part.data, part.bytes);
        if (status)
            return status;
    }
    return CM_OK;
}

/* What append and prepend add: a value, or what a writer has collected. */
struct addition {
    const struct cmstore_key *key;
    const cmstore_writer *writer; /* NULL: `value` */
    struct cmstore_value value;
    size_t bytes;
    const struct cmstore_store_options *options;
    struct cmstore_stored *stored;
};

/* The joined value as a cas on the item that was joined to: EXISTS says that somebody was
 * faster. */
static enum cm_status try_join(cmstore_thread *t, const struct addition *add,
                               const struct cmstore_pin *pin) {
    struct cmstore_store_options options = {
        .client_flags = pin->item.client_flags,
        .expires = pin->item.expires,
        .compare_cas = true,
        .cas = pin->item.cas,
        .cas_new = add->options->cas_new,
    };
    size_t total = pin->item.value.bytes + add->bytes;
    if (!cm_fits_limit(t->store, add->key, total, &options))
        return CM_TOO_LARGE;
    cmstore_writer *w = create(t, add->key, total, &options);
    if (!w)
        return CM_NO_MEMORY;
    w->joined = true;
    w->log = cm_arena_holder(&t->store->arena, pin->private_head)->log;
    w->stale = add->options->compare_cas && add->options->cas != pin->item.cas;
    enum cm_status status = CM_OK;
    if (add->options->mode == CMSTORE_PREPEND) {
        status = write_addition(t, w, add->writer, add->value);
    }
    if (!status)
        status = write_pinned(t, w, pin);
    if (!status && add->options->mode == CMSTORE_APPEND) {
        status = write_addition(t, w, add->writer, add->value);
    }
    return finish(t, w, status, add->stored);
}

/* Stores the addition alone where there is nothing to join it to. */
static enum cm_status join_to_nothing(cmstore_thread *t, const struct addition *add) {
    if (!add->options->vivify) {
        add->stored->outcome = add->options->compare_cas ? CMSTORE_MISS : CMSTORE_NOT_STORED;
        return CM_OK;
    }
    struct cmstore_store_options options = *add->options;
    options.mode = CMSTORE_ADD;
    options.expires = options.vivify_expires;
    cmstore_writer *w = create(t, add->key, add->bytes, &options);
    if (!w)
        return CM_NO_MEMORY;
    enum cm_status status = write_addition(t, w, add->writer, add->value);
    return finish(t, w, status, add->stored);
}

static bool cas_refuses(const struct cmstore_store_options *options, uint64_t cas) {
    return options->compare_cas && options->cas != cas &&
           !(options->accept_lower_cas && options->cas <= cas);
}

static enum cm_status join(cmstore_thread *t, const struct addition *add) {
    static const struct cmstore_get_options looking = {.look = true};
    for (;;) {
        struct cmstore_pin pin;
        enum cm_status status = cmstore_pin(t, add->key, &looking, &pin);
        if (status)
            return status;
        if (pin.item.outcome == CMSTORE_MISS) {
            status = join_to_nothing(t, add);
            bool raced = status == CM_OK && add->options->vivify &&
                         add->stored->outcome == CMSTORE_NOT_STORED;
            if (raced)
                continue;
            return status;
        }
        if (cas_refuses(add->options, pin.item.cas)) {
            add->stored->outcome = CMSTORE_EXISTS;
        } else {
            status = try_join(t, add, &pin);
        }
        cmstore_unpin(&pin);
        bool raced = status == CM_OK && !cas_refuses(add->options, pin.item.cas) &&
                     add->stored->outcome != CMSTORE_STORED;
        if (!raced)
            return status;
    }
}

enum cm_status cm_store_joined(cmstore_thread *t, const struct cmstore_key *key,
                               const struct cm_store_call *call) {
    struct addition add = {
        .key = key,
        .value = call->value,
        .bytes = call->value.bytes,
        .options = call->options,
        .stored = call->stored,
    };
    return join(t, &add);
}

enum cm_status cm_store_chained(cmstore_thread *t, const struct cmstore_key *key,
                                const struct cm_store_call *call) {
    cmstore_writer *w = create(t, key, call->value.bytes, call->options);
    if (!w)
        return CM_NO_MEMORY;
    w->log = call->log_chosen ? call->log : choose_log(t, key);
    enum cm_status status = write_extents(t, w, call->value.data, call->value.bytes);
    return finish(t, w, status, call->stored);
}

static enum cm_status commit_chained(cmstore_thread *t, cmstore_writer *w,
                                     struct cmstore_stored *stored) {
    if (!cm_is_join(&w->options))
        return link_head(t, w, stored);
    struct addition add = {
        .key = &w->key,
        .writer = w,
        .bytes = w->bytes,
        .options = &w->options,
        .stored = stored,
    };
    enum cm_status status = join(t, &add);
    let_go(w, true);
    return status;
}

void cmstore_write_change(cmstore_writer *writer, const struct cmstore_store_options *options) {
    const bool joins = cm_is_join(&writer->options);
    CM_CHECK(cm_is_join(options) == joins && (!joins || options->mode == writer->options.mode));
    writer->options = *options;
}

enum cm_status cmstore_write_commit(cmstore_thread *thread, cmstore_writer *writer,
                                    struct cmstore_stored *stored) {
    struct cmstore_stored unwanted;
    if (!stored)
        stored = &unwanted;
    *stored = (struct cmstore_stored){.outcome = CMSTORE_NOT_STORED};
    enum cm_status status = CM_INVALID;
    if (writer->written != writer->bytes) {
        let_go(writer, true);
    } else if (writer->buffer) {
        struct cmstore_value value = {writer->buffer, writer->bytes};
        status = cmstore_store(thread, &writer->key, value, &writer->options, stored);
    } else {
        status = commit_chained(thread, writer, stored);
    }
    destroy(writer);
    return status;
}

void cmstore_write_abort(cmstore_thread *thread, cmstore_writer *writer) {
    (void)thread;
    if (!writer)
        return;
    let_go(writer, true);
    destroy(writer);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/change.h"

/* What is written under a bucket's lock at most; more is prepared outside of it. */
#define LOCKED_BYTES_MAX ((size_t)32 << 10)

static const struct cmstore_store_options plain_set = {.mode = CMSTORE_SET};

static size_t header_bytes(const struct cmstore_store_options *options) {
    return CM_ITEM_BASE_BYTES + (options->client_flags ? 4u : 0) + (options->expires ? 4u : 0);
}

bool cm_fits_limit(const cmstore *s, const struct cmstore_key *key, size_t value_bytes,
                   const struct cmstore_store_options *options) {
    uint64_t fixed = header_bytes(options) + key->bytes;
    return value_bytes <= s->item_bytes_max && fixed + value_bytes <= s->item_bytes_max;
}

/* What the mode and the cas make of it; STORED: go on. */
static enum cmstore_outcome decide(const struct cm_call *call,
                                   const struct cmstore_store_options *options, bool *stale) {
    if (!call->hit) {
        if (options->mode == CMSTORE_ADD)
            return CMSTORE_STORED;
        if (cm_is_join(options) && options->vivify)
            return CMSTORE_STORED;
        if (options->compare_cas)
            return CMSTORE_MISS;
        return options->mode == CMSTORE_SET ? CMSTORE_STORED : CMSTORE_NOT_STORED;
    }
    if (options->mode == CMSTORE_ADD)
        return CMSTORE_NOT_STORED;
    if (!options->compare_cas)
        return CMSTORE_STORED;
    uint64_t cas = cm_item_cas(call->found.record, call->found.w0);
    if (cas == options->cas)
        return CMSTORE_STORED;
    if (!options->accept_lower_cas || options->cas > cas)
        return CMSTORE_EXISTS;
    *stale = true;
    return CMSTORE_STORED;
}

static struct cm_shape new_shape(const struct cm_call *call, const struct cm_store_call *w,
                                 bool stale) {
    const struct cmstore_store_options *o = w->options;
    struct cm_shape shape = {
        .key_bytes = call->key->bytes,
        .value_bytes = w->value_bytes,
        .client_flags = o->client_flags,
        .expires = cm_is_join(o) ? o->vivify_expires : o->expires,
        .extents = w->extent_count,
        .stale = stale,
    };
    if (stale || w->joined || (o->keep_expires && call->hit))
        shape.expires = cm_item_expires(call->found.record, call->found.w0);
    return shape;
}

/* append and prepend under the lock: both values are short and lie in one piece. */
static enum cm_status join(struct cm_call *call, struct cm_store_call *w, struct cm_put *put,
                           bool stale) {
    const cmstore *s = call->thread->store;
    const struct cm_found *found = &call->found;
    size_t own_bytes = cm_item_value_bytes(found->record, found->w0);
    size_t total = own_bytes + w->value_bytes;
    if (!cm_fits_limit(s, call->key, total, w->options))
        return CM_TOO_LARGE;
    w->join_it = (found->w0 & CM_W0_CHAIN) || w->extents || total > LOCKED_BYTES_MAX;
    if (w->join_it)
        return CM_TOO_LARGE;
    size_t at = cm_item_key_at(found->record, found->w0) + CM_W0_KEY(found->w0);
    struct cmstore_value own = {found->record + at, own_bytes};
    put->shape = cm_shape_of(found);
    put->shape.value_bytes = total;
    put->shape.stale = stale;
    put->shape.won = false;
    put->parts_are_own = true;
    bool append = w->options->mode == CMSTORE_APPEND;
    put->parts.first = append ? own : w->value;
    put->parts.second = append ? w->value : own;
    return CM_OK;
}

static enum cm_status store_locked(struct cm_call *call, struct cm_store_call *w) {
    bool stale = w->stale;
    if (w->log_chosen) {
        call->log_chosen = true;
        call->log = w->log;
    }
    w->stored->outcome = decide(call, w->options, &stale);
    w->stored->cas = 0;
    if (w->stored->outcome != CMSTORE_STORED) {
        if (w->stored->outcome == CMSTORE_NOT_STORED && call->hit)
            cm_item_note_interest(call->found.record, cm_now(call->thread->store));
        return CM_OK;
    }
    struct cm_put put = {.parts.first = w->value, .extents = w->extents};
    put.shape = new_shape(call, w, stale);
    if (call->hit && cm_is_join(w->options)) {
        enum cm_status status = join(call, w, &put, stale);
        if (status)
            return status;
    }
    put.shape.cas = cm_new_cas(call, w->options->cas_new);
    enum cm_status status = cm_put_locked(call, &put);
    w->chain_it = status == CM_TOO_LARGE;
    w->log_chosen = w->chain_it; /* once: the ghost forgets whom it let in */
    w->log = call->log;
    w->join_it = w->chain_it && put.parts_are_own;
    if (status)
        return status;
    w->stored->cas = put.shape.cas;
    w->stored->item_bytes = (uint32_t)cm_item_bytes_all(call->found.record, call->found.w0);
    w->stored->value_bytes = put.shape.value_bytes;
    cm_tally_add(call->thread, CM_TALLY_ITEMS_TOTAL, 1);
    return CM_OK;
}

/* Pinned before it is replaced: a pinned value is not written over. */
enum cm_status cm_store_locked(struct cm_call *call, void *context) {
    struct cm_store_call *w = context;
    struct cmstore_pin *old = w->options->old;
    if (CM_LIKELY(old == NULL))
        return store_locked(call, w);
    cm_pin_old(call, old);
    enum cm_status status = store_locked(call, w);
    if (status)
        cmstore_unpin(old); /* it is done again, or refused */
    return status;
}

enum cm_status cmstore_store(cmstore_thread *thread, const struct cmstore_key *key,
                             struct cmstore_value value,
                             const struct cmstore_store_options *options,
                             struct cmstore_stored *stored) {
    struct cmstore_stored unwanted;
    if (!options)
        options = &plain_set;
    if (!stored)
        stored = &unwanted;
    *stored = (struct cmstore_stored){.outcome = CMSTORE_NOT_STORED};
    if (!cm_fits_limit(thread->store, key, value.bytes, options))
        return CM_TOO_LARGE;
    struct cm_store_call w = {
        .value = value, .options = options, .value_bytes = value.bytes, .stored = stored};
    if (value.bytes > LOCKED_BYTES_MAX) {
        w.join_it = cm_is_join(options);
        w.chain_it = true;
    } else {
        enum cm_status status = cm_call_run(thread, key, cm_store_locked, &w);
        if (status != CM_TOO_LARGE)
            return status;
    }
    if (w.join_it)
        return cm_store_joined(thread, key, &w);
    return w.chain_it ? cm_store_chained(thread, key, &w) : CM_TOO_LARGE;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "store/change.h"

#include <string.h>

#define DIGITS_MAX 20u /* of a 64-bit number, its sign included */

/* ---- delete ---- */

struct delete_call {
    const struct cmstore_delete_options *options;
    struct cmstore_item *item;
};

/* Keeps the item, marked stale or emptied. */
static enum cm_status delete_softly(struct cm_call *call, const struct delete_call *d) {
    const struct cmstore_delete_options *o = d->options;
    struct cm_put put = {.shape = cm_shape_of(&call->found), .keep_value = !o->clear_value};
    put.shape.cas = cm_new_cas(call, o->cas_new);
    if (o->mark_stale) {
        put.shape.stale = true;
        put.shape.won = false;
        if (o->set_expires)
            put.shape.expires = o->expires;
    }
    if (o->clear_value) {
        put.shape.value_bytes = 0;
        put.shape.client_flags = 0;
        put.shape.extents = 0;
    }
    enum cm_status status = cm_put_locked(call, &put);
    if (status == CM_OK)
        d->item->cas = put.shape.cas;
    return status;
}

static enum cm_status delete_locked(struct cm_call *call, void *context) {
    struct delete_call *d = context;
    *d->item = (struct cmstore_item){
        .outcome = CMSTORE_MISS, .expired = call->expired, .flushed = call->flushed};
    if (d->options->old)
        *d->options->old = (struct cmstore_pin){.item.outcome = CMSTORE_MISS};
    if (!call->hit)
        return CM_OK;
    cm_describe(call->thread->store, &call->found, d->item);
    d->item->value.data = NULL;
    if (d->options->compare_cas && d->options->cas != d->item->cas) {
        d->item->outcome = CMSTORE_EXISTS;
        return CM_OK;
    }
    if (d->options->mark_stale || d->options->clear_value)
        return delete_softly(call, d);
    if (d->options->old)
        cm_pin_old(call, d->options->old);
    cm_note_gone(call->thread->store, &call->found, call->key->hash, CMSTORE_DELETED);
    cm_drop_locked(call->thread, call->bucket, &call->found);
    return CM_OK;
}

enum cm_status cmstore_delete(cmstore_thread *thread, const struct cmstore_key *key,
                              const struct cmstore_delete_options *options,
                              struct cmstore_item *item) {
    static const struct cmstore_delete_options plainly = {.compare_cas = false};
    struct cmstore_item unwanted;
    struct delete_call d = {options ? options : &plainly, item ? item : &unwanted};
    return cm_call_run(thread, key, delete_locked, &d);
}

/* ---- touch ---- */

struct touch_call {
    uint32_t expires;
    struct cmstore_item *item;
};

static enum cm_status touch_locked(struct cm_call *call, void *context) {
    struct touch_call *touch = context;
    *touch->item = (struct cmstore_item){
        .outcome = CMSTORE_MISS, .expired = call->expired, .flushed = call->flushed};
    if (!call->hit)
        return CM_OK;
    cm_describe(call->thread->store, &call->found, touch->item);
    touch->item->value.data = NULL;
    touch->item->expires = touch->expires;
    struct cm_put put = {.shape = cm_shape_of(&call->found), .keep_value = true};
    put.shape.expires = touch->expires;
    enum cm_status status = cm_put_locked(call, &put);
    if (status == CM_OK) {
        cm_item_note_access(call->found.record, cm_now(call->thread->store));
    }
    return status;
}

enum cm_status cmstore_touch(cmstore_thread *thread, const struct cmstore_key *key,
                             uint32_t expires, struct cmstore_item *item) {
    struct cmstore_item unwanted;
    struct touch_call touch = {expires, item ? item : &unwanted};
    return cm_call_run(thread, key, touch_locked, &touch);
}

/* ---- incr and decr ---- */

struct arith_call {
    const struct cmstore_arith_options *options;
    struct cmstore_number *number;
};

static bool is_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As strtoull() reads it: white space, digits, then the end or white space. */
static bool parse_number(const unsigned char *text, size_t bytes, uint64_t *number) {
    size_t i = 0;
    while (i < bytes && is_space(text[i]))
        i++;
    size_t first = i;
    uint64_t n = 0;
    for (; i < bytes && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = n;
    return i > first && (i == bytes || is_space(text[i]));
}

/* Without spaces before, zeros before or a sign on zero; spaces behind are what memcached's decr
 * leaves. */
static bool parse_signed(const unsigned char *text, size_t bytes, uint64_t *number) {
    while (bytes > 0 && text[bytes - 1] == ' ')
        bytes--;
    size_t first = bytes > 0 && text[0] == '-' ? 1 : 0;
    bool plain = bytes > first && text[first] != '0' && !is_space(text[first]);
    int64_t n = 0;
    if (!plain && !(bytes == 1 && text[0] == '0'))
        return false;
    if (!cm_num_i64(cm_slice(text, bytes), &n))
        return false;
    *number = (uint64_t)n;
    return true;
}

static size_t format_number(const struct cmstore_arith_options *options, uint64_t n, char *text) {
    return options->is_signed ? cm_num_format_i64(text, (int64_t)n) : cm_num_format_u64(text, n);
}

/* False: the result does not fit. */
static bool apply_signed(const struct cmstore_arith_options *options, uint64_t *n) {
    int64_t result = 0;
    const int64_t before = (int64_t)*n;
    const int64_t delta = (int64_t)options->delta;
    const bool overflows = options->decrement ? __builtin_sub_overflow(before, delta, &result)
                                              : __builtin_add_overflow(before, delta, &result);
    *n = (uint64_t)result;
    return !overflows;
}

static bool apply(const struct cmstore_arith_options *options, uint64_t *n) {
    if (options->is_signed)
        return apply_signed(options, n);
    if (!options->decrement) {
        *n += options->delta;
    } else {
        *n = options->delta > *n ? 0 : *n - options->delta;
    }
    return true;
}

static enum cm_status create_number(struct cm_call *call, struct arith_call *a) {
    const struct cmstore_arith_options *o = a->options;
    if (!o->vivify)
        return CM_OK;
    char text[DIGITS_MAX];
    size_t bytes = format_number(o, o->initial, text);
    struct cm_put put = {.parts.first = {text, bytes}};
    put.shape = (struct cm_shape){
        .key_bytes = call->key->bytes, .value_bytes = bytes, .expires = o->vivify_expires};
    put.shape.cas = cm_new_cas(call, o->cas_new);
    enum cm_status status = cm_put_locked(call, &put);
    if (status)
        return status;
    cm_describe(call->thread->store, &call->found, &a->number->item);
    a->number->item.outcome = CMSTORE_STORED;
    a->number->item.value.data = NULL;
    a->number->value = o->initial;
    cm_tally_add(call->thread, CM_TALLY_ITEMS_TOTAL, 1);
    return CM_OK;
}

static enum cm_status change_number(struct cm_call *call, struct arith_call *a) {
    const struct cmstore_arith_options *o = a->options;
    struct cmstore_item *item = &a->number->item;
    uint64_t n;
    bool (*parse)(const unsigned char *, size_t, uint64_t *) =
        o->is_signed ? parse_signed : parse_number;
    bool numeric = item->value.data && item->value.bytes <= DIGITS_MAX &&
                   parse(item->value.data, item->value.bytes, &n);
    if (!numeric)
        return CM_NOT_NUMERIC;
    if (!apply(o, &n))
        return CM_OVERFLOW;
    char text[DIGITS_MAX];
    size_t bytes = format_number(o, n, text);
    for (; bytes < item->value.bytes && !o->is_signed; bytes++)
        text[bytes] = ' '; /* never shorter */
    struct cm_put put = {.shape = cm_shape_of(&call->found), .parts.first = {text, bytes}};
    put.shape.value_bytes = bytes;
    put.shape.cas = cm_new_cas(call, o->cas_new);
    if (o->set_expires)
        put.shape.expires = o->expires;
    enum cm_status status = cm_put_locked(call, &put);
    if (status)
        return status;
    item->cas = put.shape.cas;
    item->expires = put.shape.expires;
    item->value = (struct cmstore_value){NULL, bytes};
    if (item->fetched)
        cm_item_note_access(call->found.record, cm_now(call->thread->store));
    a->number->value = n;
    return CM_OK;
}

static enum cm_status arith_locked(struct cm_call *call, void *context) {
    struct arith_call *a = context;
    struct cmstore_item *item = &a->number->item;
    *a->number = (struct cmstore_number){.item.outcome = CMSTORE_MISS};
    item->expired = call->expired;
    item->flushed = call->flushed;
    if (!call->hit)
        return create_number(call, a);
    cm_describe(call->thread->store, &call->found, item);
    if (a->options->compare_cas && a->options->cas != item->cas) {
        item->outcome = CMSTORE_EXISTS;
        item->value.data = NULL;
        return CM_OK;
    }
    return change_number(call, a);
}

enum cm_status cmstore_arith(cmstore_thread *thread, const struct cmstore_key *key,
                             const struct cmstore_arith_options *options,
                             struct cmstore_number *number) {
    struct arith_call a = {options, number};
    return cm_call_run(thread, key, arith_locked, &a);
}

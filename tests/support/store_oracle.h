/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_STORE_ORACLE_H
#define CM_TESTS_SUPPORT_STORE_ORACLE_H

/* The naive oracle that always tells the truth about one item: what include/cacheman/store.h
 * promises, written down once more in the most simple-minded way. It knows nothing of segments,
 * buckets or policies and never forgets; whether the store may have is for the caller to say. */

#include <cacheman/store.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORACLE_DIGITS_MAX 20

struct oracle_item {
    bool present;
    bool stale, won;
    bool fetched, fetched_known;
    uint32_t flags, expires;
    uint64_t cas;
    unsigned char *value; /* owned; NULL if empty */
    size_t bytes;
    enum cmstore_reason gone; /* why it went the last time it was there */
    bool gone_had_expiry;
    unsigned gone_before; /* a bit for each reason it may ever have gone for before */
};

/* What a call answers, or is expected to. */
struct answer {
    enum cm_status status;
    enum cmstore_outcome outcome;
    bool described;  /* the fields from here on count */
    bool cas_is_new; /* expected only: any cas that no item has had */
    uint64_t cas;
    uint32_t flags, expires, expires_old;
    bool stale, won, win_sent;
    bool fetched, fetched_known;
    bool has_value;
    unsigned char *value; /* borrowed */
    size_t bytes;
    bool has_number;
    uint64_t number;
};

struct oracle {
    uint32_t now;
    uint64_t item_bytes_max;
    size_t key_bytes; /* of the key in question */
};

static inline bool oracle_is_expired(const struct oracle *o, const struct oracle_item *item) {
    return item->present && item->expires != 0 && item->expires <= o->now;
}

static inline bool oracle_is_live(const struct oracle *o, const struct oracle_item *item) {
    return item->present && !oracle_is_expired(o, item);
}

static inline void oracle_set_value(struct oracle_item *item, const void *value, size_t bytes) {
    unsigned char *copy = bytes ? malloc(bytes) : NULL;
    if (bytes && !copy)
        abort();
    if (bytes)
        memcpy(copy, value, bytes);
    free(item->value);
    item->value = copy;
    item->bytes = bytes;
}

/* Why it may have gone the last time, a bit a reason: what was flushed may also have expired, before
 * or since. */
static inline unsigned oracle_reasons(const struct oracle_item *item) {
    bool may_have_expired = item->gone == CMSTORE_FLUSHED && item->gone_had_expiry;
    return 1u << item->gone | (may_have_expired ? 1u << CMSTORE_EXPIRED : 0);
}

static inline void oracle_forget(struct oracle_item *item, enum cmstore_reason reason) {
    free(item->value);
    *item = (struct oracle_item){
        .gone = item->present ? reason : item->gone,
        .gone_had_expiry = item->present ? item->expires != 0 : item->gone_had_expiry,
        .gone_before = item->gone_before | oracle_reasons(item),
    };
}

/* Whether that may be why it has gone. Where items may be evicted, what was seen to expire or flushed
 * may have been evicted before, and what was never there be taken for a ghost; and a memory that has
 * shrunk may have taken an older reason for the newest of one second. */
static inline bool oracle_may_have_gone(const struct oracle_item *item, enum cmstore_reason reason,
                                        bool evicts, bool shrank) {
    bool flushed = item->gone == CMSTORE_FLUSHED, expired = item->gone == CMSTORE_EXPIRED;
    if (oracle_reasons(item) >> reason & 1)
        return true;
    if (reason == CMSTORE_EVICTED && evicts &&
        (flushed || expired || item->gone == CMSTORE_UNKNOWN))
        return true;
    return shrank && reason != CMSTORE_UNKNOWN && (item->gone_before >> reason & 1);
}

static inline struct oracle_item oracle_clone(const struct oracle_item *item) {
    struct oracle_item clone = *item;
    clone.value = NULL;
    clone.bytes = 0;
    oracle_set_value(&clone, item->value, item->bytes);
    return clone;
}

static inline void oracle_describe(const struct oracle_item *item, struct answer *answer) {
    answer->described = true;
    answer->cas = item->cas;
    answer->flags = item->flags;
    answer->expires = answer->expires_old = item->expires;
    answer->stale = item->stale;
    answer->win_sent = item->won;
    answer->fetched = item->fetched;
    answer->fetched_known = item->fetched_known;
}

/* The cas after a change. */
static inline void oracle_new_cas(struct oracle_item *item, uint64_t cas_new,
                                  struct answer *answer) {
    item->cas = cas_new;
    answer->cas = cas_new;
    answer->cas_is_new = cas_new == 0;
}

static inline bool oracle_fits(const struct oracle *o, size_t bytes, uint32_t flags,
                               uint32_t expires) {
    uint64_t header = 12u + (flags ? 4u : 0u) + (expires ? 4u : 0u);
    return header + o->key_bytes + bytes <= o->item_bytes_max;
}

/* ---- reading ---- */

static inline struct answer oracle_get(const struct oracle *o, struct oracle_item *item,
                                       const struct cmstore_get_options *options) {
    struct answer a = {.outcome = CMSTORE_MISS};
    if (!oracle_is_live(o, item)) {
        oracle_forget(item, CMSTORE_EXPIRED);
        if (!options->vivify)
            return a;
        item->present = item->won = item->fetched_known = true;
        item->expires = options->vivify_expires;
        oracle_describe(item, &a);
        oracle_new_cas(item, options->vivify_cas, &a);
        a.outcome = CMSTORE_STORED;
        a.won = true;
        a.win_sent = false;
        a.fetched_known = false;
        a.has_value = true;
        return a;
    }
    a.outcome = CMSTORE_HIT;
    oracle_describe(item, &a);
    bool soon = options->recache && item->expires && item->expires - o->now < options->recache_s;
    a.won = (item->stale || soon) && !item->won && !options->look;
    if (a.won)
        item->won = true;
    if (options->set_expires)
        a.expires = item->expires = options->expires;
    if (!options->quiet && !options->look)
        item->fetched = item->fetched_known = true;
    a.has_value = true;
    a.value = item->value;
    a.bytes = item->bytes;
    return a;
}

/* ---- storing ---- */

static inline bool oracle_is_join(const struct cmstore_store_options *options) {
    return options->mode == CMSTORE_APPEND || options->mode == CMSTORE_PREPEND;
}

static inline enum cmstore_outcome oracle_decide(const struct oracle *o,
                                                 const struct oracle_item *item,
                                                 const struct cmstore_store_options *options,
                                                 bool *stale) {
    *stale = false;
    if (!oracle_is_live(o, item)) {
        bool creates = options->mode == CMSTORE_ADD || options->mode == CMSTORE_SET ||
                       (oracle_is_join(options) && options->vivify);
        if (options->compare_cas && options->mode != CMSTORE_ADD)
            return CMSTORE_MISS;
        return creates ? CMSTORE_STORED : CMSTORE_NOT_STORED;
    }
    if (options->mode == CMSTORE_ADD)
        return CMSTORE_NOT_STORED;
    if (!options->compare_cas || options->cas == item->cas)
        return CMSTORE_STORED;
    *stale = options->accept_lower_cas && options->cas < item->cas;
    return *stale ? CMSTORE_STORED : CMSTORE_EXISTS;
}

static inline void oracle_join(struct oracle_item *item, struct cmstore_value value, bool append) {
    size_t total = item->bytes + value.bytes;
    unsigned char *joined = malloc(total + 1);
    if (!joined)
        abort();
    if (item->bytes)
        memcpy(joined + (append ? 0 : value.bytes), item->value, item->bytes);
    if (value.bytes)
        memcpy(joined + (append ? item->bytes : 0), value.data, value.bytes);
    oracle_set_value(item, joined, total);
    free(joined);
}

static inline struct answer oracle_store(const struct oracle *o, struct oracle_item *item,
                                         struct cmstore_value value,
                                         const struct cmstore_store_options *options) {
    struct answer a = {.status = CM_TOO_LARGE, .outcome = CMSTORE_NOT_STORED};
    bool join = oracle_is_join(options), was_live = oracle_is_live(o, item), stale;
    if (!oracle_fits(o, value.bytes, options->client_flags, options->expires))
        return a;
    a.outcome = oracle_decide(o, item, options, &stale);
    if (a.outcome == CMSTORE_STORED && join && was_live &&
        !oracle_fits(o, item->bytes + value.bytes, options->client_flags, options->expires))
        return (struct answer){.status = CM_TOO_LARGE};
    a.status = CM_OK;
    if (!was_live)
        oracle_forget(item, CMSTORE_EXPIRED);
    if (a.outcome != CMSTORE_STORED)
        return a;
    if (join && was_live) {
        oracle_join(item, value, options->mode == CMSTORE_APPEND);
    } else {
        oracle_set_value(item, value.data, value.bytes);
        item->flags = options->client_flags;
        if (!stale && !(options->keep_expires && was_live))
            item->expires = join ? options->vivify_expires : options->expires;
    }
    item->present = item->fetched_known = true;
    item->fetched = item->won = false;
    item->stale = stale;
    oracle_new_cas(item, options->cas_new, &a);
    return a;
}

/* ---- the rest ---- */

static inline struct answer oracle_delete(const struct oracle *o, struct oracle_item *item,
                                          const struct cmstore_delete_options *options) {
    struct answer a = {.outcome = CMSTORE_MISS};
    if (!oracle_is_live(o, item)) {
        oracle_forget(item, CMSTORE_EXPIRED);
        return a;
    }
    oracle_describe(item, &a);
    a.outcome = CMSTORE_HIT;
    if (options->compare_cas && options->cas != item->cas) {
        a.outcome = CMSTORE_EXISTS;
        return a;
    }
    if (!options->mark_stale && !options->clear_value) {
        oracle_forget(item, CMSTORE_DELETED);
        return a;
    }
    item->fetched_known = false;
    oracle_new_cas(item, options->cas_new, &a);
    if (options->mark_stale) {
        item->stale = true;
        item->won = false;
        if (options->set_expires)
            item->expires = options->expires;
    }
    if (options->clear_value) {
        oracle_set_value(item, NULL, 0);
        item->flags = 0;
    }
    a.expires = a.expires_old; /* as it was found */
    return a;
}

static inline size_t oracle_print(uint64_t number, char *text) {
    char reversed[ORACLE_DIGITS_MAX];
    size_t digits = 0;
    for (; digits == 0 || number; number /= 10)
        reversed[digits++] = (char)('0' + number % 10);
    for (size_t i = 0; i < digits; i++)
        text[i] = reversed[digits - 1 - i];
    return digits;
}

/* White space, digits, then white space and whatever, at most as long as a number can be. */
static inline bool oracle_parse(const unsigned char *text, size_t bytes, uint64_t *number) {
    size_t at = 0;
    if (bytes > ORACLE_DIGITS_MAX)
        return false;
    while (at < bytes && (text[at] == ' ' || (text[at] >= 9 && text[at] <= 13)))
        at++;
    size_t first = at;
    for (*number = 0; at < bytes && text[at] >= '0' && text[at] <= '9'; at++) {
        uint64_t digit = (uint64_t)(text[at] - '0');
        if (*number > UINT64_MAX / 10 || *number * 10 > UINT64_MAX - digit)
            return false;
        *number = *number * 10 + digit;
    }
    return at > first && (at == bytes || text[at] == ' ' || (text[at] >= 9 && text[at] <= 13));
}

/* A text that is exactly what its number is written as, but for spaces behind. */
static inline bool oracle_parse_signed(const unsigned char *text, size_t bytes, int64_t *number) {
    char copy[ORACLE_DIGITS_MAX + 1] = "", again[ORACLE_DIGITS_MAX + 2];
    if (bytes > ORACLE_DIGITS_MAX)
        return false;
    if (bytes)
        memcpy(copy, text, bytes);
    while (bytes && copy[bytes - 1] == ' ')
        copy[--bytes] = '\0';
    *number = strtoll(copy, NULL, 10);
    snprintf(again, sizeof again, "%" PRId64, *number);
    return strlen(again) == bytes && memcmp(copy, again, bytes) == 0;
}

static inline void oracle_set_signed(struct oracle_item *item, int64_t number) {
    char text[ORACLE_DIGITS_MAX + 2];
    snprintf(text, sizeof text, "%" PRId64, number);
    oracle_set_value(item, text, strlen(text));
}

/* False: *status is why not. */
static inline bool oracle_count_signed(struct oracle_item *item,
                                       const struct cmstore_arith_options *options, int64_t *number,
                                       enum cm_status *status) {
    __extension__ __int128 sum = (int64_t)options->delta;
    *status = CM_NOT_NUMERIC;
    if (!oracle_parse_signed(item->value, item->bytes, number))
        return false;
    sum = options->decrement ? *number - sum : *number + sum;
    *status = CM_OVERFLOW;
    if (sum < INT64_MIN || sum > INT64_MAX)
        return false;
    *number = (int64_t)sum;
    oracle_set_signed(item, *number);
    return true;
}

/* False: *status is why not. */
static inline bool oracle_count(struct oracle_item *item,
                                const struct cmstore_arith_options *options, uint64_t *number,
                                enum cm_status *status) {
    char text[ORACLE_DIGITS_MAX];
    int64_t result;
    if (options->is_signed) {
        bool counted = oracle_count_signed(item, options, &result, status);
        *number = (uint64_t)result;
        return counted;
    }
    *status = CM_NOT_NUMERIC;
    if (!oracle_parse(item->value, item->bytes, number))
        return false;
    if (!options->decrement)
        *number += options->delta;
    else
        *number = *number < options->delta ? 0 : *number - options->delta;
    size_t digits = oracle_print(*number, text), was = item->bytes;
    for (; digits < was; digits++)
        text[digits] = ' ';
    oracle_set_value(item, text, digits);
    return true;
}

static inline struct answer oracle_arith(const struct oracle *o, struct oracle_item *item,
                                         const struct cmstore_arith_options *options) {
    struct answer a = {.outcome = CMSTORE_MISS};
    char text[ORACLE_DIGITS_MAX];
    enum cm_status status;
    uint64_t number;
    if (!oracle_is_live(o, item)) {
        oracle_forget(item, CMSTORE_EXPIRED);
        if (!options->vivify)
            return a;
        item->present = true;
        item->expires = options->vivify_expires;
        if (options->is_signed)
            oracle_set_signed(item, (int64_t)options->initial);
        else
            oracle_set_value(item, text, oracle_print(options->initial, text));
        oracle_describe(item, &a);
        a.fetched_known = false;
        a.outcome = CMSTORE_STORED;
        a.has_number = true;
        a.number = options->initial;
        oracle_new_cas(item, options->cas_new, &a);
        return a;
    }
    oracle_describe(item, &a);
    a.outcome = CMSTORE_HIT;
    if (options->compare_cas && options->cas != item->cas) {
        a.outcome = CMSTORE_EXISTS;
        return a;
    }
    if (!oracle_count(item, options, &number, &status))
        return (struct answer){.status = status};
    if (options->set_expires)
        a.expires = item->expires = options->expires;
    item->fetched_known = false;
    a.has_number = true;
    a.number = number;
    oracle_new_cas(item, options->cas_new, &a);
    return a;
}

static inline struct answer oracle_touch(const struct oracle *o, struct oracle_item *item,
                                         uint32_t expires) {
    struct answer a = {.outcome = CMSTORE_MISS};
    if (!oracle_is_live(o, item)) {
        oracle_forget(item, CMSTORE_EXPIRED);
        return a;
    }
    oracle_describe(item, &a);
    a.outcome = CMSTORE_HIT;
    a.expires = item->expires = expires;
    item->fetched_known = false;
    return a;
}

#endif

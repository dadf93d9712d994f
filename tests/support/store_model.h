/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_STORE_MODEL_H
#define CM_TESTS_SUPPORT_STORE_MODEL_H

/* A store and the oracle side by side. Operations are eight bytes each, whatever the bytes are, so
 * that a random generator, a shrinker and a fuzzer can all make them. A difference aborts. */

#include "store_model_keys.h"
#include "store_oracle.h"

#include <inttypes.h>
#include <stdio.h>

#define MODEL_KEYS    96u
#define MODEL_PINS    3u
#define MODEL_WRITERS 2u
#define MODEL_SLACK   16u /* bytes about the limit where append may go either way */

/* The headers and the rounding of a chained value's extents are at most so much of it. */
#define MODEL_EXTENT_SHARE 64u

enum model_mode {
    MODEL_ROOMY,    /* everything fits: a miss of a live key is an error */
    MODEL_TIGHT,    /* a miss is allowed, a refusal is not */
    MODEL_REFUSING, /* no_evict: a refusal is allowed, a miss is not */
    MODEL_MODES
};

struct model_config {
    const char *policy;
    enum model_mode mode;
    bool background;
};

enum model_kind {
    MODEL_READ,
    MODEL_STORE,
    MODEL_DELETE,
    MODEL_ARITH,
    MODEL_TOUCH,
    MODEL_UNPIN,
    MODEL_WRITE_BEGIN,
    MODEL_WRITE,
    MODEL_WRITE_COMMIT,
    MODEL_WRITE_ABORT,
    MODEL_FLUSH,
    MODEL_CLOCK,
    MODEL_SCAN,
    MODEL_RESIZE,
    MODEL_POLICY,
    MODEL_CHARGE,
    MODEL_BATCH,
    MODEL_CHECK,
    MODEL_KINDS
};

struct model_op {
    uint8_t kind; /* through model_kind_of() */
    uint8_t key;
    uint16_t how;
    uint32_t much;
};

struct model_pin {
    struct cmstore_pin pin;
    bool held;
    unsigned char *value;
    size_t bytes;
};

struct model_writer {
    cmstore_writer *writer;
    unsigned id;
    struct cmstore_store_options options;
    unsigned char *value;
    size_t bytes, written;
};

struct model {
    struct model_config config;
    cmstore *store;
    cmstore_thread *thread;
    bool in_batch;
    struct oracle oracle;
    uint32_t flush_at;
    uint64_t limit, least, cas_high;
    bool resized; /* ever */
    int64_t charged;
    struct oracle_item items[MODEL_KEYS];
    struct model_pin pins[MODEL_PINS];
    struct model_writer writers[MODEL_WRITERS];
    unsigned char *buffer; /* of item_bytes_max */
    unsigned long step;
    struct model_op op;
    unsigned seen[MODEL_KEYS]; /* by a scan */
};

/* ---- operations ---- */

static inline enum model_kind model_kind_of(struct model_op op) {
    static const uint8_t weights[MODEL_KINDS] = {60, 60, 14, 14, 10, 4, 6, 12, 6,
                                                 2,  1,  6,  2,  3,  1, 2, 4,  1};
    unsigned at = op.kind % 208u;
    for (unsigned kind = 0; kind < MODEL_KINDS; kind++) {
        if (at < weights[kind])
            return (enum model_kind)kind;
        at -= weights[kind];
    }
    return MODEL_CHECK;
}

static inline const char *model_kind_name(enum model_kind kind) {
    static const char *const names[MODEL_KINDS] = {
        "read",  "store", "delete", "arith", "touch",  "unpin",  "write_begin", "write", "commit",
        "abort", "flush", "clock",  "scan",  "resize", "policy", "charge",      "batch", "check"};
    return names[kind];
}

static inline void model_print(FILE *out, struct model_op op) {
    fprintf(out, "%02x%02x%04x%08x  %-11s key %-3u how %04x much %u\n", op.kind, op.key, op.how,
            op.much, model_kind_name(model_kind_of(op)), op.key % MODEL_KEYS, op.how, op.much);
}

_Noreturn static inline void model_fail(const struct model *m, const char *why, uint64_t expected,
                                        uint64_t found) {
    fprintf(stderr, "step %lu: %s: expected %" PRIu64 ", found %" PRIu64 "; policy %s mode %d\n  ",
            m->step, why, expected, found, m->config.policy, (int)m->config.mode);
    model_print(stderr, m->op);
    abort();
}

static inline void model_require(const struct model *m, bool holds, const char *why) {
    if (!holds)
        model_fail(m, why, 1, 0);
}

static inline size_t model_value_bytes(const struct model *m, uint32_t much) {
    uint32_t x = much / 16;
    uint64_t most = m->oracle.item_bytes_max;
    switch (much % 16) {
    case 0:
        return 0;
    case 9:
    case 10:
    case 11:
        return x % 600;
    case 12:
    case 13:
        return x % 5000;
    case 14:
        return x % (most < 40000 ? most : 40000);
    case 15:
        if (x % 4 == 0) /* about the limit */
            return (size_t)(most - 300 + x / 4 % 310);
        return x % (x % 4 == 1 ? most : most / 6);
    default:
        return x % 64;
    }
}

/* A value for the key; numbers for some. The caller frees it. */
static inline struct cmstore_value model_value(const struct model *m, uint8_t *number) {
    size_t bytes = model_value_bytes(m, m->op.much);
    unsigned char *data = malloc(bytes + ORACLE_DIGITS_MAX + 4);
    if (!data)
        abort();
    *number = m->op.much % 16 >= 6 && m->op.much % 16 <= 8;
    model_fill(data, bytes, m->op.key * UINT64_C(1000000007) + m->step * 8);
    if (*number) {
        uint64_t n = model_mix(m->op.much) >> (m->op.much / 16 % 64);
        bytes = oracle_print(n, (char *)data);
        for (unsigned spaces = m->op.much / 1024 % 4; spaces; spaces--)
            data[bytes++] = ' ';
    }
    return (struct cmstore_value){data, bytes};
}

static inline uint32_t model_expires(const struct model *m, unsigned choice) {
    switch (choice % 8) {
    case 4:
        return m->oracle.now + 1;
    case 5:
        return m->oracle.now + 3;
    case 6:
        return m->oracle.now; /* has passed */
    case 7:
        return m->oracle.now + 1000;
    default:
        return 0;
    }
}

static inline uint64_t model_cas_new(const struct model *m, unsigned choice) {
    if (choice % 16 == 14)
        return 1 + model_mix(m->op.much) % 1000000;
    if (choice % 16 == 15)
        return (UINT64_C(1) << 39) + model_mix(m->op.much) % (UINT64_C(1) << 60);
    return 0;
}

/* A cas to compare with: half of the time the right one. */
static inline bool model_compare(const struct oracle_item *item, unsigned choice, uint64_t *cas) {
    *cas = item->cas + (choice % 16 == 13) - (choice % 16 == 14 && item->cas > 0);
    return choice % 16 >= 11;
}

/* ---- one request, asked of both ---- */

struct model_request {
    enum model_kind kind;
    unsigned id;
    struct cmstore_key key;
    struct cmstore_get_options get;
    struct cmstore_store_options store;
    struct cmstore_delete_options delete;
    struct cmstore_arith_options arith;
    uint32_t expires;
    struct cmstore_value value;
    unsigned form; /* of reading */
};

static inline struct answer model_ask_oracle(const struct oracle *o, struct oracle_item *item,
                                             const struct model_request *r) {
    switch (r->kind) {
    case MODEL_READ:
        return oracle_get(o, item, &r->get);
    case MODEL_STORE:
        return oracle_store(o, item, r->value, &r->store);
    case MODEL_DELETE:
        return oracle_delete(o, item, &r->delete);
    case MODEL_ARITH:
        return oracle_arith(o, item, &r->arith);
    default:
        return oracle_touch(o, item, r->expires);
    }
}

static inline struct answer model_answer(enum cm_status status, const struct cmstore_item *item) {
    return (struct answer){
        .status = status,
        .outcome = item->outcome,
        .described = item->outcome != CMSTORE_MISS,
        .cas = item->cas,
        .flags = item->client_flags,
        .expires = item->expires,
        .expires_old = item->expires_old,
        .stale = item->stale,
        .won = item->won,
        .win_sent = item->win_sent,
        .fetched = item->fetched,
        .bytes = item->value.bytes,
    };
}

static inline void model_copy_pinned(const struct cmstore_pin *pin, unsigned char *to) {
    size_t at = 0;
    for (;;) {
        struct cmstore_value part = cmstore_pin_part(pin, at);
        if (part.bytes == 0)
            break;
        memcpy(to + at, part.data, part.bytes);
        at += part.bytes;
    }
    if (at != pin->item.value.bytes)
        abort();
}

static inline void model_release(struct model *m, struct model_pin *held) {
    if (!held->held)
        return;
    model_copy_pinned(&held->pin, m->buffer);
    model_require(m, memcmp(m->buffer, held->value, held->bytes) == 0, "a pinned value changed");
    cmstore_unpin(&held->pin);
    free(held->value);
    *held = (struct model_pin){.held = false};
}

static inline struct answer model_read_pinned(struct model *m, const struct model_request *r,
                                              bool hold) {
    struct cmstore_pin pin;
    enum cm_status status = cmstore_pin(m->thread, &r->key, &r->get, &pin);
    struct answer a = model_answer(status, &pin.item);
    if (status || pin.item.outcome == CMSTORE_MISS)
        return a;
    model_copy_pinned(&pin, m->buffer);
    a.has_value = true;
    a.value = m->buffer;
    if (!hold) {
        cmstore_unpin(&pin);
        return a;
    }
    struct model_pin *held = &m->pins[m->op.much % MODEL_PINS];
    *held = (struct model_pin){.held = true, .pin = pin, .bytes = a.bytes};
    held->value = malloc(a.bytes + 1);
    if (!held->value)
        abort();
    memcpy(held->value, m->buffer, a.bytes);
    return a;
}

static inline struct answer model_read_copied(struct model *m, const struct model_request *r,
                                              size_t room) {
    struct cmstore_item item;
    enum cm_status status = cmstore_get(m->thread, &r->key, &r->get, m->buffer, room, &item);
    if (status == CM_BUFFER_TOO_SMALL) {
        model_require(m, item.value.bytes > room, "the buffer was not too small");
        return model_answer(CM_OK, &item);
    }
    struct answer a = model_answer(status, &item);
    a.has_value = status == CM_OK && item.outcome != CMSTORE_MISS;
    a.value = m->buffer;
    return a;
}

static inline struct answer model_peek(struct model *m, const struct model_request *r) {
    struct cmstore_peek peek;
    bool alone = !m->in_batch;
    if (alone)
        cmstore_begin(m->thread);
    struct cmstore_key key = r->key;
    cmstore_prefetch_bucket(m->store, &key);
    (void)cmstore_prefetch_slot(m->store, &key);
    cmstore_prefetch_item(m->store, &key);
    cmstore_prefetch_store(m->store, &key);
    enum cmstore_peeked peeked = cmstore_peek(m->thread, &key, &peek);
    struct answer a = {.status = CM_OK, .outcome = CMSTORE_MISS};
    if (peeked == CMSTORE_PEEK_HIT) {
        a = model_answer(CM_OK, &peek.item);
        cmstore_copy(m->buffer, peek.item.value.data, a.bytes);
        a.has_value = true;
        a.value = m->buffer;
        bool confirmed = r->get.quiet ? cmstore_confirm_quietly(m->thread, &peek)
                                      : cmstore_confirm(m->thread, &peek);
        model_require(m, confirmed || m->config.background, "nobody else was there");
        if (!confirmed)
            peeked = CMSTORE_PEEK_LOCKED;
    }
    if (alone)
        cmstore_end(m->thread);
    return peeked == CMSTORE_PEEK_LOCKED ? model_read_pinned(m, r, false) : a;
}

static inline struct answer model_read(struct model *m, const struct model_request *r) {
    bool plain = !r->get.set_expires && !r->get.vivify && !r->get.recache && !r->get.look;
    switch (r->form) {
    case 0:
        return model_read_pinned(m, r, true);
    case 1:
        return model_read_pinned(m, r, false);
    case 2:
        return model_read_copied(m, r, m->op.much % 100);
    case 3:
    case 4:
        return model_read_copied(m, r, m->oracle.item_bytes_max);
    default:
        return plain ? model_peek(m, r) : model_read_pinned(m, r, false);
    }
}

static inline struct answer model_ask_store(struct model *m, const struct model_request *r) {
    struct cmstore_item item = {.outcome = CMSTORE_MISS};
    struct cmstore_stored stored = {.outcome = CMSTORE_MISS};
    struct cmstore_number number = {.value = 0};
    enum cm_status status;
    struct answer a;
    switch (r->kind) {
    case MODEL_READ:
        return model_read(m, r);
    case MODEL_STORE:
        status = cmstore_store(m->thread, &r->key, r->value, &r->store, &stored);
        a = (struct answer){.status = status, .outcome = stored.outcome, .cas = stored.cas};
        if (status == CM_OK && stored.outcome == CMSTORE_STORED)
            model_require(m, stored.item_bytes >= r->key.bytes + r->value.bytes + 12,
                          "an item weighs less than what is in it");
        return a;
    case MODEL_DELETE:
        status = cmstore_delete(m->thread, &r->key, &r->delete, &item);
        return model_answer(status, &item);
    case MODEL_ARITH:
        status = cmstore_arith(m->thread, &r->key, &r->arith, &number);
        a = model_answer(status, &number.item);
        a.number = number.value;
        return a;
    default:
        status = cmstore_touch(m->thread, &r->key, r->expires, &item);
        return model_answer(status, &item);
    }
}

/* ---- comparing ---- */

/* What differs, or NULL. */
static inline const char *model_differs(const struct model *m, const struct answer *e,
                                        const struct answer *f) {
    if (e->status != f->status)
        return "status";
    if (e->status != CM_OK)
        return NULL;
    if (e->outcome != f->outcome)
        return "outcome";
    if (e->cas_is_new ? f->cas <= m->cas_high : e->cas != f->cas && e->outcome != CMSTORE_MISS)
        return "cas";
    if (e->has_number && e->number != f->number)
        return "number";
    if (!e->described)
        return NULL;
    if (e->flags != f->flags)
        return "flags";
    if (e->expires_old != f->expires_old)
        return "expires_old";
    if (e->expires != f->expires)
        return "expires";
    if (e->stale != f->stale || e->won != f->won || e->win_sent != f->win_sent)
        return "stale, won or win_sent";
    if (e->fetched_known && e->fetched != f->fetched)
        return "fetched";
    if (!e->has_value)
        return NULL;
    if (e->bytes != f->bytes)
        return "length";
    return f->has_value && e->bytes && memcmp(e->value, f->value, e->bytes) != 0 ? "value" : NULL;
}

/* Adopts what the oracle makes of `item` if the store says the same. */
static inline const char *model_try(struct model *m, const struct model_request *r,
                                    struct oracle_item item, const struct answer *found) {
    struct answer expected = model_ask_oracle(&m->oracle, &item, r);
    const char *why = model_differs(m, &expected, found);
    if (why) {
        free(item.value);
        return why;
    }
    if (expected.cas_is_new && expected.status == CM_OK) {
        item.cas = found->cas;
        m->cas_high = found->cas;
    }
    free(m->items[r->id].value);
    m->items[r->id] = item;
    return NULL;
}

static inline uint64_t model_held(const struct model *m, const struct model_writer *except) {
    uint64_t held = m->charged > 0 ? (uint64_t)m->charged : 0;
    for (unsigned i = 0; i < MODEL_PINS; i++)
        held += m->pins[i].held ? m->pins[i].bytes : 0;
    for (unsigned i = 0; i < MODEL_WRITERS; i++)
        held += m->writers[i].writer && &m->writers[i] != except ? m->writers[i].written : 0;
    return held;
}

/* Whether NO_MEMORY may be the answer. */
static inline bool model_may_refuse(const struct model *m, const struct model_request *r) {
    if (m->config.mode == MODEL_REFUSING)
        return true;
    if (m->config.mode == MODEL_ROOMY)
        return false;
    uint64_t joined = m->items[r->id].bytes + r->value.bytes;
    bool large_join = r->kind == MODEL_STORE && oracle_is_join(&r->store) && joined > m->limit / 8;
    uint64_t held = model_held(m, NULL), under_way = r->value.bytes + held;
    bool over_quota = under_way + under_way / MODEL_EXTENT_SHARE > m->limit / 2;
    return large_join || over_quota || held > m->limit / 8;
}

static inline void model_print_answer(const char *whose, const struct answer *a) {
    fprintf(stderr, "%s: status %d outcome %d cas %" PRIu64 " expires %u was %u flags %u", whose,
            (int)a->status, (int)a->outcome, a->cas, a->expires, a->expires_old, a->flags);
    fprintf(stderr, " bytes %zu stale %d won %d win_sent %d fetched %d\n", a->bytes, a->stale,
            a->won, a->win_sent, a->fetched);
}

/* One truth for each thing that cannot be known: whether the item was evicted, and on which side
 * of the limit an append is. */
static inline void model_compare_answer(struct model *m, const struct model_request *r,
                                        const struct answer *found) {
    bool may_miss = m->config.mode == MODEL_TIGHT;
    bool join = r->kind == MODEL_STORE && oracle_is_join(&r->store);
    uint64_t limit = m->oracle.item_bytes_max;
    const struct oracle_item *last = &m->items[r->id];
    const struct oracle_item evicted = {.gone = CMSTORE_EVICTED,
                                        .gone_before = last->gone_before | oracle_reasons(last)};
    const char *why = model_try(m, r, oracle_clone(last), found), *other = why;
    if (other && may_miss)
        other = model_try(m, r, evicted, found);
    for (int side = -1; other && join && side <= 1; side += 2) {
        m->oracle.item_bytes_max = side < 0 ? limit - MODEL_SLACK : limit + MODEL_SLACK;
        other = model_try(m, r, oracle_clone(&m->items[r->id]), found);
    }
    m->oracle.item_bytes_max = limit;
    if (!other || (found->status == CM_NO_MEMORY && model_may_refuse(m, r)))
        return;
    struct oracle_item item = oracle_clone(&m->items[r->id]);
    struct answer expected = model_ask_oracle(&m->oracle, &item, r);
    model_print_answer("expected", &expected);
    model_print_answer("found", found);
    model_fail(m, why, 0, 0);
}

/* Why what is not there is not. */
static inline void model_check_why(struct model *m, const struct model_request *r) {
    static const struct cmstore_get_options looking = {.look = true};
    struct cmstore_pin pin;
    bool outside = !m->in_batch;
    if (m->items[r->id].present)
        return;
    if (outside)
        cmstore_begin(m->thread);
    model_require(m, cmstore_pin(m->thread, &r->key, &looking, &pin) == CM_OK, "a look");
    enum cmstore_reason reason = cmstore_why(m->thread, &r->key).reason;
    if (pin.item.outcome == CMSTORE_MISS &&
        !oracle_may_have_gone(&m->items[r->id], reason, m->config.mode == MODEL_TIGHT, m->resized))
        model_fail(m, "why it has gone", m->items[r->id].gone, reason);
    cmstore_unpin(&pin);
    if (outside)
        cmstore_end(m->thread);
}

static inline struct model_request model_request_for(struct model *m, unsigned id,
                                                     unsigned char *key) {
    struct model_request r = {.id = id, .form = m->op.how % 8};
    size_t bytes = model_key(id, key);
    m->oracle.key_bytes = bytes;
    r.key = cmstore_key(m->store, key, bytes);
    return r;
}

static inline void model_choose_get(const struct model *m, struct model_request *r) {
    unsigned how = m->op.how >> 3;
    r->get.set_expires = how % 8 == 1;
    r->get.vivify = how / 8 % 8 == 1;
    r->get.recache = how / 64 % 4 == 1;
    r->get.quiet = how / 256 % 4 == 1;
    r->get.look = how / 256 % 4 == 2 && !r->get.set_expires && !r->get.vivify && !r->get.recache;
    r->get.expires = model_expires(m, how / 1024);
    r->get.vivify_expires = model_expires(m, m->op.much);
    r->get.vivify_cas = model_cas_new(m, m->op.much / 8);
    r->get.recache_s = m->op.much % 5;
}

static inline void model_choose_store(const struct model *m, const struct oracle_item *item,
                                      struct cmstore_store_options *o) {
    static const enum cmstore_mode modes[8] = {CMSTORE_SET,    CMSTORE_SET,     CMSTORE_SET,
                                               CMSTORE_ADD,    CMSTORE_REPLACE, CMSTORE_APPEND,
                                               CMSTORE_APPEND, CMSTORE_PREPEND};
    unsigned how = m->op.how;
    o->mode = modes[how % 8];
    o->client_flags = how / 8 % 4 ? 0 : m->op.much | 1;
    o->expires = model_expires(m, how / 32);
    /* Joined, kept in part, or created anew after it was evicted: the answer would not tell. */
    bool unsure = m->config.mode == MODEL_TIGHT && item->present;
    o->vivify = how / 256 % 4 == 0 && !unsure;
    o->vivify_expires = model_expires(m, how / 1024);
    o->keep_expires = m->op.much / 64 % 4 == 1 && !unsure;
    o->accept_lower_cas = how / 128 % 2;
    o->cas_new = model_cas_new(m, how / 512);
    bool compare = model_compare(item, how / 4096, &o->cas);
    /* A cas to compare with is never given where a missing item is to be created. */
    o->compare_cas = compare && o->mode != CMSTORE_ADD && !(oracle_is_join(o) && o->vivify);
}

static inline void model_choose_rest(const struct model *m, struct model_request *r) {
    const struct oracle_item *item = &m->items[r->id];
    unsigned how = m->op.how;
    r->expires = model_expires(m, how);
    r->delete.mark_stale = how % 4 == 1;
    r->delete.clear_value = how / 4 % 4 == 1;
    r->delete.set_expires = how / 16 % 2;
    r->delete.expires = model_expires(m, how / 32);
    r->delete.cas_new = model_cas_new(m, how / 256);
    r->delete.compare_cas = model_compare(item, how / 4096, &r->delete.cas);
    r->arith.decrement = how % 2;
    r->arith.is_signed = m->op.much / 64 % 2;
    r->arith.delta = model_mix(m->op.much) >> (how / 2 % 64);
    r->arith.vivify = how / 128 % 4 == 0;
    r->arith.initial = m->op.much;
    r->arith.vivify_expires = model_expires(m, how / 512);
    r->arith.set_expires = m->op.much % 8 == 0;
    r->arith.expires = model_expires(m, how / 256);
    r->arith.cas_new = model_cas_new(m, m->op.much / 8);
    r->arith.compare_cas = model_compare(item, how / 4096, &r->arith.cas);
}

static inline void model_do_request(struct model *m, enum model_kind kind) {
    unsigned char key[CMSTORE_KEY_BYTES_MAX];
    unsigned id = m->op.key % MODEL_KEYS;
    struct model_request r = model_request_for(m, id, key);
    uint8_t is_number;
    r.kind = kind;
    if (kind == MODEL_READ && r.form == 0)
        model_release(m, &m->pins[m->op.much % MODEL_PINS]);
    model_choose_get(m, &r);
    model_choose_rest(m, &r);
    model_choose_store(m, &m->items[id], &r.store);
    if (kind == MODEL_STORE)
        r.value = model_value(m, &is_number);
    struct answer found = model_ask_store(m, &r);
    model_compare_answer(m, &r, &found);
    model_check_why(m, &r);
    free((void *)(uintptr_t)r.value.data);
}

/* ---- writers ---- */

static inline void model_end_writer(struct model_writer *w) {
    free(w->value);
    *w = (struct model_writer){.writer = NULL};
}

static inline void model_abort_write(struct model *m, struct model_writer *w) {
    cmstore_write_abort(m->thread, w->writer); /* NULL is allowed */
    model_end_writer(w);
}

static inline void model_begin_write(struct model *m, struct model_writer *w) {
    unsigned char key[CMSTORE_KEY_BYTES_MAX];
    uint8_t is_number;
    model_abort_write(m, w);
    w->id = m->op.key % MODEL_KEYS;
    struct model_request r = model_request_for(m, w->id, key);
    model_choose_store(m, &m->items[w->id], &w->options);
    struct cmstore_value value = model_value(m, &is_number);
    w->value = (unsigned char *)(uintptr_t)value.data;
    w->bytes = value.bytes;
    enum cm_status status =
        cmstore_write_begin(m->thread, &r.key, w->bytes, &w->options, &w->writer);
    bool fits = oracle_fits(&m->oracle, w->bytes, w->options.client_flags, w->options.expires);
    model_require(m, status == (fits ? CM_OK : CM_TOO_LARGE), "begin refuses what is too large");
    if (status != CM_OK)
        model_end_writer(w);
}

static inline void model_continue_write(struct model *m, struct model_writer *w) {
    if (!w->writer)
        return;
    size_t left = w->bytes - w->written, most = m->op.how % 4 ? left : m->op.much / 16 % 3000;
    size_t bytes = most < left ? most : left;
    if (m->op.how % 16 == 4) {
        enum cm_status status = cmstore_write(m->thread, w->writer, m->buffer, left + 1);
        model_require(m, status == CM_INVALID, "more than was announced is refused");
    }
    enum cm_status status = cmstore_write(m->thread, w->writer, w->value + w->written, bytes);
    w->written += bytes;
    if (status == CM_OK)
        return;
    bool may = m->config.mode == MODEL_REFUSING ||
               (m->config.mode == MODEL_TIGHT && model_held(m, w) > m->limit / 8);
    model_require(m, status == CM_NO_MEMORY && may, "there is room for a piece");
    model_abort_write(m, w);
}

static inline void model_commit_write(struct model *m, struct model_writer *w) {
    unsigned char key[CMSTORE_KEY_BYTES_MAX];
    struct cmstore_stored stored;
    if (!w->writer)
        return;
    if (m->op.how % 4) { /* the rest, mostly */
        m->op.how = 1;
        model_continue_write(m, w);
        if (!w->writer)
            return;
    }
    struct model_request r = model_request_for(m, w->id, key);
    r.kind = MODEL_STORE;
    r.store = w->options;
    r.value = (struct cmstore_value){w->value, w->bytes};
    enum cm_status status = cmstore_write_commit(m->thread, w->writer, &stored);
    w->writer = NULL;
    struct answer found = {.status = status, .outcome = stored.outcome, .cas = stored.cas};
    if (w->written < w->bytes)
        model_require(m, status == CM_INVALID, "commit of less than was announced is refused");
    else
        model_compare_answer(m, &r, &found);
    model_end_writer(w);
}

/* ---- everything at once ---- */

static inline void model_forget_all(struct model *m) {
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        oracle_forget(&m->items[i], CMSTORE_FLUSHED);
}

static inline void model_flush(struct model *m) {
    uint32_t at_s = m->op.how % 4 == 0 ? 0 : m->oracle.now + m->op.how % 4 - 1;
    cmstore_flush(m->thread, at_s);
    m->flush_at = at_s > m->oracle.now ? at_s : 0;
    if (m->flush_at == 0)
        model_forget_all(m);
}

static inline void model_leave_batch(struct model *m) {
    if (m->in_batch)
        cmstore_end(m->thread);
    m->in_batch = false;
}

static inline void model_move_clock(struct model *m) {
    model_leave_batch(m);
    if (m->op.how % 8 == 0)
        cmstore_set_clock(m->store, m->oracle.now - 1); /* ignored */
    else
        m->oracle.now += m->op.how % 8 / 3;
    cmstore_set_clock(m->store, m->oracle.now);
    model_require(m, cmstore_clock(m->store) == m->oracle.now, "the clock only moves forward");
    if (m->flush_at && m->flush_at <= m->oracle.now) {
        m->flush_at = 0;
        model_forget_all(m);
    }
}

static inline void model_visit(void *context, const struct cmstore_visit *visit) {
    struct model *m = context;
    unsigned char key[CMSTORE_KEY_BYTES_MAX];
    unsigned id = ((const unsigned char *)visit->key)[0];
    model_require(m, id < MODEL_KEYS, "a visited key is one of ours");
    size_t bytes = model_key(id, key);
    const struct oracle_item *item = &m->items[id];
    model_require(m, bytes == visit->key_bytes && memcmp(key, visit->key, bytes) == 0,
                  "a visited key is whole");
    model_require(m, oracle_is_live(&m->oracle, item), "what is visited is there");
    model_require(m, ++m->seen[id] == 1, "visited once");
    model_require(m,
                  visit->item.cas == item->cas && visit->item.client_flags == item->flags &&
                      visit->item.expires == item->expires &&
                      visit->item.value.bytes == item->bytes,
                  "a visited item is described as it is");
}

static inline void model_scan(struct model *m) {
    uint64_t cursor = 0;
    memset(m->seen, 0, sizeof m->seen);
    do {
        cursor = cmstore_scan(m->thread, cursor, model_visit, m);
    } while (cursor);
    if (m->config.mode == MODEL_TIGHT)
        return;
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        if (oracle_is_live(&m->oracle, &m->items[i]))
            model_require(m, m->seen[i] == 1, "a scan visits every item");
    }
}

static inline void model_resize(struct model *m) {
    uint64_t bytes = m->least + m->least * (m->op.much % 1024) / 512; /* up to three times */
    m->resized = true;
    if (m->op.how % 8 == 0) {
        enum cm_status status = cmstore_set_memory(m->thread, m->op.much % CMSTORE_MEMORY_MIN);
        model_require(m, status == CM_LIMIT_TOO_SMALL, "too small a limit is refused");
    }
    if (m->op.how % 8 == 1) {
        enum cm_status status = cmstore_set_memory(m->thread, UINT64_C(1) << 50);
        model_require(m, status == CM_INVALID, "too large a limit is refused");
    }
    enum cm_status status = cmstore_set_memory(m->thread, bytes);
    if (status == CM_OK)
        m->limit = bytes;
    else
        model_require(m, status == CM_LIMIT_TOO_SMALL && m->config.mode == MODEL_REFUSING,
                      "the limit can be changed");
}

static inline void model_change_policy(struct model *m) {
    size_t count = 0;
    const char *text = NULL;
    while (cmstore_policy_name(count, &text))
        count++;
    const char *name = cmstore_policy_name(m->op.much % count, NULL);
    model_require(m, cmstore_set_policy(m->thread, "best") == CM_UNKNOWN_POLICY, "no such policy");
    model_require(m, cmstore_set_policy(m->thread, name) == CM_OK, "a policy can be changed");
    model_require(m, strcmp(cmstore_policy(m->store), name) == 0, "and is then the one");
}

static inline void model_charge(struct model *m) {
    cmstore_charge(m->store, -m->charged);
    m->charged = m->op.how % 2 ? (int64_t)(m->op.much % (m->least / 16)) : 0;
    cmstore_charge(m->store, m->charged);
}

static inline void model_check(struct model *m) {
    struct cmstore_counters counters;
    uint64_t live = 0;
    model_leave_batch(m);
    cmstore_check(m->thread);
    cmstore_read_counters(m->store, &counters);
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        live += oracle_is_live(&m->oracle, &m->items[i]);
    if (m->config.mode != MODEL_TIGHT)
        model_require(m, counters.items >= live, "the items are counted");
    model_require(m, counters.memory_limit == m->limit, "the limit is told");
    if (m->op.how % 4 == 0)
        cmstore_reset_counters(m->store);
}

static inline void model_toggle_batch(struct model *m) {
    if (m->in_batch)
        cmstore_end(m->thread);
    else
        cmstore_begin(m->thread);
    m->in_batch = !m->in_batch;
}

/* ---- life ---- */

static inline void model_init(struct model *m, const struct model_config *config) {
    static const uint64_t memory[MODEL_MODES] = {(uint64_t)24 << 20, CMSTORE_MEMORY_MIN,
                                                 (uint64_t)3 << 19};
    static const uint64_t item_max[MODEL_MODES] = {150000, 400000, 100000};
    *m = (struct model){.config = *config};
    m->limit = m->least = memory[config->mode];
    m->oracle.item_bytes_max = item_max[config->mode];
    struct cmstore_options options = {
        .memory_bytes = m->limit,
        .item_bytes_max = m->oracle.item_bytes_max,
        .policy = config->policy,
        .no_evict = config->mode == MODEL_REFUSING,
        .no_background = !config->background,
        .hash_seed = 12345,
        .clock_s = 100,
    };
    m->oracle.now = options.clock_s;
    m->buffer = malloc(m->oracle.item_bytes_max + 1);
    if (!m->buffer || cmstore_create(&options, &m->store) != CM_OK ||
        cmstore_attach(m->store, &m->thread) != CM_OK)
        abort();
}

static inline void model_step(struct model *m, struct model_op op) {
    enum model_kind kind = model_kind_of(op);
    struct model_writer *writer = &m->writers[op.how / 16 % MODEL_WRITERS];
    m->op = op;
    m->step++;
    switch (kind) {
    case MODEL_UNPIN:
        model_release(m, &m->pins[op.much % MODEL_PINS]);
        break;
    case MODEL_WRITE_BEGIN:
        model_begin_write(m, writer);
        break;
    case MODEL_WRITE:
        model_continue_write(m, writer);
        break;
    case MODEL_WRITE_COMMIT:
        model_commit_write(m, writer);
        break;
    case MODEL_WRITE_ABORT:
        model_abort_write(m, writer);
        break;
    case MODEL_FLUSH:
        model_flush(m);
        break;
    case MODEL_CLOCK:
        model_move_clock(m);
        break;
    case MODEL_SCAN:
        model_scan(m);
        break;
    case MODEL_RESIZE:
        model_resize(m);
        break;
    case MODEL_POLICY:
        model_change_policy(m);
        break;
    case MODEL_CHARGE:
        model_charge(m);
        break;
    case MODEL_BATCH:
        model_toggle_batch(m);
        break;
    case MODEL_CHECK:
        model_check(m);
        break;
    default:
        model_do_request(m, kind);
    }
}

static inline void model_deinit(struct model *m) {
    for (unsigned i = 0; i < MODEL_PINS; i++)
        model_release(m, &m->pins[i]);
    for (unsigned i = 0; i < MODEL_WRITERS; i++)
        model_abort_write(m, &m->writers[i]);
    model_leave_batch(m);
    cmstore_charge(m->store, -m->charged);
    cmstore_check(m->thread);
    cmstore_detach(m->thread);
    cmstore_destroy(m->store);
    model_forget_all(m);
    free(m->buffer);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"
#include "base/hash.h"
#include "store/change.h"

#include <string.h>

#define PEEKS_MAX 64 /* tries before a contended bucket is locked */

/* A key's hint: a slot of its bucket, or one of these. */
#define HINT_SPILLED CM_BUCKET_SLOTS
#define HINT_NONE    (CM_BUCKET_SLOTS + 1)

struct cmstore_key cmstore_key(const cmstore *store, const void *data, size_t bytes) {
    uint64_t hash = cm_hash(data, bytes, store->seed);
    return (struct cmstore_key){data, bytes, hash, cm_slot_home(hash)};
}

void cmstore_copy(void *to, const void *from, size_t bytes) {
    cm_copy_shared(to, from, bytes);
}

/* ---- hints ---- */

void cmstore_prefetch_bucket(const cmstore *store, const struct cmstore_key *key) {
    const struct cm_bucket *bucket = cm_index_bucket(&store->index, key->hash);
    __builtin_prefetch(bucket);
    __builtin_prefetch((const char *)bucket + 64);
}

/* Looks at all slots: where to stop could not be foretold, and guessing wrong takes longer. To a hash
 * whose tag is 0, an empty slot may look like the item's: that is one in 65536, and only a hint. */
bool cmstore_prefetch_slot(const cmstore *store, struct cmstore_key *key) {
    const struct cm_bucket *bucket = cm_index_bucket(&store->index, key->hash);
    unsigned found = HINT_NONE;
    for (unsigned i = 0; i < CM_BUCKET_SLOTS; i++) {
        uint64_t word = atomic_load_explicit(&bucket->slots[i], memory_order_relaxed);
        found = (word ^ key->hash) >> 48 == 0 ? i : found;
    }
    key->hint = found;
    if (CM_LIKELY(found != HINT_NONE))
        return true;
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    if (head >> 32 == CM_SPILL_NONE)
        return false;
    key->hint = HINT_SPILLED;
    __builtin_prefetch(cm_index_spill(&store->index, (uint32_t)(head >> 32)));
    return true;
}

/* In the first spill bucket: there are seldom more. 0: it is not there. */
static uint64_t find_spilled(const cmstore *s, struct cm_bucket *bucket, uint64_t hash) {
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    if (!cm_run_next(&s->index, &run))
        return 0;
    for (unsigned i = 0; i < run.count; i++) {
        uint64_t word = atomic_load_explicit(&run.slots[i], memory_order_relaxed);
        if (cm_slot_tagged(word, hash))
            return word;
    }
    return 0;
}

/* Where the slot leads that the hint tells of; 0: nowhere. */
static uint64_t hinted_place(const cmstore *s, const struct cmstore_key *key) {
    struct cm_bucket *bucket = cm_index_bucket(&s->index, key->hash);
    if (CM_LIKELY(key->hint < CM_BUCKET_SLOTS)) {
        return cm_slot_place(atomic_load_explicit(&bucket->slots[key->hint], memory_order_relaxed));
    }
    return key->hint == HINT_SPILLED ? cm_slot_place(find_spilled(s, bucket, key->hash)) : 0;
}

/* An item's first two lines hold its header, key and the start of its value; the processor fetches
 * more by itself once they are read. */
void cmstore_prefetch_item(const cmstore *store, const struct cmstore_key *key) {
    uint64_t place = hinted_place(store, key);
    if (CM_UNLIKELY(place == 0))
        return;
    const char *item = (const char *)cm_arena_at(&store->arena, place);
    __builtin_prefetch(item);
    __builtin_prefetch(item + 64);
}

void cmstore_prefetch_store(const cmstore *store, const struct cmstore_key *key) {
    uint64_t place = hinted_place(store, key);
    if (place != 0)
        __builtin_prefetch(cm_arena_holder(&store->arena, place));
}

void cmstore_prefetch_why(const cmstore *store, const struct cmstore_key *key) {
    const struct cm_policy *policy = cm_policy_of(store);
    cm_gone_prefetch(&store->gone, key->hash);
    if (policy->kind->prefetch)
        policy->kind->prefetch(policy, key->hash);
}

/* ---- the optimistic read ---- */

/* A bucket and the head it had when a reader came. */
struct sight {
    struct cm_bucket *bucket;
    uint64_t head;
    bool cut; /* the chain went on where the search stopped */
};

/* Without the lock: true if found, and whatever was read holds only if the version still does. */
static bool find_unlocked(const cmstore *s, struct sight *sight, const struct cmstore_key *key,
                          struct cm_found *found) {
    if (CM_LIKELY(key->hint < CM_BUCKET_SLOTS) &&
        cm_slot_holds(s, &sight->bucket->slots[key->hint], key, found))
        return true;
    struct cm_run run = cm_run_first(sight->bucket, sight->head);
    unsigned hops = 0;
    do {
        for (unsigned i = 0; i < run.count; i++) {
            if (cm_slot_holds(s, &run.slots[i], key, found))
                return true;
        }
    } while (++hops < CM_HOPS_MAX && cm_run_next(&s->index, &run));
    sight->cut = hops == CM_HOPS_MAX;
    return false;
}

/* Only what a plain item has. */
static void describe_plain(const cmstore *s, const struct cm_found *found,
                           struct cmstore_item *item) {
    const cm_record *r = found->record;
    uint32_t w0 = found->w0, w1 = cm_word(r, 1), now_s = cm_now(s);
    size_t value_at = CM_ITEM_BASE_BYTES + CM_W0_KEY(w0);
    *item = (struct cmstore_item){.outcome = CMSTORE_HIT};
    item->cas = cm_word(r, 2) | (uint64_t)(w1 >> CM_W1_CAS_SHIFT) << 32;
    if (w0 & (CM_W0_EXPIRES | CM_W0_FLAGS | CM_W0_WIDE)) {
        value_at = cm_item_chain_at(w0) * CM_UNIT_BYTES + CM_W0_KEY(w0);
        item->client_flags = cm_item_client_flags(r, w0);
        item->cas = cm_item_cas(r, w0);
        item->expires = item->expires_old = cm_item_expires(r, w0);
    }
    item->last_access_s = now_s - cm_seconds_since(w1, now_s);
    item->value.data = r + value_at;
    item->value.bytes = CM_W0_VALUE(w0);
    item->item_bytes = (uint32_t)cm_round_unit(value_at + CM_W0_VALUE(w0));
    item->fetched = (w1 & CM_W1_FETCHED) != 0;
}

static enum cmstore_peeked peek_once(const cmstore *s, const struct cmstore_key *key,
                                     struct cmstore_peek *peek, bool *again) {
    struct sight sight = {.bucket = cm_index_bucket(&s->index, key->hash)};
    sight.head = atomic_load_explicit(&sight.bucket->head, memory_order_acquire);
    struct cm_found found;
    *again = true;
    if (sight.head & 1) {
        cm_os_cpu_relax();
        return CMSTORE_PEEK_LOCKED;
    }
    if (!find_unlocked(s, &sight, key, &found)) {
        if (sight.cut) {
            *again = false;
            return CMSTORE_PEEK_LOCKED;
        }
        *again = !cm_bucket_unchanged(sight.bucket, sight.head) ||
                 cm_index_bucket(&s->index, key->hash) != sight.bucket; /* X3 */
        peek->item = (struct cmstore_item){.outcome = CMSTORE_MISS};
        return CMSTORE_PEEK_MISS;
    }
    *again = false;
    /* Whatever is rare is left to those who lock. */
    if (found.w0 & (CM_W0_CHAIN | CM_W0_STALE | CM_W0_WON))
        return CMSTORE_PEEK_LOCKED;
    if (cm_is_expired(found.record, found.w0, cm_now(s)))
        return CMSTORE_PEEK_LOCKED;
    if (cm_is_flushed(s, found.place))
        return CMSTORE_PEEK_LOCKED;
    describe_plain(s, &found, &peek->item);
    peek->private_bucket = sight.bucket;
    peek->private_version = sight.head;
    peek->private_slot = found.slot;
    peek->private_word = found.word;
    return CMSTORE_PEEK_HIT;
}

static enum cmstore_peeked peek_item(const cmstore *s, const struct cmstore_key *key,
                                     struct cmstore_peek *peek) {
    for (int tries = 0; tries < PEEKS_MAX; tries++) {
        bool again;
        enum cmstore_peeked peeked = peek_once(s, key, peek, &again);
        if (!again)
            return peeked;
    }
    return CMSTORE_PEEK_LOCKED;
}

enum cmstore_peeked cmstore_peek(cmstore_thread *thread, const struct cmstore_key *key,
                                 struct cmstore_peek *peek) {
    CM_DCHECK(thread->in_batch);
    return peek_item(thread->store, key, peek);
}

bool cmstore_confirm_quietly(cmstore_thread *thread, const struct cmstore_peek *peek) {
    (void)thread;
    return cm_bucket_unchanged(peek->private_bucket, peek->private_version);
}

/* The policy's bits and the access time; both only where they change. */
static void record_hit(cmstore *s, cm_slot *slot, uint64_t word) {
    const struct cm_policy *policy = cm_policy_of(s);
    uint8_t bits = cm_slot_bits(word);
    uint8_t after = cm_policy_after_hit(policy, bits);
    if (after != bits) {
        uint64_t expected = word;
        uint64_t desired = word ^ (uint64_t)(bits ^ after) << CM_SLOT_PLACE_BITS;
        (void)atomic_compare_exchange_strong_explicit(slot, &expected, desired,
                                                      memory_order_relaxed, memory_order_relaxed);
    }
    cm_item_note_access(cm_arena_at(&s->arena, cm_slot_place(word)), cm_now(s));
}

/* Out of line: it is rare, and inlined it would cost every hit the saving of registers. */
__attribute__((noinline)) static void let_observe(cmstore *s, uint64_t word) {
    struct cm_policy *policy = cm_policy_of(s);
    if (policy->kind->observe) /* the policy may have changed since the hit */
        policy->kind->observe(policy,
                              cm_record_hash(s, cm_arena_at(&s->arena, cm_slot_place(word))));
}

static void record_and_observe(cmstore *s, cm_slot *slot, uint64_t word) {
    record_hit(s, slot, word);
    if (CM_UNLIKELY(cm_policy_samples(cm_policy_of(s), word)))
        let_observe(s, word);
}

bool cmstore_confirm(cmstore_thread *thread, const struct cmstore_peek *peek) {
    if (!cmstore_confirm_quietly(thread, peek))
        return false;
    union {
        const void *borrowed;
        cm_slot *slot;
    } slot = {peek->private_slot};
    record_and_observe(thread->store, slot.slot, peek->private_word);
    return true;
}

struct cmstore_gone cmstore_why(cmstore_thread *thread, const struct cmstore_key *key) {
    CM_DCHECK(thread->in_batch); /* G4 */
    const cmstore *s = thread->store;
    const struct cm_policy *policy = cm_policy_of(s);
    struct cmstore_gone gone = cm_gone_find(&s->gone, key->hash, cm_now(s));
    if (gone.reason == CMSTORE_UNKNOWN && policy->kind->remembers &&
        policy->kind->remembers(policy, key->hash))
        gone.reason = CMSTORE_EVICTED;
    return gone;
}

/* ---- the pinned read ---- */

struct pin_call {
    const struct cmstore_get_options *options;
    struct cmstore_pin *pin;
};

void cm_pin_found(cmstore *s, const struct cm_found *found, struct cmstore_pin *pin) {
    uint32_t extents = cm_item_extents(found->record, found->w0);
    atomic_fetch_add(&cm_arena_holder(&s->arena, found->place)->pins, 1);
    for (uint32_t i = 0; i < extents; i++) {
        struct cm_extent extent = cm_item_extent(found->record, found->w0, i);
        atomic_fetch_add(&cm_arena_holder(&s->arena, extent.place)->pins, 1);
    }
    pin->private_store = s;
    pin->private_head = found->place;
}

void cm_pin_old(const struct cm_call *call, struct cmstore_pin *old) {
    *old = (struct cmstore_pin){.item.outcome = CMSTORE_MISS};
    if (call->hit) {
        cm_describe(call->thread->store, &call->found, &old->item);
        cm_pin_found(call->thread->store, &call->found, old);
    }
}

static enum cm_status vivify(struct cm_call *call, const struct pin_call *p) {
    const struct cmstore_get_options *o = p->options;
    struct cm_put put = {.parts.first = {"", 0}};
    put.shape =
        (struct cm_shape){.key_bytes = call->key->bytes, .expires = o->vivify_expires, .won = true};
    put.shape.cas = cm_new_cas(call, o->vivify_cas);
    enum cm_status status = cm_put_locked(call, &put);
    if (status)
        return status;
    cm_describe(call->thread->store, &call->found, &p->pin->item);
    p->pin->item.outcome = CMSTORE_STORED;
    p->pin->item.won = true;
    p->pin->item.win_sent = false;
    cm_tally_add(call->thread, CM_TALLY_ITEMS_TOTAL, 1);
    return CM_OK;
}

/* Of the callers that find an item stale or about to expire, the first wins. */
static void decide_win(const struct cm_call *call, const struct pin_call *p, bool *changed,
                       struct cm_shape *shape) {
    const struct cmstore_get_options *o = p->options;
    struct cmstore_item *item = &p->pin->item;
    uint32_t now_s = cm_now(call->thread->store);
    bool wanted =
        item->stale || (o->recache && item->expires != 0 && item->expires - now_s < o->recache_s);
    if (!wanted || item->win_sent)
        return;
    item->won = true;
    shape->won = true;
    *changed = true;
}

static enum cm_status read_found(struct cm_call *call, const struct pin_call *p) {
    const struct cmstore_get_options *o = p->options;
    struct cmstore_item *item = &p->pin->item;
    cmstore *s = call->thread->store;
    cm_describe(s, &call->found, item);
    bool changed = false;
    struct cm_put put = {.shape = cm_shape_of(&call->found), .keep_value = true};
    if (!o->look)
        decide_win(call, p, &changed, &put.shape);
    if (o->set_expires) {
        put.shape.expires = o->expires;
        changed = true;
    }
    if (changed) {
        enum cm_status status = cm_put_locked(call, &put);
        if (status)
            return status;
        struct cmstore_item before = *item;
        cm_describe(s, &call->found, item);
        item->expires_old = before.expires;
        item->won = before.won;
        item->win_sent = before.win_sent;
        item->fetched = before.fetched;
        item->last_access_s = before.last_access_s;
    }
    if (!o->quiet && !o->look) {
        record_and_observe(s, call->found.slot,
                           atomic_load_explicit(call->found.slot, memory_order_relaxed));
    }
    return CM_OK;
}

static enum cm_status pin_locked(struct cm_call *call, void *context) {
    struct pin_call *p = context;
    *p->pin = (struct cmstore_pin){.item.outcome = CMSTORE_MISS};
    p->pin->item.expired = call->expired;
    p->pin->item.flushed = call->flushed;
    if (!call->hit && !p->options->vivify)
        return CM_OK;
    enum cm_status status = call->hit ? read_found(call, p) : vivify(call, p);
    if (status == CM_OK) {
        cm_pin_found(call->thread->store, &call->found, p->pin);
    } else {
        *p->pin = (struct cmstore_pin){.item.outcome = CMSTORE_MISS};
    }
    return status;
}

enum cm_status cmstore_pin(cmstore_thread *thread, const struct cmstore_key *key,
                           const struct cmstore_get_options *options, struct cmstore_pin *pin) {
    static const struct cmstore_get_options plainly = {.quiet = false};
    struct pin_call p = {options ? options : &plainly, pin};
    return cm_call_run(thread, key, pin_locked, &p);
}

struct cmstore_value cmstore_pin_part(const struct cmstore_pin *pin, size_t offset) {
    const struct cm_arena *arena = &pin->private_store->arena;
    const struct cmstore_value *value = &pin->item.value;
    if (offset >= value->bytes)
        return (struct cmstore_value){NULL, 0};
    if (value->data) {
        return (struct cmstore_value){(const char *)value->data + offset, value->bytes - offset};
    }
    const cm_record *r = cm_arena_at(arena, pin->private_head);
    uint32_t w0 = cm_word(r, 0);
    size_t before = 0;
    for (uint32_t i = 0;; i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        if (offset < before + extent.bytes) {
            size_t at = offset - before;
            const cm_record *payload = cm_arena_at(arena, extent.place) + CM_EXTENT_BYTES;
            return (struct cmstore_value){payload + at, extent.bytes - at};
        }
        before += extent.bytes;
    }
}

void cmstore_unpin(struct cmstore_pin *pin) {
    cmstore *s = pin->private_store;
    if (!s)
        return;
    const cm_record *r = cm_arena_at(&s->arena, pin->private_head);
    uint32_t w0 = cm_word(r, 0), extents = cm_item_extents(r, w0);
    for (uint32_t i = 0; i < extents; i++) {
        struct cm_extent extent = cm_item_extent(r, w0, i);
        atomic_fetch_sub(&cm_arena_holder(&s->arena, extent.place)->pins, 1);
    }
    /* The head last: it lists the extents. */
    atomic_fetch_sub(&cm_arena_holder(&s->arena, pin->private_head)->pins, 1);
    pin->private_store = NULL;
}

static void copy_pinned(const struct cmstore_pin *pin, void *buffer) {
    size_t offset = 0;
    while (offset < pin->item.value.bytes) {
        struct cmstore_value part = cmstore_pin_part(pin, offset);
        memcpy((char *)buffer + offset, part.data, part.bytes);
        offset += part.bytes;
    }
}

struct target {
    void *data;
    size_t bytes;
};

/* Optimistically, if nothing stands in the way. Caller is online. */
static bool get_unlocked(cmstore_thread *t, const struct cmstore_key *key,
                         const struct target *target, struct cmstore_item *item) {
    struct cmstore_peek peek;
    if (peek_item(t->store, key, &peek) != CMSTORE_PEEK_HIT ||
        peek.item.value.bytes > target->bytes) {
        return false;
    }
    cm_copy_shared(target->data, peek.item.value.data, peek.item.value.bytes);
    if (!cmstore_confirm(t, &peek))
        return false;
    *item = peek.item;
    item->value.data = target->data;
    return true;
}

enum cm_status cmstore_get(cmstore_thread *thread, const struct cmstore_key *key,
                           const struct cmstore_get_options *options, void *buffer,
                           size_t buffer_bytes, struct cmstore_item *item) {
    if (!options) {
        struct target target = {buffer, buffer_bytes};
        cm_enter(thread);
        bool done = get_unlocked(thread, key, &target, item);
        cm_leave(thread);
        if (done)
            return CM_OK;
    }
    struct cmstore_pin pin;
    enum cm_status status = cmstore_pin(thread, key, options, &pin);
    *item = pin.item;
    if (status || pin.item.outcome == CMSTORE_MISS)
        return status;
    if (pin.item.value.bytes > buffer_bytes) {
        status = CM_BUFFER_TOO_SMALL;
        item->value.data = NULL;
    } else {
        copy_pinned(&pin, buffer);
        item->value.data = buffer;
    }
    cmstore_unpin(&pin);
    return status;
}

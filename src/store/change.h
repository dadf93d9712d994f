/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_CHANGE_H
#define CM_STORE_CHANGE_H

/* Finding and changing single items, under the lock of their bucket. */

#include "store/engine.h"
#include "store/shape.h"

struct cm_call;

/* ---- find.c: items behind slots ---- */

struct cm_found {
    cm_slot *slot;
    uint64_t word;
    uint64_t place;
    cm_record *record;
    uint32_t w0;
};

static inline bool cm_key_matches(const cm_record *r, uint32_t w0, const struct cmstore_key *key) {
    return CM_W0_KEY(w0) == key->bytes &&
           memcmp(r + cm_item_key_at(r, w0), key->data, key->bytes) == 0;
}
/* Whether a slot leads to the key's item. Also without the lock. */
static inline bool cm_slot_holds(const cmstore *s, cm_slot *slot, const struct cmstore_key *key,
                                 struct cm_found *found) {
    uint64_t word = atomic_load_explicit(slot, memory_order_acquire);
    if (CM_LIKELY(!cm_slot_tagged(word, key->hash)))
        return false;
    uint64_t place = cm_slot_place(word);
    cm_record *r = cm_arena_at(&s->arena, place);
    uint32_t w0 = cm_word(r, 0);
    if (!cm_key_matches(r, w0, key))
        return false;
    *found = (struct cm_found){slot, word, place, r, w0};
    return true;
}
static inline bool cm_is_expired(const cm_record *r, uint32_t w0, uint32_t now_s) {
    uint32_t expires = cm_item_expires(r, w0);
    return expires != 0 && expires <= now_s;
}
bool cm_is_flushed(const cmstore *s, uint64_t place);
uint64_t cm_record_hash(const cmstore *s, const cm_record *r);

/* Caller holds the bucket's lock. */
bool cm_find_locked(const cmstore *s, struct cm_bucket *bucket, const struct cmstore_key *key,
                    struct cm_found *found);
void cm_describe(const cmstore *s, const struct cm_found *found, struct cmstore_item *item);
/* Pins record and extents (read.c); the item is described already. */
void cm_pin_found(cmstore *s, const struct cm_found *found, struct cmstore_pin *pin);
/* What an option `old` asks for: a pin on what was found, a MISS if that is nothing. */
void cm_pin_old(const struct cm_call *call, struct cmstore_pin *old);
/* Why an item goes, and for how long it had not been used by then: for those who will miss it. */
void cm_note_gone(cmstore *s, const struct cm_found *found, uint64_t hash,
                  enum cmstore_reason reason);
/* Takes the item out of the table and its bytes out of the accounts. */
void cm_drop_locked(cmstore_thread *t, struct cm_bucket *bucket, const struct cm_found *found);
/* Does so, notes and counts it, if the item has expired or been flushed. */
enum cm_validity { CM_VALID, CM_EXPIRED, CM_FLUSHED };
enum cm_validity cm_drop_invalid_locked(cmstore_thread *t, struct cm_bucket *bucket,
                                        const struct cm_found *found);
/* Bytes of record and extents. */
size_t cm_item_bytes_all(const cm_record *r, uint32_t w0);

/* ---- call.c: one operation on one key, under its bucket's lock ---- */

struct cm_call {
    cmstore_thread *thread;
    const struct cmstore_key *key;
    struct cm_bucket *bucket; /* locked while the operation runs */
    bool hit;                 /* `found` is a live item */
    bool expired, flushed;    /* an item was found and was no longer valid; it is gone now */
    struct cm_found found;
    bool log_chosen; /* for a new item, by the policy */
    uint8_t log;
};

/* Answers NO_MEMORY to be called again once there is room. */
typedef enum cm_status cm_operation(struct cm_call *call, void *context);
enum cm_status cm_call_run(cmstore_thread *t, const struct cmstore_key *key,
                           cm_operation *operation, void *context);

/* ---- put.c: creating and changing items; the caller is an operation ---- */

/* A value of up to two parts. */
struct cm_parts {
    struct cmstore_value first, second;
};

struct cm_put {
    struct cm_shape shape;
    struct cm_parts parts;
    bool keep_value;                 /* the item's own value, chained or not, stays */
    bool parts_are_own;              /* a part lies in the item itself: never in place */
    const struct cm_extent *extents; /* of a chained value, shape.extents of them */
};

/* An item with that expiry now lies there. */
void cm_note_expiry(cmstore *s, uint64_t place, uint32_t expires);
/* The shape of an existing item. */
struct cm_shape cm_shape_of(const struct cm_found *found);
/* The cas an item is to have: the wanted one, or if that is 0 one nobody has had. */
#define CM_CAS_BLOCK 64u
uint64_t cm_new_cas(struct cm_call *call, uint64_t wanted);
/* Creates the item, or replaces call->found; in place where nobody can be pinning it and it fits.
 * NO_MEMORY; TOO_LARGE: plain, and there is no room for it in one piece: chain it. */
CM_MUST_CHECK enum cm_status cm_put_locked(struct cm_call *call, const struct cm_put *put);

/* ---- store rules (write.c), shared with writers ---- */

struct cm_store_call {
    struct cmstore_value value;
    const struct cmstore_store_options *options;
    const struct cm_extent *extents; /* value is chained */
    uint32_t extent_count;
    size_t value_bytes;
    struct cmstore_stored *stored;
    bool stale;      /* an accepted lower cas: decided before */
    bool joined;     /* to the item whose cas is compared: its expiry stays */
    bool log_chosen; /* where a new item goes, if the extents are there already */
    uint8_t log;
    bool chain_it; /* out: plain did not fit */
    bool join_it;  /* out: append or prepend beyond what is done under the lock */
};
enum cm_status cm_store_locked(struct cm_call *call, void *context);
static inline bool cm_is_join(const struct cmstore_store_options *options) {
    return options->mode == CMSTORE_APPEND || options->mode == CMSTORE_PREPEND;
}
bool cm_fits_limit(const cmstore *s, const struct cmstore_key *key, size_t value_bytes,
                   const struct cmstore_store_options *options);
/* The whole of call->value at once, chained. */
CM_MUST_CHECK enum cm_status cm_store_chained(cmstore_thread *t, const struct cmstore_key *key,
                                              const struct cm_store_call *call);
/* append and prepend to something large. */
CM_MUST_CHECK enum cm_status cm_store_joined(cmstore_thread *t, const struct cmstore_key *key,
                                             const struct cm_store_call *call);

#endif

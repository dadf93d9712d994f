/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CACHEMAN_STORE_H
#define CACHEMAN_STORE_H

/* libcacheman-store: a bounded, concurrent hash table that evicts.
 *
 *   cmstore          the table; one memory budget for items, index and bookkeeping
 *   cmstore_thread   a thread's membership; every call that reaches items takes one
 *
 * Threads: a cmstore may be used from any number of threads, a cmstore_thread from one at a time.
 * Options structs: zero is the default of every field, so `struct x o = {0}` is always valid.
 * Times: seconds of the clock given with cmstore_set_clock(), which only moves forward.
 * Keys: 1 to CMSTORE_KEY_BYTES_MAX arbitrary bytes; values: arbitrary bytes.
 * Errors: by status, never by exit; a failed call changes nothing unless it says so. */

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CMSTORE_KEY_BYTES_MAX  250
#define CMSTORE_MEMORY_DEFAULT ((uint64_t)100 << 20)
#define CMSTORE_MEMORY_MIN     ((uint64_t)1 << 20)
#define CMSTORE_ITEM_DEFAULT   ((uint64_t)1 << 20)
#define CMSTORE_ITEM_MIN       ((uint64_t)1 << 10)
#define CMSTORE_ITEM_MAX       ((uint64_t)1 << 30)
#define CMSTORE_THREADS_MAX    256

typedef struct cmstore cmstore;
typedef struct cmstore_thread cmstore_thread;

struct cmstore_evicted;
/* An item goes to make room, and cmstore_describe_evicted() says which. Called by whatever thread
 * makes the room, the store's own included, which holds locks of the store: it must be quick and
 * must not call the store for anything else. Several threads never call at once. */
typedef void cmstore_evict_hook(void *context, const struct cmstore_evicted *evicted);

/* ---- life ---------------------------------------------------------------------------------- */

struct cmstore_options {
    uint64_t memory_bytes;   /* limit of everything the store holds; 0: CMSTORE_MEMORY_DEFAULT */
    uint64_t item_bytes_max; /* largest item, key and overhead included, at most half of memory;
                                0: CMSTORE_ITEM_DEFAULT, or half of memory if that is less */
    const char *policy;      /* a name from cmstore_policy_name(); NULL: the measured best */
    bool no_evict;           /* full: refuse with CM_NO_MEMORY instead of evicting */
    bool no_background;      /* no maintenance thread: calls that need room make it themselves.
                                Deterministic for one thread. */
    uint64_t hash_seed;      /* 0: from the system's random source */
    uint32_t clock_s;        /* first reading of the clock; 0: 2 */
    cmstore_evict_hook *on_evict; /* NULL: nobody is told */
    void *on_evict_context;
};

/* INVALID (a size out of range), UNKNOWN_POLICY, NO_MEMORY, SYSTEM. On success the caller owns
 * *out and gives it to cmstore_destroy(). */
CM_MUST_CHECK enum cm_status cmstore_create(const struct cmstore_options *options, cmstore **out);

/* Takes the store; every thread must be detached and every pin released. NULL is allowed. */
void cmstore_destroy(cmstore *store);

/* TOO_MANY_THREADS, NO_MEMORY. The membership is given back with cmstore_detach(). */
CM_MUST_CHECK enum cm_status cmstore_attach(cmstore *store, cmstore_thread **out);
void cmstore_detach(cmstore_thread *thread); /* NULL is allowed */

/* Bracket a batch of calls to pay the price of entering once; calls outside of a batch enter by
 * themselves. Batches do not nest and must be short: memory freed meanwhile waits for their end. */
void cmstore_begin(cmstore_thread *thread);
void cmstore_end(cmstore_thread *thread);

/* Moves the clock; expired items vanish and a delayed flush strikes. A reading before the current
 * one is ignored. Not for a thread inside a batch. */
void cmstore_set_clock(cmstore *store, uint32_t now_s);
uint32_t cmstore_clock(const cmstore *store);

/* ---- keys ---------------------------------------------------------------------------------- */

struct cmstore_key {
    const void *data; /* borrowed for the length of a call */
    size_t bytes;     /* 1 to CMSTORE_KEY_BYTES_MAX, the caller's duty */
    uint64_t hash;    /* seeded XXH3 of the key */
    uint32_t hint;    /* where to look first: any value does; prefetching finds the best */
};

struct cmstore_key cmstore_key(const cmstore *store, const void *data, size_t bytes);

/* Hints for a batch, in passes over its keys: first every key's bucket, then, once those have
 * arrived, which slot leads to its item (the key's hint), then every item that hints lead to. A pass
 * may be left out; only inside a batch. */
void cmstore_prefetch_bucket(const cmstore *store, const struct cmstore_key *key);
/* False: there seems to be none, and cmstore_why() may be asked for next. */
bool cmstore_prefetch_slot(const cmstore *store, struct cmstore_key *key);
void cmstore_prefetch_item(const cmstore *store, const struct cmstore_key *key);
/* Besides the item: what a call looks at that overwrites it. */
void cmstore_prefetch_store(const cmstore *store, const struct cmstore_key *key);
void cmstore_prefetch_why(const cmstore *store, const struct cmstore_key *key);

/* ---- what a call found --------------------------------------------------------------------- */

enum cmstore_outcome {
    CMSTORE_MISS,       /* no such item */
    CMSTORE_HIT,        /* found; delete: removed; touch: done; arith: counted */
    CMSTORE_STORED,     /* created or replaced; gets: created */
    CMSTORE_NOT_STORED, /* the mode's condition did not hold */
    CMSTORE_EXISTS,     /* the cas given is not the item's */
};

struct cmstore_value {
    const void *data; /* NULL where the item is chained: use cmstore_pin_part() */
    size_t bytes;
};

/* An item as the call found it (gets: before the call's own effects, but `expires` and `cas` are
 * those after them). */
struct cmstore_item {
    enum cmstore_outcome outcome;
    uint32_t client_flags;
    uint64_t cas;
    uint32_t expires;       /* clock second, 0: never */
    uint32_t expires_old;   /* before the call touched it */
    uint32_t last_access_s; /* clock second of the last access before this one */
    uint32_t item_bytes;    /* key, value and header */
    struct cmstore_value value;
    bool fetched;  /* has been read before */
    bool stale;    /* marked stale by delete or cas */
    bool won;      /* this caller is to recompute the value */
    bool win_sent; /* another caller already is */
    bool expired;  /* outcome MISS, because the item was there but had expired */
    bool flushed;  /* outcome MISS, because the item was there but had been flushed */
};

/* ---- reading ------------------------------------------------------------------------------- */

/* The optimistic read: no lock, no copy, no write to shared memory. Inside a batch:
 *
 *     do {
 *         if (!cmstore_peek(thread, &key, &peek)) ... needs cmstore_pin() or is a miss
 *         copy peek.item.value with cmstore_copy()
 *     } while (!cmstore_confirm(thread, &peek));
 *
 * The value may change under the reader until cmstore_confirm() says it did not; what was copied
 * must be thrown away otherwise. Never reads outside of the arena. */
struct cmstore_peek {
    struct cmstore_item item;
    const void *private_bucket;
    const void *private_slot;
    uint64_t private_word;
    uint64_t private_version;
};

enum cmstore_peeked {
    CMSTORE_PEEK_MISS,   /* item.outcome is MISS; nothing to confirm */
    CMSTORE_PEEK_HIT,    /* copy the value, then confirm */
    CMSTORE_PEEK_LOCKED, /* needs cmstore_pin(): chained, marked stale, or much contended */
};

enum cmstore_peeked cmstore_peek(cmstore_thread *thread, const struct cmstore_key *key,
                                 struct cmstore_peek *peek);
/* True: what was copied is the item's value, and the hit is recorded for the eviction policy. */
bool cmstore_confirm(cmstore_thread *thread, const struct cmstore_peek *peek);
/* Same, recording nothing. */
bool cmstore_confirm_quietly(cmstore_thread *thread, const struct cmstore_peek *peek);
/* memcpy for a value that may be changing. */
void cmstore_copy(void *to, const void *from, size_t bytes);

struct cmstore_get_options {
    bool set_expires;        /* touch: */
    uint32_t expires;        /*   the new expiry */
    bool vivify;             /* on a miss create an empty item, which the caller has won: */
    uint32_t vivify_expires; /*   its expiry */
    uint64_t vivify_cas;     /*   its cas, 0: the store's next */
    bool recache;            /* win once if less than this is left to live: */
    uint32_t recache_s;
    bool quiet; /* record neither access nor hit */
    bool look;  /* likewise, and leave the win to others; alone */
};

/* A value that stays where it is until unpinned, whatever happens to the item. While pinned its
 * segments are not reused, so pins must be bounded in number and time. May outlive its batch and
 * move between threads. */
struct cmstore_pin {
    struct cmstore_item item; /* value.data NULL and value.bytes set: chained */
    cmstore *private_store;
    uint64_t private_head;
};

/* NO_MEMORY (only where something changes). item.outcome tells HIT, MISS, or STORED when vivified;
 * all but a MISS are pinned. `options` may be NULL. */
CM_MUST_CHECK enum cm_status cmstore_pin(cmstore_thread *thread, const struct cmstore_key *key,
                                         const struct cmstore_get_options *options,
                                         struct cmstore_pin *pin);
/* The bytes of a pinned value from `offset` on: one contiguous run, empty at the end. */
struct cmstore_value cmstore_pin_part(const struct cmstore_pin *pin, size_t offset);
void cmstore_unpin(struct cmstore_pin *pin); /* a MISS is allowed */

/* The copy form: BUFFER_TOO_SMALL with item.value.bytes telling the size needed; all but the copy
 * has been done then. On a HIT item.value.data is `buffer`. `options` may be NULL. */
CM_MUST_CHECK enum cm_status cmstore_get(cmstore_thread *thread, const struct cmstore_key *key,
                                         const struct cmstore_get_options *options, void *buffer,
                                         size_t buffer_bytes, struct cmstore_item *item);

/* ---- what is not there --------------------------------------------------------------------- */

enum cmstore_reason {
    CMSTORE_UNKNOWN, /* never there, or gone for longer than is remembered */
    CMSTORE_EVICTED, /* for room */
    CMSTORE_EXPIRED,
    CMSTORE_DELETED, /* by a caller */
    CMSTORE_FLUSHED,
};

struct cmstore_gone {
    enum cmstore_reason reason;
    uint32_t when_s;   /* clock second at which it went; 0: not known, and neither is the rest */
    uint32_t unused_s; /* from its last use until then, being stored included */
    bool fetched;      /* had been read */
};

/* Why a key that a call has just missed is not there: what became of it the last time it was.
 *
 * A 128th of the memory, 16 KiB at least, remembers the keys that have gone last, in sets of eight by
 * their hash, of which the oldest gives way; one key in a thousand that never was may be taken for one
 * of them. Of keys evicted before, policies with a ghost (s3fifo, s3fifo-size, duel) remember
 * about as many as there are items, without the time: then one in fifty may be taken for evicted.
 * Inside a batch. */
struct cmstore_gone cmstore_why(cmstore_thread *thread, const struct cmstore_key *key);

/* ---- writing ------------------------------------------------------------------------------- */

enum cmstore_mode {
    CMSTORE_SET,
    CMSTORE_ADD,
    CMSTORE_REPLACE,
    CMSTORE_APPEND,
    CMSTORE_PREPEND,
};

struct cmstore_store_options {
    enum cmstore_mode mode;
    uint32_t client_flags;
    uint32_t expires;      /* clock second, 0: never; one that has passed: stored expired */
    bool compare_cas;      /* only if the item's cas is: */
    uint64_t cas;          /*   (a missing item: outcome MISS) */
    uint64_t cas_new;      /* 0: the store's next */
    bool accept_lower_cas; /* a lower cas than the item's stores too, but marks the item stale
                                  and keeps its expiry */
    bool vivify;           /* append, prepend: create a missing item */
    uint32_t vivify_expires;
    bool keep_expires;       /* an item that is replaced hands its expiry on */
    struct cmstore_pin *old; /* not NULL: once OK, has the item found, replaced or not, to be
                                unpinned; neither with append nor with prepend */
};

struct cmstore_stored {
    enum cmstore_outcome outcome; /* STORED, NOT_STORED, EXISTS, MISS */
    uint64_t cas;                 /* of the item stored; 0 otherwise */
    uint32_t item_bytes;
    uint64_t value_bytes; /* of the whole value, joined or not */
};

/* TOO_LARGE, NO_MEMORY (no_evict, everything is pinned, or a large value while others are under way:
 * see cmstore_write_begin()). append and prepend keep flags and expiry. `options` and `stored` may
 * be NULL. */
CM_MUST_CHECK enum cm_status cmstore_store(cmstore_thread *thread, const struct cmstore_key *key,
                                           struct cmstore_value value,
                                           const struct cmstore_store_options *options,
                                           struct cmstore_stored *stored);

/* A value that arrives in pieces. Room is taken as bytes arrive, and at most half of the
 * memory is under way at once: NO_MEMORY past that. The writer may outlive its batch. Nothing is
 * visible before cmstore_write_commit(); exactly `bytes` must have been written by then. The
 * writer ends with commit or abort, whatever they answer. */
typedef struct cmstore_writer cmstore_writer;
CM_MUST_CHECK enum cm_status cmstore_write_begin(cmstore_thread *thread,
                                                 const struct cmstore_key *key, size_t bytes,
                                                 const struct cmstore_store_options *options,
                                                 cmstore_writer **out);
CM_MUST_CHECK enum cm_status cmstore_write(cmstore_thread *thread, cmstore_writer *writer,
                                           const void *data, size_t bytes);
/* Other options than at the beginning; append and prepend stay what they are. */
void cmstore_write_change(cmstore_writer *writer, const struct cmstore_store_options *options);
CM_MUST_CHECK enum cm_status cmstore_write_commit(cmstore_thread *thread, cmstore_writer *writer,
                                                  struct cmstore_stored *stored);
void cmstore_write_abort(cmstore_thread *thread, cmstore_writer *writer); /* NULL is allowed */

struct cmstore_delete_options {
    bool compare_cas;
    uint64_t cas;
    uint64_t cas_new; /* with mark_stale or clear_value: the item's new cas; 0: the next */
    bool mark_stale;  /* keep the item, mark it stale */
    bool set_expires; /* with mark_stale */
    uint32_t expires;
    bool clear_value; /* keep the item, empty its value and client flags */
    struct cmstore_pin
        *old; /* not NULL: gets the item removed, to be unpinned; where none is kept */
};

/* Outcome HIT, MISS or EXISTS. NO_MEMORY only where the item is kept. `options` may be NULL. */
CM_MUST_CHECK enum cm_status cmstore_delete(cmstore_thread *thread, const struct cmstore_key *key,
                                            const struct cmstore_delete_options *options,
                                            struct cmstore_item *item);

struct cmstore_arith_options {
    uint64_t delta;
    bool decrement; /* stops at 0; increment wraps at 2^64 */
    bool is_signed; /* instead: value, delta and initial are int64_t, what does not fit is refused,
                       and a result may become shorter */
    bool compare_cas;
    uint64_t cas;
    uint64_t cas_new;
    bool set_expires;
    uint32_t expires;
    bool vivify; /* create a missing item with: */
    uint64_t initial;
    uint32_t vivify_expires;
};

struct cmstore_number {
    struct cmstore_item
        item;       /* outcome HIT, MISS, EXISTS, or STORED when created; value.data NULL */
    uint64_t value; /* the new value */
};

/* NOT_NUMERIC, OVERFLOW (signed), NO_MEMORY. A shorter result of a decrement is padded with spaces, as memcached
 * does. `options` is required. */
CM_MUST_CHECK enum cm_status cmstore_arith(cmstore_thread *thread, const struct cmstore_key *key,
                                           const struct cmstore_arith_options *options,
                                           struct cmstore_number *number);

/* Sets the expiry, leaves the cas. Outcome HIT or MISS. */
CM_MUST_CHECK enum cm_status cmstore_touch(cmstore_thread *thread, const struct cmstore_key *key,
                                           uint32_t expires, struct cmstore_item *item);

/* Every item stored before the clock reaches `at_s` is gone from then on; 0 or a second that has
 * passed: at once, on return. A later call replaces a pending one. */
void cmstore_flush(cmstore_thread *thread, uint32_t at_s);

/* ---- all of it ----------------------------------------------------------------------------- */

struct cmstore_visit {
    const void *key; /* borrowed for the callback */
    size_t key_bytes;
    struct cmstore_item item; /* value.data NULL */
};

typedef void cmstore_visitor(void *context, const struct cmstore_visit *visit);

/* Visits some items and returns the cursor of the rest, 0 at the end; start with 0. An item that
 * is there throughout is visited exactly once, however the table grows or shrinks meanwhile. The
 * callback must not call the store. */
uint64_t cmstore_scan(cmstore_thread *thread, uint64_t cursor, cmstore_visitor *visitor,
                      void *context);

/* For the hook of cmstore_options, which costs next to nothing while it does not ask. Returns what
 * the clock reads. */
uint32_t cmstore_describe_evicted(const struct cmstore_evicted *evicted,
                                  struct cmstore_visit *visit);

#define CMSTORE_COUNTER_TABLE(X)                                                                   \
    X(items, "items in the table")                                                                 \
    X(items_total, "items ever stored")                                                            \
    X(item_bytes, "bytes of live items, headers included")                                         \
    X(memory_limit, "the limit, bytes")                                                            \
    X(memory_used, "bytes of segments in use, index and bookkeeping")                              \
    X(index_bytes, "bytes of the index")                                                           \
    X(index_buckets, "buckets of the index")                                                       \
    X(gone_bytes, "bytes of the memory of keys that have gone")                                    \
    X(segment_bytes, "size of a segment")                                                          \
    X(segments, "segments the budget allows")                                                      \
    X(segments_free, "segments ready for use")                                                     \
    X(segments_open, "segments that are written to")                                               \
    X(segments_sealed, "segments that are full")                                                   \
    X(segments_evacuating, "segments that are being emptied")                                      \
    X(segments_limbo, "empty segments that somebody may still be reading")                         \
    X(segments_pinned, "segments held by pins")                                                    \
    X(evictions, "items evicted for room")                                                         \
    X(evicted_unfetched, "of these, never read")                                                   \
    X(evicted_active, "of these, read within the last minute")                                     \
    X(evicted_idle_s, "seconds for which evicted items had not been used, summed")                 \
    X(expired, "items found or reclaimed expired")                                                 \
    X(expired_unfetched, "of these, never read")                                                   \
    X(reclaimed_segments, "segments emptied for reuse")                                            \
    X(copied_items, "items moved by reclaim")                                                      \
    X(copied_bytes, "bytes moved by reclaim")                                                      \
    X(in_place, "overwrites done in place")                                                        \
    X(flushed, "items dropped by a flush")                                                         \
    X(ghost_hits, "misses the policy remembered")                                                  \
    X(no_memory, "stores refused for lack of room")                                                \
    X(waits, "stores that had to wait for reclaim")

/* Limits of the ages at which items are evicted, in seconds: up to a month. */
#define CMSTORE_EVICTED_AGE_TABLE(X)                                                               \
    X(1)                                                                                           \
    X(5) X(15) X(60) X(300) X(900) X(3600) X(14400) X(43200) X(86400) X(259200) X(604800) X(2592000)
enum {
#define CMSTORE_EVICTED_AGE(limit_s) CMSTORE_EVICTED_WITHIN_##limit_s##_S,
    CMSTORE_EVICTED_AGE_TABLE(CMSTORE_EVICTED_AGE)
#undef CMSTORE_EVICTED_AGE
        CMSTORE_EVICTED_LATER,
    CMSTORE_EVICTED_AGES
};

struct cmstore_counters {
#define CMSTORE_COUNTER_FIELD(name, text) uint64_t name;
    CMSTORE_COUNTER_TABLE(CMSTORE_COUNTER_FIELD)
#undef CMSTORE_COUNTER_FIELD
    /* Of the evictions: those of items that had not been used for at most that limit's seconds, and
     * longer than the limit before; the last: longer than all. */
    uint64_t evicted_ages[CMSTORE_EVICTED_AGES];
};

void cmstore_read_counters(const cmstore *store, struct cmstore_counters *counters);
/* Zeroes those that count events. */
void cmstore_reset_counters(cmstore *store);

/* Takes memory out of the budget for the caller's own buffers (or gives it back, negative), so
 * that one limit holds for both. Never fails; room is made in the background. */
void cmstore_charge(cmstore *store, int64_t bytes);

/* ---- changes while running ----------------------------------------------------------------- */

/* LIMIT_TOO_SMALL (for the engine, for two of the largest items, or with no_evict for what is
 * there), INVALID (beyond the address space reserved at start, 16 times the first limit and at
 * least 64 GiB). Shrinking evicts before it returns. */
CM_MUST_CHECK enum cm_status cmstore_set_memory(cmstore_thread *thread, uint64_t memory_bytes);
/* The smallest limit that the engine can do with now, whatever is stored. */
uint64_t cmstore_memory_min(cmstore *store);
/* UNKNOWN_POLICY. Items stay; the new policy starts with what it can read from them. */
CM_MUST_CHECK enum cm_status cmstore_set_policy(cmstore_thread *thread, const char *name);
const char *cmstore_policy(const cmstore *store);

/* The policies by number from 0, NULL past the last; *text, if not NULL, gets a line about it. */
const char *cmstore_policy_name(size_t number, const char **text);

uint64_t cmstore_item_bytes_max(const cmstore *store);

/* Checks every invariant of the whole structure, aborting on the first that does not hold. No
 * other thread may be inside the store. For tests. */
void cmstore_check(cmstore_thread *thread);

#ifdef __cplusplus
}
#endif

#endif

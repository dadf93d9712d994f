/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_ENGINE_H
#define CM_STORE_ENGINE_H

/* What the engine's files share. Locks, in the order they may be taken:
 *
 *   keeper.mutex -> index.resizing -> bucket locks -> arena.mutex, index.spill_mutex
 *
 * The last two are held for moments only. A thread waiting for the keeper's mutex is offline (E2)
 * and holds no bucket; nobody waits for index.resizing. */

#include "base/check.h"
#include "store/arena.h"
#include "store/epoch.h"
#include "store/gone.h"
#include "store/index.h"
#include "store/policy/policy.h"

#include <cacheman/store.h>
#include <string.h>

/* Counted per thread, by one writer; summed on reading. The first two are levels, the others
 * events that a reset zeroes. */
enum cm_tally_kind {
    CM_TALLY_ITEMS,
    CM_TALLY_ITEM_BYTES,
    CM_TALLY_ITEMS_TOTAL,
    CM_TALLY_EVICTIONS,
    CM_TALLY_EVICTED_UNFETCHED,
    CM_TALLY_EVICTED_ACTIVE,
    CM_TALLY_EVICTED_IDLE_S,
    CM_TALLY_EXPIRED,
    CM_TALLY_EXPIRED_UNFETCHED,
    CM_TALLY_RECLAIMED_SEGMENTS,
    CM_TALLY_COPIED_ITEMS,
    CM_TALLY_COPIED_BYTES,
    CM_TALLY_IN_PLACE,
    CM_TALLY_FLUSHED,
    CM_TALLY_NO_MEMORY,
    CM_TALLY_WAITS,
    CM_TALLY_EVICTED_AGES, /* CMSTORE_EVICTED_AGES of them */
    CM_TALLY_KINDS = CM_TALLY_EVICTED_AGES + (int)CMSTORE_EVICTED_AGES
};

struct cm_tally {
    _Alignas(64) _Atomic int64_t n[CM_TALLY_KINDS];
};

struct cm_keeper {
    struct cm_os_mutex mutex; /* held by whoever reclaims, flushes, resizes or changes policy */
    struct cm_os_mutex sleep_mutex;
    struct cm_os_cond wake;
    struct cm_os_thread thread;
    cmstore_thread *self; /* the membership of the background thread, NULL without one */
    _Atomic bool asleep, stop;
    /* under mutex */
    uint32_t limbo;        /* list of segments, by `newer` */
    uint64_t policy_bytes; /* of the policy's bookkeeping, as far as the budget knows */
    uint32_t dead_cursor;  /* where the search for mostly dead segments goes on */
    uint64_t sweep_cursor; /* bucket where the search for expired items goes on */
    uint64_t flush_cursor; /* likewise for flushed ones */
    uint64_t spill_bytes;  /* of the index, as far as the budget knows */
    uint32_t swept_s;      /* clock second of the last sweep */
};

struct cmstore {
    struct cm_arena arena;
    struct cm_index index;
    struct cm_gone gone;
    struct cm_epoch epoch;
    struct cm_keeper keeper;
    /* P1  Freed a grace period after it was exchanged under arena.mutex: whoever looks at it is
     *     online, or holds that mutex or the keeper's. */
    _Atomic(struct cm_policy *) policy;
    uint64_t seed;
    uint64_t item_bytes_max;
    uint64_t items_max;           /* that the address space could ever hold */
    cmstore_evict_hook *on_evict; /* may be NULL */
    void *on_evict_context;
    bool no_evict, background;
    _Atomic uint32_t clock_s;
    _Atomic uint32_t flush_at_s; /* pending, 0: none */
    _Atomic uint32_t flushed_s;  /* when the last flush struck */
    _Atomic uint64_t
        flushed_upto;      /* items in segments opened up to then are gone; 0: none are left */
    _Atomic bool expiring; /* an item with an expiry has been stored */
    _Alignas(64) _Atomic uint64_t cas_taken;    /* in blocks, by threads */
    _Atomic uint64_t in_flight_bytes;           /* of values being written */
    _Atomic int64_t tally_zero[CM_TALLY_KINDS]; /* what the last reset subtracts */
    struct cm_tally tallies[CMSTORE_THREADS_MAX];
};

struct cmstore_thread {
    cmstore *store;
    unsigned slot;
    bool in_batch;
    int items_unreported; /* not yet in index.items */
    uint64_t cas_last, cas_block_end;
};

/* ---- thread.c ---- */

static inline void cm_enter(cmstore_thread *t) {
    if (!t->in_batch)
        cm_epoch_enter(&t->store->epoch, t->slot);
}
static inline void cm_leave(cmstore_thread *t) {
    if (!t->in_batch)
        cm_epoch_leave(&t->store->epoch, t->slot);
}
/* Between operations nothing is held: a batch may be offline for a while. */
void cm_go_offline(cmstore_thread *t);
void cm_go_online(cmstore_thread *t);

static inline void cm_tally_add(cmstore_thread *t, enum cm_tally_kind kind, int64_t n) {
    _Atomic int64_t *counter = &t->store->tallies[t->slot].n[kind];
    int64_t was = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, was + n, memory_order_relaxed);
}
/* Items came (or went): keeps the tally and, coarsely, index.items. */
void cm_count_items(cmstore_thread *t, int items, int64_t bytes);

static inline uint32_t cm_now(const cmstore *s) {
    return atomic_load_explicit(&s->clock_s, memory_order_relaxed);
}
static inline struct cm_policy *cm_policy_of(const cmstore *s) {
    return atomic_load_explicit(&s->policy, memory_order_acquire);
}

#endif

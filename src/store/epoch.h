/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_EPOCH_H
#define CM_STORE_EPOCH_H

/* Quiescent-state-based reclamation (McKenney and Slingwine, "Read-copy update", 1998; the
 * epochs after Fraser, "Practical lock-freedom", 2004).
 *
 * A thread is online between enter and leave and offline otherwise. What was reachable at some
 * moment may be reused once every thread online then has left: cm_epoch_wait() returns after that.
 *
 * E1  A thread looks at arena memory only while online, or holding the keeper's mutex or the lock
 *     of the bucket that leads there, or through a pin.
 * E2  A thread that waits for more than a lock held for moments is offline. */

#include <cacheman/store.h>
#include <stdatomic.h>
#include <stdint.h>

#define CM_EPOCH_OFFLINE 0

struct cm_epoch_slot {
    _Alignas(64) _Atomic uint64_t seen; /* the epoch at entering, or CM_EPOCH_OFFLINE */
    _Atomic bool taken;
};

struct cm_epoch {
    _Alignas(64) _Atomic uint64_t now;
    struct cm_epoch_slot slots[CMSTORE_THREADS_MAX];
};

void cm_epoch_init(struct cm_epoch *epoch);

/* The number of a free slot, or -1. */
int cm_epoch_take_slot(struct cm_epoch *epoch);
void cm_epoch_give_slot(struct cm_epoch *epoch, unsigned slot);

/* The exchange is a full barrier: what the thread reads next is at least as new as what a waiter
 * that missed it had already unlinked. */
static inline void cm_epoch_enter(struct cm_epoch *epoch, unsigned slot) {
    uint64_t now = atomic_load_explicit(&epoch->now, memory_order_acquire);
    (void)atomic_exchange(&epoch->slots[slot].seen, now);
}

static inline void cm_epoch_leave(struct cm_epoch *epoch, unsigned slot) {
    atomic_store_explicit(&epoch->slots[slot].seen, CM_EPOCH_OFFLINE, memory_order_release);
}

/* Returns when every thread that was online at the call has left since. Caller is offline. */
void cm_epoch_wait(struct cm_epoch *epoch);

#endif

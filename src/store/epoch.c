/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/epoch.h"

#include "base/os/os.h"

#define SPINS_BEFORE_YIELD  128
#define YIELDS_BEFORE_SLEEP 64

void cm_epoch_init(struct cm_epoch *epoch) {
    atomic_init(&epoch->now, 1);
    for (unsigned i = 0; i < CMSTORE_THREADS_MAX; i++) {
        atomic_init(&epoch->slots[i].seen, CM_EPOCH_OFFLINE);
        atomic_init(&epoch->slots[i].taken, false);
    }
}

int cm_epoch_take_slot(struct cm_epoch *epoch) {
    for (int i = 0; i < CMSTORE_THREADS_MAX; i++) {
        bool taken = false;
        if (atomic_compare_exchange_strong(&epoch->slots[i].taken, &taken, true))
            return i;
    }
    return -1;
}

void cm_epoch_give_slot(struct cm_epoch *epoch, unsigned slot) {
    atomic_store(&epoch->slots[slot].taken, false);
}

static void pause_for(unsigned round) {
    if (round < SPINS_BEFORE_YIELD) {
        cm_os_cpu_relax();
    } else if (round < SPINS_BEFORE_YIELD + YIELDS_BEFORE_SLEEP) {
        cm_os_thread_yield();
    } else {
        cm_os_sleep_ms(1);
    }
}

void cm_epoch_wait(struct cm_epoch *epoch) {
    uint64_t target = atomic_fetch_add(&epoch->now, 1) + 1;
    for (unsigned i = 0; i < CMSTORE_THREADS_MAX; i++) {
        for (unsigned round = 0;; round++) {
            uint64_t seen = atomic_load(&epoch->slots[i].seen);
            if (seen == CM_EPOCH_OFFLINE || seen >= target)
                break;
            pause_for(round);
        }
    }
}

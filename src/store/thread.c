/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include <stdlib.h>

#define REPORT_EVERY 32

enum cm_status cmstore_attach(cmstore *store, cmstore_thread **out) {
    cmstore_thread *t = calloc(1, sizeof *t);
    if (!t)
        return CM_NO_MEMORY;
    int slot = cm_epoch_take_slot(&store->epoch);
    if (slot < 0) {
        free(t);
        return CM_TOO_MANY_THREADS;
    }
    t->store = store;
    t->slot = (unsigned)slot;
    *out = t;
    return CM_OK;
}

static void report_items(cmstore_thread *t) {
    atomic_fetch_add_explicit(&t->store->index.items, t->items_unreported, memory_order_relaxed);
    t->items_unreported = 0;
}

void cmstore_detach(cmstore_thread *thread) {
    if (!thread)
        return;
    CM_CHECK(!thread->in_batch);
    report_items(thread);
    cm_epoch_give_slot(&thread->store->epoch, thread->slot);
    free(thread);
}

void cmstore_begin(cmstore_thread *thread) {
    CM_CHECK(!thread->in_batch);
    cm_epoch_enter(&thread->store->epoch, thread->slot);
    thread->in_batch = true;
}

void cmstore_end(cmstore_thread *thread) {
    CM_CHECK(thread->in_batch);
    thread->in_batch = false;
    cm_epoch_leave(&thread->store->epoch, thread->slot);
}

void cm_go_offline(cmstore_thread *t) {
    if (t->in_batch)
        cm_epoch_leave(&t->store->epoch, t->slot);
}

void cm_go_online(cmstore_thread *t) {
    if (t->in_batch)
        cm_epoch_enter(&t->store->epoch, t->slot);
}

void cm_count_items(cmstore_thread *t, int items, int64_t bytes) {
    cm_tally_add(t, CM_TALLY_ITEM_BYTES, bytes);
    if (items == 0)
        return;
    cm_tally_add(t, CM_TALLY_ITEMS, items);
    t->items_unreported += items;
    if (t->items_unreported >= REPORT_EVERY || t->items_unreported <= -REPORT_EVERY) {
        report_items(t);
    }
}

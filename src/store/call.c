/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Room that vanished before it could be used: other threads were faster. */
#define ATTEMPTS_MAX 1000

static void find(struct cm_call *call) {
    call->hit = cm_find_locked(call->thread->store, call->bucket, call->key, &call->found);
    if (!call->hit)
        return;
    enum cm_validity validity = cm_drop_invalid_locked(call->thread, call->bucket, &call->found);
    call->hit = validity == CM_VALID;
    call->expired = validity == CM_EXPIRED;
    call->flushed = validity == CM_FLUSHED;
}

static enum cm_status attempt(struct cm_call *call, cm_operation *operation, void *context) {
    call->bucket = cm_index_lock(&call->thread->store->index, call->key->hash);
    find(call);
    enum cm_status status = operation(call, context);
    cm_bucket_unlock(call->bucket);
    return status;
}

enum cm_status cm_call_run(cmstore_thread *t, const struct cmstore_key *key,
                           cm_operation *operation, void *context) {
    struct cm_call call = {.thread = t, .key = key};
    for (int attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
        cm_enter(t);
        enum cm_status status = attempt(&call, operation, context);
        cm_leave(t);
        if (status != CM_NO_MEMORY) {
            (void)cm_index_grow(t->store);
            cm_keeper_nudge(t->store);
            return status;
        }
        if (!cm_make_room(t))
            break;
    }
    cm_tally_add(t, CM_TALLY_NO_MEMORY, 1);
    return CM_NO_MEMORY;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_COMMAND_H
#define CM_COMMAND_COMMAND_H

#include "command/admin.h"
#include "command/control.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"
#include "op/op.h"
#include "op/reply.h"
#include <cacheman/store.h>

/* Executes ops on a store. All calls run inside a batch (cmstore_begin) of the thread. */
struct cm_command {
    cmstore *store;
    cmstore_thread *thread;
    struct cm_metrics *metrics; /* the thread's */
    struct cm_admin *admin;
    struct cm_watch *watch; /* the admin's */
    const struct cm_control *control;
    int64_t wall_zero_s;
    uint64_t item_bytes_max;
    int64_t descriptor;     /* of the connection, for those who watch */
    uint32_t now_s;         /* the clock at the start of the batch of ops */
    struct cm_hot_turn hot; /* the thread's list of hot keys */
    bool flush_disabled;
    bool dump_disabled;
    bool shutdown_enabled;
    bool debug_time;
};

#define CM_EXEC_NAMES_BYTES 256

/* One op under way. `tries` is 0 before the first; the rest is set by cm_command_execute(). */
struct cm_exec {
    struct cm_reply reply;
    unsigned tries;
    bool unconfirmed; /* the reply's value may have changed while it was copied */
    bool pinned;      /* `pin` is held until the reply is written */
    struct cmstore_peek peek;
    struct cmstore_pin pin;
    char names[CM_EXEC_NAMES_BYTES]; /* what there is to choose from, for the reply */
};

static inline void cm_exec_clear(struct cm_exec *exec, enum cm_outcome outcome) {
    cm_reply_clear(&exec->reply, outcome);
    exec->unconfirmed = false;
    exec->pinned = false;
}

/* Hashes the keys of a batch and has the processor fetch what they lead to. */
void cm_command_prepare(struct cm_command *command, struct cm_op *ops, unsigned count);

/* Any op but the long ones (CM_OP_STATS, CM_OP_DUMP: command/long.h) and CM_OP_STORE_LONG. */
void cm_command_execute(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);

/* When the reply has been written. False: it is not good; take it back and execute once more. */
bool cm_command_finish(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec);

/* ---- CM_OP_STORE_LONG: a value that arrives in pieces ---- */

struct cm_stream {
    struct cm_op op; /* its slices live as long as the stream */
    cmstore_writer *writer;
};

/* stream->op is set. False: refused, and exec->reply says so. */
bool cm_command_stream_begin(struct cm_command *command, struct cm_stream *stream,
                             struct cm_exec *exec);
/* False: refused, the stream has ended, and exec->reply says so. */
bool cm_command_stream_write(struct cm_command *command, struct cm_stream *stream,
                             struct cm_slice bytes, struct cm_exec *exec);
/* All bytes have been written; stream->op may ask for more by now than at the beginning. With
 * CM_OP_BAD_END in its options nothing is stored. When the reply has been written,
 * cm_command_finish(). `exec` is clear. */
void cm_command_stream_end(struct cm_command *command, struct cm_stream *stream,
                           struct cm_exec *exec);
/* The rest will not come. */
void cm_command_stream_abort(struct cm_command *command, struct cm_stream *stream);

/* The number of the class of memory in which memcached would keep an item of that size, from 1. */
uint32_t cm_size_class(size_t item_bytes);
/* The size of the items of a class; 0 past the last. */
size_t cm_size_class_bytes(uint32_t size_class);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_TALLY_H
#define CM_SESSION_TALLY_H

#include "base/check.h"
#include "command/requests.h"
#include "session/timing.h"

/* What was answered and not yet handed over. */
struct cm_timing {
    uint32_t commands; /* a set: those with a count */
    uint32_t counts[CM_COMMANDS];
    uint64_t (*now_ns)(void); /* NULL: nobody looks for slow requests */
    uint64_t last_ns;         /* when the request before had been executed */
    struct cm_session_slowest slowest;
};

_Static_assert(CM_COMMANDS <= 32, "a set of commands is an uint32_t");

/* An op has been executed, while slow ones are looked for. */
void cm_timing_note(struct cm_timing *timing, const struct cm_op *op, enum cm_command_kind command,
                    const struct cm_reply *reply);

static inline void cm_timing_begin(struct cm_timing *timing) {
    if (CM_UNLIKELY(timing->now_ns != NULL)) {
        timing->last_ns = timing->now_ns();
    }
}

/* An op has been answered: it counts, unless it is no request. */
static inline void cm_timing_count(struct cm_timing *timing, struct cm_metrics *metrics,
                                   const struct cm_op *op, const struct cm_reply *reply) {
    const enum cm_command_kind command = cm_request_command(op);
    if (op->kind == CM_OP_REPLY && op->selector == CM_REPLY_PLAIN) {
        return;
    }
    cm_request_count(metrics, command, reply->outcome);
    timing->counts[command]++;
    timing->commands |= (uint32_t)1 << command;
    if (CM_UNLIKELY(timing->now_ns != NULL)) {
        cm_timing_note(timing, op, command, reply);
    }
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/timing.h"
#include "session/internal.h"

bool cm_session_has_answered(const struct cm_session_worker *worker) {
    return worker->timing.commands != 0;
}

void cm_session_took(struct cm_session_worker *worker, uint64_t ns) {
    struct cm_timing *timing = &worker->timing;
    struct cm_durations *durations = worker->command.metrics->durations;
    for (unsigned left = timing->commands; left != 0; left &= left - 1) {
        const unsigned command = (unsigned)__builtin_ctz(left);
        cm_durations_add(&durations[command], ns, timing->counts[command]);
        timing->counts[command] = 0;
    }
    timing->commands = 0;
    timing->slowest.requests = 0;
}

void cm_session_look_for_slow(struct cm_session_worker *worker, uint64_t (*now_ns)(void)) {
    worker->timing.now_ns = now_ns;
}

const struct cm_session_slowest *cm_session_slowest(const struct cm_session_worker *worker) {
    CM_CHECK(worker->timing.slowest.requests > 0);
    return &worker->timing.slowest;
}

/* What the op is called in a message: "other" tells little. */
static const char *name_of(const struct cm_op *op, enum cm_command_kind command) {
    static const char *const names[CM_OP_KINDS] = {
        [CM_OP_MEMORY_LIMIT] = "memory_limit",
        [CM_OP_POLICY] = "policy",
        [CM_OP_REFRESH_CERTS] = "refresh_certs",
        [CM_OP_RESET] = "stats_reset",
        [CM_OP_STATS] = "stats",
        [CM_OP_DUMP] = "dump",
    };
    return names[op->kind] != NULL ? names[op->kind] : cm_command_kind_name(command);
}

static void note(struct cm_timing *timing, const struct cm_op *op, enum cm_command_kind command,
                 const struct cm_reply *reply) {
    struct cm_session_slowest *slowest = &timing->slowest;
    const bool is_store =
        op->kind == CM_OP_STORE || op->kind == CM_OP_STORE_LONG || op->kind == CM_OP_STORE_REFUSE;
    const bool has_key = (cm_op_traits(op->kind) & CM_TRAIT_KEYED) != 0;
    slowest->started_ns = timing->last_ns;
    slowest->command = name_of(op, command);
    slowest->value_bytes = is_store ? op->value.len : reply->value.bytes;
    slowest->key_bytes = has_key ? op->key.len : 0;
    CM_CHECK(slowest->key_bytes <= sizeof slowest->key);
    if (slowest->key_bytes > 0) {
        memcpy(slowest->key, op->key.data, slowest->key_bytes);
    }
}

void cm_timing_note(struct cm_timing *timing, const struct cm_op *op, enum cm_command_kind command,
                    const struct cm_reply *reply) {
    struct cm_session_slowest *slowest = &timing->slowest;
    const uint64_t now_ns = timing->now_ns();
    if (slowest->requests == 0 ||
        now_ns - timing->last_ns > slowest->ended_ns - slowest->started_ns) {
        note(timing, op, command, reply);
        slowest->ended_ns = now_ns;
    }
    slowest->requests++;
    timing->last_ns = now_ns;
}

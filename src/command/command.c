/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/hold.h"
#include "command/internal.h"

static bool is_keyed(const struct cm_op *op) {
    return (cm_op_traits(op->kind) & CM_TRAIT_KEYED) != 0;
}

/* The keys' hashes and buckets; then, when the first bucket has arrived, slots; then items. What is
 * fetched, the processor overlaps best in loops that do little else. */

static void prefetch_buckets(const struct cm_command *command, struct cm_op *ops, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (is_keyed(&ops[i])) {
            const struct cmstore_key key =
                cmstore_key(command->store, ops[i].key.data, ops[i].key.len);
            ops[i].hash = key.hash;
            ops[i].hint = (uint8_t)key.hint;
            cmstore_prefetch_bucket(command->store, &key);
        }
    }
}

static void prefetch_slots(const struct cm_command *command, struct cm_op *ops, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (is_keyed(&ops[i])) {
            struct cmstore_key key = cm_command_key(&ops[i]);
            if (!cmstore_prefetch_slot(command->store, &key) && ops[i].kind == CM_OP_GET) {
                cmstore_prefetch_why(command->store, &key);
            }
            ops[i].hint = (uint8_t)key.hint;
        }
    }
}

static void prefetch_items(const struct cm_command *command, const struct cm_op *ops,
                           unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (is_keyed(&ops[i])) {
            const struct cmstore_key key = cm_command_key(&ops[i]);
            cmstore_prefetch_item(command->store, &key);
            if (ops[i].kind == CM_OP_STORE) {
                cmstore_prefetch_store(command->store, &key);
            }
        }
    }
}

void cm_command_prepare(struct cm_command *command, struct cm_op *ops, unsigned count) {
    if (CM_UNLIKELY(command->hot.clock_s != command->now_s)) {
        cm_hot_begin_second(&command->hot, command->now_s);
    }
    prefetch_buckets(command, ops, count);
    if (count > 1) {
        prefetch_slots(command, ops, count);
        prefetch_items(command, ops, count);
    }
}

void cm_command_execute(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    cm_exec_clear(exec, CM_OUTCOME_MISS);
    if ((op->options & CM_OP_META) != 0 && exec->tries == 0) {
        cm_command_count(command, CM_METRIC_cmd_meta);
    }
    switch (op->kind) {
    case CM_OP_REPLY:
        break;
    case CM_OP_GET:
        cm_command_get(command, op, exec);
        break;
    case CM_OP_STORE:
    case CM_OP_STORE_REFUSE:
        cm_command_store(command, op, exec);
        break;
    case CM_OP_DELETE:
        cm_command_delete(command, op, exec);
        break;
    case CM_OP_ARITH:
        cm_command_arith(command, op, exec);
        break;
    case CM_OP_TOUCH:
        cm_command_touch(command, op, exec);
        break;
    case CM_OP_INSPECT:
        cm_command_inspect(command, op, exec);
        break;
    default:
        cm_command_serve(command, op, exec);
        break;
    }
}

/* Of the value that was asked for or stored. */
static size_t value_bytes(const struct cm_op *op, const struct cm_reply *reply) {
    switch (op->kind) {
    case CM_OP_GET:
        return (op->options & CM_OP_NO_VALUE) != 0 || reply->known ? 0 : reply->value.bytes;
    case CM_OP_STORE:
    case CM_OP_STORE_LONG:
    case CM_OP_STORE_REFUSE:
        return op->value.len;
    default:
        return 0;
    }
}

/* The request is one of those that are looked at for hot keys. */
__attribute__((cold, noinline)) static void take_for_hot_keys(struct cm_command *command,
                                                              const struct cm_op *op,
                                                              const struct cm_reply *reply) {
    const struct cm_hot_request request = {
        .key = op->key,
        .hash = op->hash,
        .value_bytes = value_bytes(op, reply),
        .writes = op->kind != CM_OP_GET && op->kind != CM_OP_INSPECT,
        .misses = reply->outcome == CM_OUTCOME_MISS,
    };
    cm_hot_take(&command->hot, is_keyed(op) ? &request : NULL);
}

bool cm_command_finish(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    const bool good = cm_command_finish_get(command, op, exec);
    if (good && cm_hot_is_due(&command->hot)) {
        take_for_hot_keys(command, op, &exec->reply);
    }
    if (CM_UNLIKELY(exec->reply.value.hold != NULL)) {
        cm_hold_release(exec->reply.value.hold);
    }
    return good;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/internal.h"

/* What changes an item other than by storing. */

static enum cm_outcome outcome_of(enum cmstore_outcome outcome) {
    switch (outcome) {
    case CMSTORE_HIT:
        return CM_OUTCOME_HIT;
    case CMSTORE_STORED:
        return CM_OUTCOME_STORED;
    case CMSTORE_EXISTS:
        return CM_OUTCOME_EXISTS;
    default:
        return CM_OUTCOME_MISS;
    }
}

void cm_command_delete(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    struct cmstore_item item;
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_delete_options options = {
        .compare_cas = (op->options & CM_OP_CAS) != 0,
        .cas = op->cas,
        .cas_new = op->cas_new,
        .mark_stale = (op->options & CM_OP_STALE) != 0,
        .set_expires = (op->options & CM_OP_SET_EXPIRES) != 0,
        .expires = op->expires,
        .clear_value = (op->options & CM_OP_CLEAR) != 0,
        .old = (op->options & CM_OP_WANT_OLD) != 0 ? &exec->pin : NULL,
    };
    cm_admin_count_detail(command->admin, op->key, CM_DETAIL_DELETE);
    cm_command_tell_fetch(command, op);
    if (cmstore_delete(command->thread, &key, &options, &item) != CM_OK) {
        exec->reply.outcome = CM_OUTCOME_NO_MEMORY;
        return;
    }
    exec->reply.outcome = (uint8_t)outcome_of(item.outcome);
    if (options.old != NULL) {
        cm_command_take_old(exec);
    }
    if (item.outcome != CMSTORE_HIT) {
        cm_command_count(command, CM_METRIC_delete_misses);
    } else if (!options.mark_stale) {
        cm_command_count(command, CM_METRIC_delete_hits);
    }
    const bool gone = item.outcome == CMSTORE_HIT && !options.mark_stale && !options.clear_value;
    if (gone && cm_command_is_watched(command, CM_WATCH_DELETIONS)) {
        cm_events_deleted(command, op, &item);
    }
}

static void count_arith(const struct cm_command *command, const struct cm_op *op,
                        enum cm_outcome outcome) {
    const bool decrement = (op->options & CM_OP_DECREMENT) != 0;
    if (outcome == CM_OUTCOME_HIT) {
        cm_command_count(command, decrement ? CM_METRIC_decr_hits : CM_METRIC_incr_hits);
    } else if (outcome == CM_OUTCOME_MISS) {
        cm_command_count(command, decrement ? CM_METRIC_decr_misses : CM_METRIC_incr_misses);
    }
}

static enum cm_outcome refusal_of(enum cm_status status) {
    switch (status) {
    case CM_NOT_NUMERIC:
        return CM_OUTCOME_NOT_NUMERIC;
    case CM_OVERFLOW:
        return CM_OUTCOME_OVERFLOW;
    default:
        return CM_OUTCOME_NO_MEMORY;
    }
}

void cm_command_arith(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    struct cmstore_number number;
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_arith_options options = {
        .delta = op->delta,
        .decrement = (op->options & CM_OP_DECREMENT) != 0,
        .is_signed = op->selector == CM_ARITH_SIGNED,
        .compare_cas = (op->options & CM_OP_CAS) != 0,
        .cas = op->cas,
        .cas_new = op->cas_new,
        .set_expires = (op->options & CM_OP_SET_EXPIRES) != 0,
        .expires = op->expires,
        .vivify = (op->options & CM_OP_VIVIFY) != 0,
        .initial = op->initial,
        .vivify_expires = op->vivify_expires,
    };
    cm_command_tell_fetch(command, op);
    const enum cm_status status = cmstore_arith(command->thread, &key, &options, &number);
    if (status != CM_OK) {
        exec->reply.outcome = (uint8_t)refusal_of(status);
        return;
    }
    exec->reply.outcome = (uint8_t)outcome_of(number.item.outcome);
    exec->reply.number = number.value;
    exec->reply.cas = number.item.cas;
    exec->reply.ttl_s = cm_command_ttl(command, number.item.expires);
    exec->reply.ttl_old_s = number.item.outcome == CMSTORE_STORED
                                ? exec->reply.ttl_s
                                : cm_command_ttl(command, number.item.expires_old);
    count_arith(command, op, exec->reply.outcome);
    if (number.item.outcome == CMSTORE_STORED &&
        cm_command_is_watched(command, CM_WATCH_MUTATIONS)) {
        cm_events_created(command, op, &number);
    }
}

void cm_command_touch(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    struct cmstore_item item;
    const struct cmstore_key key = cm_command_key(op);
    cm_command_tell_fetch(command, op);
    if (cmstore_touch(command->thread, &key, op->expires, &item) != CM_OK) {
        exec->reply.outcome = CM_OUTCOME_NO_MEMORY;
        return;
    }
    const bool hit = item.outcome == CMSTORE_HIT;
    exec->reply.outcome = hit ? CM_OUTCOME_HIT : CM_OUTCOME_MISS;
    exec->reply.client_flags = item.client_flags;
    exec->reply.cas = item.cas;
    if (hit) {
        exec->reply.ttl_old_s = cm_command_ttl(command, item.expires_old);
    }
    cm_command_count(command, CM_METRIC_cmd_touch);
    cm_command_count(command, hit ? CM_METRIC_touch_hits : CM_METRIC_touch_misses);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/internal.h"
#include <stdio.h>

/* Ops that concern the server rather than an item. */

#define POLICY_NAME_MAX 31

static enum cm_outcome flush(struct cm_command *command, const struct cm_op *op) {
    cm_command_count(command, CM_METRIC_cmd_flush);
    if (command->flush_disabled) {
        return CM_OUTCOME_DISABLED;
    }
    if ((op->options & CM_OP_BAD_END) != 0) {
        return CM_OUTCOME_BAD_END;
    }
    cmstore_flush(command->thread, op->expires);
    command->control->flushed(command->control->context, command->descriptor);
    return CM_OUTCOME_DONE;
}

/* Shrinking waits for room to be reclaimed, which waits for batches to end: leave ours. */
static enum cm_outcome set_memory(struct cm_command *command, uint64_t bytes) {
    cmstore_end(command->thread);
    const enum cm_status status = cmstore_set_memory(command->thread, bytes);
    cmstore_begin(command->thread);
    if (status != CM_OK) {
        return CM_OUTCOME_BAD_LIMIT;
    }
    command->control->memory_changed(command->control->context, bytes, command->descriptor);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome set_policy(struct cm_command *command, struct cm_slice name) {
    char text[POLICY_NAME_MAX + 1];
    if (name.len > POLICY_NAME_MAX) {
        return CM_OUTCOME_BAD_END;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    const enum cm_status status = cmstore_set_policy(command->thread, text);
    if (status == CM_NO_MEMORY) {
        return CM_OUTCOME_NO_MEMORY;
    }
    if (status != CM_OK) {
        return CM_OUTCOME_BAD_END;
    }
    command->control->policy_changed(command->control->context, command->descriptor);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome crawl(struct cm_command *command, const struct cm_op *op) {
    if (op->selector == CM_CRAWLER_RUN) {
        if (!cm_admin_crawler_is_on(command->admin)) {
            return CM_OUTCOME_DISABLED;
        }
        return (op->options & CM_OP_BAD_END) != 0 ? CM_OUTCOME_BAD_END : CM_OUTCOME_DONE;
    }
    cm_admin_set_crawler(command->admin, op->selector == CM_CRAWLER_ENABLE);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome set_detail(struct cm_command *command, const struct cm_op *op) {
    if (command->dump_disabled) {
        return CM_OUTCOME_DISABLED;
    }
    cm_admin_set_detail(command->admin, op->number != 0);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome shut_down(struct cm_command *command, const struct cm_op *op) {
    if (!command->shutdown_enabled) {
        return CM_OUTCOME_DISABLED;
    }
    if ((op->options & CM_OP_BAD_END) != 0) {
        return CM_OUTCOME_BAD_END;
    }
    command->control->shutdown(command->control->context, op->number != 0, command->descriptor);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome change_time(struct cm_command *command, const struct cm_op *op) {
    const struct cm_control *control = command->control;
    if (!command->debug_time) {
        return CM_OUTCOME_DISABLED;
    }
    switch (op->selector) {
    case CM_TIME_PAUSE:
        control->time_pause(control->context);
        break;
    case CM_TIME_RESUME:
        control->time_resume(control->context);
        break;
    default:
        control->time_move(control->context, (int64_t)op->number);
        break;
    }
    return CM_OUTCOME_DONE;
}

static enum cm_outcome reset(struct cm_command *command) {
    struct cm_server_stats stats;
    command->control->server_stats(command->control->context, &stats);
    cm_admin_reset_server(command->admin, &stats);
    cm_metrics_reset(cm_admin_metrics(command->admin));
    cmstore_reset_counters(command->store);
    cm_watch_reset_counts(command->watch);
    return CM_OUTCOME_DONE;
}

static enum cm_outcome refresh_certs(const struct cm_control *control) {
    switch (control->refresh_certs(control->context)) {
    case CM_REFRESH_OFF:
        return CM_OUTCOME_DISABLED;
    case CM_REFRESH_DONE:
        return CM_OUTCOME_DONE;
    case CM_REFRESH_FAILED:
        break;
    }
    return CM_OUTCOME_NOT_STORED;
}

static enum cm_outcome serve(struct cm_command *command, const struct cm_op *op) {
    const struct cm_control *control = command->control;
    switch (op->kind) {
    case CM_OP_FLUSH:
        return flush(command, op);
    case CM_OP_MEMORY_LIMIT:
        return set_memory(command, op->number);
    case CM_OP_POLICY:
        return set_policy(command, op->key);
    case CM_OP_VERBOSITY:
        control->set_verbosity(control->context, (uint32_t)op->number, command->descriptor);
        return CM_OUTCOME_DONE;
    case CM_OP_CRAWLER:
        return crawl(command, op);
    case CM_OP_REFRESH_CERTS:
        return refresh_certs(control);
    case CM_OP_DETAIL:
        return set_detail(command, op);
    case CM_OP_RESET:
        return reset(command);
    case CM_OP_SHUTDOWN:
        return shut_down(command, op);
    case CM_OP_TIME:
        return change_time(command, op);
    default:
        return CM_OUTCOME_DONE;
    }
}

/* "fifo, lru, lfu": a name that would not fit is left out. */
static void list_policies(struct cm_exec *exec) {
    size_t used = 0;
    const char *name, *text;
    for (size_t i = 0; (name = cmstore_policy_name(i, &text)) != NULL; i++) {
        const int added = snprintf(exec->names + used, sizeof exec->names - used, "%s%s",
                                   i > 0 ? ", " : "", name);
        if (added > 0 && (size_t)added < sizeof exec->names - used) {
            used += (size_t)added;
        }
    }
    exec->reply.value = (struct cm_reply_value){.data = exec->names, .bytes = used};
}

void cm_command_serve(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    exec->reply.outcome = (uint8_t)serve(command, op);
    if (op->kind == CM_OP_POLICY && exec->reply.outcome == CM_OUTCOME_BAD_END) {
        list_policies(exec);
    }
}

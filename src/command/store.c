/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/internal.h"

/* Storing, whole and in pieces. */

static enum cmstore_mode mode_of(const struct cm_op *op) {
    switch (op->mode) {
    case CM_MODE_ADD:
        return CMSTORE_ADD;
    case CM_MODE_REPLACE:
        return CMSTORE_REPLACE;
    case CM_MODE_APPEND:
        return CMSTORE_APPEND;
    case CM_MODE_PREPEND:
        return CMSTORE_PREPEND;
    default:
        return CMSTORE_SET;
    }
}

static struct cmstore_store_options options_of(const struct cm_op *op, struct cm_exec *exec) {
    const bool wants_old = (op->options & CM_OP_WANT_OLD) != 0;
    return (struct cmstore_store_options){
        .mode = mode_of(op),
        .client_flags = op->client_flags,
        .expires = op->expires,
        .compare_cas = (op->options & CM_OP_CAS) != 0,
        .cas = op->cas,
        .cas_new = op->cas_new,
        .accept_lower_cas = (op->options & CM_OP_LOWER_CAS) != 0,
        .vivify = (op->options & CM_OP_VIVIFY) != 0,
        .vivify_expires = op->vivify_expires,
        .keep_expires = (op->options & CM_OP_KEEP_TTL) != 0,
        .old = wants_old ? &exec->pin : NULL,
    };
}

static enum cm_outcome outcome_of(enum cmstore_outcome outcome) {
    switch (outcome) {
    case CMSTORE_STORED:
        return CM_OUTCOME_STORED;
    case CMSTORE_NOT_STORED:
        return CM_OUTCOME_NOT_STORED;
    case CMSTORE_EXISTS:
        return CM_OUTCOME_EXISTS;
    default:
        return CM_OUTCOME_MISS;
    }
}

static void count_cas(const struct cm_command *command, enum cm_outcome outcome) {
    if (outcome == CM_OUTCOME_STORED) {
        cm_command_count(command, CM_METRIC_cas_hits);
    } else if (outcome == CM_OUTCOME_EXISTS) {
        cm_command_count(command, CM_METRIC_cas_badval);
    } else {
        cm_command_count(command, CM_METRIC_cas_misses);
    }
}

static bool joins(const struct cm_op *op) {
    return op->mode == CM_MODE_APPEND || op->mode == CM_MODE_PREPEND;
}

static void tell(const struct cm_command *command, const struct cm_op *op,
                 const struct cmstore_stored *result, const struct cm_reply *reply) {
    if (cm_command_is_watched(command, CM_WATCH_MUTATIONS)) {
        cm_events_stored(command, op, reply->outcome, result);
    }
}

static void stored(struct cm_command *command, const struct cm_op *op,
                   const struct cmstore_stored *result, struct cm_exec *exec) {
    struct cm_reply *reply = &exec->reply;
    reply->outcome = (uint8_t)outcome_of(result->outcome);
    reply->cas = reply->outcome == CM_OUTCOME_STORED ? result->cas : 0;
    reply->value.bytes = op->value.len;
    /* Appending to nothing is "not stored" in memcached's protocols, unless a cas was given. */
    if (reply->outcome == CM_OUTCOME_MISS && (op->options & CM_OP_CAS) == 0) {
        reply->outcome = CM_OUTCOME_NOT_STORED;
    }
    if ((op->options & CM_OP_WANT_SIZE) != 0 && reply->outcome == CM_OUTCOME_STORED) {
        reply->value.bytes = (size_t)result->value_bytes;
    }
    if ((op->options & CM_OP_WANT_OLD) != 0) {
        reply->value.bytes = 0;
        cm_command_take_old(exec);
    }
    cm_command_count(command, CM_METRIC_cmd_set);
    if ((op->options & CM_OP_CAS) != 0) {
        count_cas(command, reply->outcome);
    }
    tell(command, op, result, reply);
}

/* The value could not be stored. Where the client asked to overwrite whatever there was, it must
 * not go on reading the old value. */
static void refused(struct cm_command *command, const struct cm_op *op, enum cm_status status,
                    struct cm_reply *reply) {
    static const struct cmstore_stored nothing;
    const bool too_large = status == CM_TOO_LARGE;
    if (too_large && joins(op) && op->key.len + op->value.len < command->item_bytes_max) {
        reply->outcome = CM_OUTCOME_NOT_STORED; /* what was sent is not too large, the sum is */
        cm_command_count(command, CM_METRIC_cmd_set);
        tell(command, op, &nothing, reply);
        return;
    }
    reply->outcome = too_large ? CM_OUTCOME_TOO_LARGE : CM_OUTCOME_NO_MEMORY;
    cm_command_count(command, too_large ? CM_METRIC_store_too_large : CM_METRIC_store_no_memory);
    tell(command, op, &nothing, reply);
    if (!too_large) {
        command->control->store_refused(command->control->context);
    }
    if ((op->options & CM_OP_DROP_OLD) != 0) {
        struct cmstore_item item;
        const struct cmstore_key key = cm_command_key(op);
        cm_command_tell_fetch(command, op);
        const enum cm_status gone = cmstore_delete(command->thread, &key, NULL, &item);
        CM_CHECK(gone == CM_OK); /* NO_MEMORY only where the item is kept */
    }
}

/* Counts as a set, as in memcached: the value has come. */
static void bad_end(const struct cm_command *command, struct cm_reply *reply) {
    reply->outcome = CM_OUTCOME_BAD_END;
    cm_command_count(command, CM_METRIC_cmd_set);
}

void cm_command_store(struct cm_command *command, const struct cm_op *op, struct cm_exec *exec) {
    struct cmstore_stored result = {0};
    cm_admin_count_detail(command->admin, op->key, CM_DETAIL_SET);
    if (op->kind == CM_OP_STORE_REFUSE) {
        refused(command, op, CM_TOO_LARGE, &exec->reply);
        return;
    }
    if (CM_UNLIKELY((op->options & CM_OP_BAD_END) != 0)) {
        bad_end(command, &exec->reply);
        return;
    }
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_value value = {op->value.data, op->value.len};
    cm_command_tell_fetch(command, op);
    const struct cmstore_store_options options = options_of(op, exec);
    const enum cm_status status = cmstore_store(command->thread, &key, value, &options, &result);
    if (CM_LIKELY(status == CM_OK)) {
        stored(command, op, &result, exec);
    } else {
        refused(command, op, status, &exec->reply);
    }
}

bool cm_command_stream_begin(struct cm_command *command, struct cm_stream *stream,
                             struct cm_exec *exec) {
    const struct cm_op *op = &stream->op;
    const struct cmstore_key key = cm_command_key(op);
    const struct cmstore_store_options options = options_of(op, exec);
    cm_admin_count_detail(command->admin, op->key, CM_DETAIL_SET);
    const enum cm_status status =
        cmstore_write_begin(command->thread, &key, op->value.len, &options, &stream->writer);
    if (status != CM_OK) {
        refused(command, op, status, &exec->reply);
    }
    return status == CM_OK;
}

bool cm_command_stream_write(struct cm_command *command, struct cm_stream *stream,
                             struct cm_slice bytes, struct cm_exec *exec) {
    const enum cm_status status =
        cmstore_write(command->thread, stream->writer, bytes.data, bytes.len);
    if (status != CM_OK) {
        cm_command_stream_abort(command, stream);
        refused(command, &stream->op, status, &exec->reply);
    }
    return status == CM_OK;
}

void cm_command_stream_end(struct cm_command *command, struct cm_stream *stream,
                           struct cm_exec *exec) {
    const struct cm_op *op = &stream->op;
    if ((op->options & CM_OP_BAD_END) != 0) {
        bad_end(command, &exec->reply);
        cm_command_stream_abort(command, stream);
        return;
    }
    struct cmstore_stored result = {0};
    const struct cmstore_store_options options = options_of(op, exec);
    cmstore_write_change(stream->writer, &options);
    cm_command_tell_fetch(command, op);
    const enum cm_status status = cmstore_write_commit(command->thread, stream->writer, &result);
    stream->writer = NULL;
    if (status == CM_OK) {
        stored(command, op, &result, exec);
    } else {
        refused(command, op, status, &exec->reply);
    }
}

void cm_command_stream_abort(struct cm_command *command, struct cm_stream *stream) {
    cmstore_write_abort(command->thread, stream->writer);
    stream->writer = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/internal.h"
#include <stdlib.h>

/* Values too long to be waited for go to the store as they come. Whatever goes wrong is answered at
 * once, and the rest of the value is dropped by the parser. */

/* NULL: no memory. */
static struct cm_incoming *create(const struct cm_op *op) {
    struct cm_incoming *incoming = malloc(sizeof *incoming + op->key.len + op->echo_bytes);
    if (incoming == NULL) {
        return NULL;
    }
    char *key = incoming->text;
    char *echo = incoming->text + op->key.len;
    memcpy(key, op->key.data, op->key.len);
    incoming->stream = (struct cm_stream){.op = *op, .writer = NULL};
    incoming->stream.op.key.data = key;
    if (op->echo_bytes > 0) {
        memcpy(echo, op->echo, op->echo_bytes);
        incoming->stream.op.echo = echo;
    }
    incoming->left = op->value.len;
    return incoming;
}

void cm_incoming_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    struct cm_incoming *incoming = create(op);
    cm_reply_clear(&worker->exec.reply, CM_OUTCOME_NO_MEMORY);
    if (incoming == NULL ||
        !cm_command_stream_begin(&worker->command, &incoming->stream, &worker->exec)) {
        free(incoming);
        session->parser.swallow = op->value.len + session->protocol->value_end.len;
        cm_session_reply(session, op, out);
        cm_session_count(worker, op);
        return;
    }
    incoming->end = session->protocol->value_end;
    session->incoming = incoming;
}

/* Ends the transfer with the reply that is in exec. */
static void finish(struct cm_session *session, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    const struct cm_op *op = &session->incoming->stream.op;
    cm_session_reply(session, op, out);
    CM_CHECK(cm_command_finish(&worker->command, op, &worker->exec));
    cm_session_count(worker, op);
    free(session->incoming);
    session->incoming = NULL;
}

/* False: refused, and answered. */
static bool take_value(struct cm_session *session, struct cm_progress *progress) {
    struct cm_session_worker *worker = session->worker;
    struct cm_incoming *incoming = session->incoming;
    struct cm_slice rest = cm_progress_rest(progress);
    rest.len = rest.len < incoming->left ? rest.len : (size_t)incoming->left;
    progress->used += rest.len;
    incoming->left -= rest.len;
    if (rest.len == 0 ||
        cm_command_stream_write(&worker->command, &incoming->stream, rest, &worker->exec)) {
        return true;
    }
    session->parser.swallow = incoming->left + incoming->end.len;
    finish(session, progress->out);
    return false;
}

/* Exactly as many bytes are read as the end has, right or wrong; what comes behind them is the next
 * request. */
static void take_end(struct cm_incoming *incoming, struct cm_progress *progress) {
    while (incoming->end.len > 0 && progress->used < progress->input.len) {
        if (progress->input.data[progress->used] != incoming->end.data[0]) {
            incoming->stream.op.options |= CM_OP_BAD_END;
        }
        progress->used++;
        incoming->end = cm_slice(incoming->end.data + 1, incoming->end.len - 1);
    }
}

/* The op is whole, whatever it has become. */
static void execute(struct cm_session *session, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    struct cm_stream *stream = &session->incoming->stream;
    if (stream->op.kind == CM_OP_REPLY) {
        cm_command_stream_abort(&worker->command, stream);
    } else {
        cm_command_stream_end(&worker->command, stream, &worker->exec);
    }
    finish(session, out);
}

/* False: there is more to come than what is left of the input. */
static bool take_rest(struct cm_session *session, struct cm_progress *progress) {
    const struct cm_protocol *protocol = session->protocol;
    struct cm_batch *batch = &session->worker->batch;
    struct cm_op *op = &session->incoming->stream.op;
    size_t used;
    if (protocol->parse_rest == NULL) {
        return true;
    }
    cm_session_start_batch(session);
    batch->ops[batch->count++] = *op;
    const enum cm_parse_status status =
        protocol->parse_rest(&session->parser, cm_progress_rest(progress), &used, batch);
    *op = batch->ops[0];
    progress->used += used;
    session->closing = status == CM_PARSE_CLOSE;
    return status != CM_PARSE_MORE;
}

bool cm_incoming_go_on(struct cm_session *session, struct cm_progress *progress) {
    struct cm_incoming *incoming = session->incoming;
    cm_exec_clear(&session->worker->exec, CM_OUTCOME_MISS);
    if (!take_value(session, progress) || incoming->left > 0) {
        return true;
    }
    take_end(incoming, progress);
    if (incoming->end.len > 0 || !take_rest(session, progress)) {
        return false;
    }
    execute(session, progress->out);
    return true;
}

void cm_incoming_abort(struct cm_session *session) {
    if (session->incoming != NULL) {
        cm_command_stream_abort(&session->worker->command, &session->incoming->stream);
        free(session->incoming);
        session->incoming = NULL;
    }
}

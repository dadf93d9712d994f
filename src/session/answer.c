/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/internal.h"

/* Long answers: one piece a turn, moved to the output as far as there is room. */

static void end_answer(struct cm_session *session) {
    cm_long_destroy(session->answer);
    session->answer = NULL;
}

/* A dump may be as long as the cache is large: memcached refuses one that follows other answers. */
static bool must_be_first(const struct cm_op *op) {
    return op->kind == CM_OP_DUMP && op->selector != CM_DUMP_CACHE;
}

void cm_answer_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    const struct cm_long_format format = {
        .stat_line = session->protocol->stat_line,
        .dump_item = session->protocol->dump_item,
        .long_end = session->protocol->long_end,
    };
    enum cm_outcome outcome;
    session->answer = cm_long_create(&worker->command, op, &format, &outcome);
    if (session->answer != NULL && must_be_first(op) && !cm_out_is_empty(out)) {
        outcome = CM_OUTCOME_PIPELINED;
        end_answer(session);
    }
    if (session->answer == NULL) {
        cm_reply_clear(&worker->exec.reply, outcome);
        cm_session_reply(session, op, out);
        cm_session_count(worker, op);
    }
}

/* Fills the output up to its limit, no further. */
static void move_text(struct cm_buf *text, struct cm_out *out) {
    const struct cm_slice all = cm_buf_slice(text);
    const size_t used = out->len + out->held_bytes + out->withheld;
    const size_t room = used <= CM_OUT_LIMIT ? CM_OUT_LIMIT + 1 - used : 0;
    const size_t bytes = all.len < room ? all.len : room;
    cm_out_put(out, cm_slice(all.data, bytes));
    cm_buf_consume(text, bytes);
}

enum cm_session_state cm_answer_go_on(struct cm_session *session, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    struct cm_buf *text = cm_long_text(session->answer);
    if (cm_buf_len(text) == 0) {
        worker->command.now_s = cmstore_clock(worker->command.store);
    }
    enum cm_long_state state = CM_LONG_GOES_ON;
    if (cm_buf_len(text) == 0 && !cm_long_is_done(session->answer)) {
        state = cm_long_go_on(&worker->command, session->answer);
    }
    if (state == CM_LONG_FAILED) {
        cm_metrics_count(worker->command.metrics, CM_METRIC_response_obj_oom);
        end_answer(session);
        return CM_SESSION_CLOSE;
    }
    move_text(text, out);
    if (cm_buf_len(text) == 0 && cm_long_is_done(session->answer)) {
        cm_reply_clear(&worker->exec.reply, CM_OUTCOME_DONE);
        cm_session_count(worker, cm_long_op(session->answer));
        end_answer(session);
        return CM_SESSION_READ;
    }
    return cm_out_is_full(out) ? CM_SESSION_BLOCKED : CM_SESSION_AGAIN;
}

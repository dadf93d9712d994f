/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/session.h"
#include "command/hold.h"
#include "session/internal.h"
#include <stdlib.h>

/* The life of some input:
 *
 *   feed --- nothing kept: worked through where it is ------+--> the rest is kept
 *      \---- something kept: appended, worked through there +
 *
 *   work:  incoming value | long answer | parse a batch, prefetch, execute, encode   ... repeat
 */

/* ---- making and ending ---- */

enum cm_status cm_session_worker_create(const struct cm_session_env *env, cmstore_thread *thread,
                                        struct cm_metrics *metrics,
                                        struct cm_session_worker **out) {
    struct cm_session_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return CM_NO_MEMORY;
    }
    worker->command = (struct cm_command){
        .store = env->store,
        .thread = thread,
        .metrics = metrics,
        .admin = env->admin,
        .watch = cm_admin_watch(env->admin),
        .control = env->control,
        .item_bytes_max = cmstore_item_bytes_max(env->store),
        .flush_disabled = env->flush_disabled,
        .dump_disabled = env->dump_disabled,
        .shutdown_enabled = env->shutdown_enabled,
        .debug_time = env->debug_time,
    };
    const enum cm_status status =
        cm_hot_join(cm_admin_hot_keys(env->admin), cmstore_clock(env->store), &worker->command.hot);
    if (status != CM_OK) {
        free(worker);
        return status;
    }
    worker->protocol = env->protocol;
    worker->auth = env->auth;
    worker->requests_per_turn = env->requests_per_turn > 0 ? env->requests_per_turn : UINT32_MAX;
    worker->watch_disabled = env->watch_disabled;
    worker->batch.limits.item_bytes_max = worker->command.item_bytes_max;
    *out = worker;
    return CM_OK;
}

void cm_session_worker_destroy(struct cm_session_worker *worker) {
    free(worker);
}

enum cm_status cm_session_create(struct cm_session_worker *worker, struct cm_session **out) {
    struct cm_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return CM_NO_MEMORY;
    }
    session->worker = worker;
    session->protocol = worker->protocol;
    session->authenticated = worker->auth == NULL;
    *out = session;
    return CM_OK;
}

void cm_session_destroy(struct cm_session *session) {
    if (session != NULL) {
        cm_incoming_abort(session);
        cm_watching_end(session);
        cm_long_destroy(session->answer);
        cm_login_destroy(session->login);
        cm_buf_deinit(&session->kept);
        free(session);
    }
}

/* ---- executing ---- */

static void execute(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    struct cm_exec *exec = &worker->exec;
    const size_t mark = cm_out_mark(out);
    exec->tries = 0;
    cm_command_execute(&worker->command, op, exec);
    const struct cm_encoder encoder = session->encoder;
    session->protocol->encode(&session->encoder, op, &exec->reply, out);
    while (CM_UNLIKELY(!cm_command_finish(&worker->command, op, exec))) {
        cm_out_rewind(out, mark);
        session->encoder = encoder;
        cm_command_execute(&worker->command, op, exec);
        session->protocol->encode(&session->encoder, op, &exec->reply, out);
    }
    cm_session_count(worker, op);
}

/* A shutdown that is granted has no answer. */
static void execute_shutdown(struct cm_session *session, const struct cm_op *op,
                             struct cm_out *out) {
    struct cm_session_worker *worker = session->worker;
    cm_command_execute(&worker->command, op, &worker->exec);
    if (worker->exec.reply.outcome == CM_OUTCOME_DONE) {
        session->closing = true;
    } else {
        cm_session_reply(session, op, out);
    }
}

/* Ops after which parsing cannot simply go on. */
static void execute_barrier(struct cm_session *session, const struct cm_op *op,
                            struct cm_out *out) {
    if (session->datagram && !cm_datagram_permits(op)) {
        session->closing = true;
        return;
    }
    switch (op->kind) {
    case CM_OP_STORE_LONG:
        cm_incoming_start(session, op, out);
        break;
    case CM_OP_STATS:
    case CM_OP_DUMP:
        cm_answer_start(session, op, out);
        break;
    case CM_OP_QUIT:
        session->closing = session->quit = true;
        break;
    case CM_OP_WATCH:
        cm_watching_start(session, op, out);
        break;
    case CM_OP_SHUTDOWN:
        execute_shutdown(session, op, out);
        break;
    case CM_OP_LOGIN:
    case CM_OP_SASL:
        cm_login_execute(session, op, out);
        break;
    default:
        execute(session, op, out);
        break;
    }
}

/* The number of ops executed: all, unless the output is full or the turn over. */
static unsigned execute_batch(struct cm_session *session, struct cm_progress *progress) {
    struct cm_batch *batch = &session->worker->batch;
    struct cm_out *out = progress->out;
    cm_command_prepare(&session->worker->command, batch->ops, batch->count);
    for (unsigned i = 0; i < batch->count; i++) {
        const struct cm_op *op = &batch->ops[i];
        if (CM_UNLIKELY(cm_out_is_full(out) || progress->requests_left == 0)) {
            return i;
        }
        progress->requests_left--;
        if (CM_UNLIKELY(!session->authenticated) && !cm_login_permits(op)) {
            cm_login_refuse(session, op, out);
        } else if (CM_UNLIKELY((cm_op_traits(op->kind) & CM_TRAIT_BARRIER) != 0)) {
            execute_barrier(session, op, out);
        } else {
            execute(session, op, out);
        }
    }
    return batch->count;
}

void cm_session_start_batch(const struct cm_session *session) {
    struct cm_session_worker *worker = session->worker;
    worker->batch.limits.unauthenticated = !session->authenticated;
    worker->command.now_s = cmstore_clock(worker->command.store);
    worker->batch.limits.now_s = worker->command.now_s;
    worker->command.wall_zero_s = cm_admin_wall_zero(worker->command.admin);
    worker->batch.limits.wall_zero_s = worker->command.wall_zero_s;
    worker->batch.count = 0;
    worker->batch.scratch_used = 0;
}

/* Parses and executes one batch. True: there is more to do with what is left of the input. */
static bool run_batch(struct cm_session *session, struct cm_progress *progress) {
    struct cm_batch *batch = &session->worker->batch;
    const struct cm_slice rest = cm_progress_rest(progress);
    size_t used;
    cm_session_start_batch(session);
    const enum cm_parse_status status =
        session->protocol->parse(&session->parser, rest, &used, batch);
    const unsigned executed = execute_batch(session, progress);
    if (CM_UNLIKELY(executed < batch->count)) {
        session->protocol->rewind(&session->parser, &batch->ops[executed]);
        progress->used += batch->ops[executed].start;
        return true;
    }
    progress->used += used;
    session->closing = session->closing || status == CM_PARSE_CLOSE;
    return status != CM_PARSE_MORE || session->incoming != NULL || session->answer != NULL ||
           cm_login_is_pausing(session) || session->watcher != NULL;
}

static enum cm_session_state work(struct cm_session *session, struct cm_progress *progress) {
    session->worker->command.descriptor = session->descriptor;
    for (;;) {
        if (session->closing) {
            return CM_SESSION_CLOSE;
        }
        if (session->watcher != NULL) {
            progress->used = progress->input.len;
            return cm_watching_go_on(session, progress->out);
        }
        if (cm_login_is_pausing(session)) {
            return CM_SESSION_PAUSE;
        }
        if (session->answer != NULL) {
            const enum cm_session_state state = cm_answer_go_on(session, progress->out);
            if (state != CM_SESSION_READ) {
                return state;
            }
        }
        if (cm_out_is_full(progress->out)) {
            return CM_SESSION_BLOCKED;
        }
        if (progress->used == progress->input.len) {
            return CM_SESSION_READ;
        }
        if (progress->requests_left == 0) {
            return CM_SESSION_AGAIN;
        }
        const bool goes_on = session->incoming != NULL ? cm_incoming_go_on(session, progress)
                                                       : run_batch(session, progress);
        if (!goes_on && !session->closing) {
            return cm_out_is_full(progress->out) ? CM_SESSION_BLOCKED : CM_SESSION_READ;
        }
    }
}

/* ---- input ---- */

/* Keeps what was not used. False: no memory. */
static bool keep_rest(struct cm_session *session, const struct cm_progress *progress) {
    const struct cm_slice rest = cm_progress_rest(progress);
    const size_t need = session->parser.need_bytes;
    if (rest.len == 0) {
        return true;
    }
    return cm_buf_reserve(&session->kept, need > rest.len ? need : rest.len) == CM_OK &&
           cm_buf_append(&session->kept, rest) == CM_OK;
}

static enum cm_session_state out_of_memory(struct cm_session *session) {
    cm_metrics_count(session->worker->command.metrics, CM_METRIC_read_buf_oom);
    session->closing = true;
    return CM_SESSION_CLOSE;
}

static enum cm_session_state work_on_kept(struct cm_session *session, struct cm_out *out) {
    struct cm_progress progress = {.input = cm_buf_slice(&session->kept),
                                   .out = out,
                                   .requests_left = session->worker->requests_per_turn};
    const enum cm_session_state state = work(session, &progress);
    cm_buf_consume(&session->kept, progress.used);
    if (cm_buf_len(&session->kept) == 0) {
        cm_buf_deinit(&session->kept);
    }
    return state;
}

static enum cm_session_state work_on_input(struct cm_session *session, struct cm_slice input,
                                           struct cm_out *out) {
    if (cm_buf_len(&session->kept) == 0) {
        struct cm_progress progress = {
            .input = input, .out = out, .requests_left = session->worker->requests_per_turn};
        const enum cm_session_state state = work(session, &progress);
        if (state != CM_SESSION_CLOSE && !keep_rest(session, &progress)) {
            return out_of_memory(session);
        }
        return state;
    }
    if (cm_buf_append(&session->kept, input) != CM_OK) {
        return out_of_memory(session);
    }
    if (cm_buf_len(&session->kept) < session->parser.need_bytes) {
        return CM_SESSION_READ;
    }
    return work_on_kept(session, out);
}

static size_t output_bytes(const struct cm_out *out) {
    return out->len + out->held_bytes;
}

static void count_turn(struct cm_metrics *metrics, enum cm_session_state state,
                       size_t written_bytes) {
    cm_metrics_add(metrics, CM_METRIC_bytes_written, written_bytes);
    if (state == CM_SESSION_AGAIN) {
        cm_metrics_count(metrics, CM_METRIC_conn_yields);
    }
}

enum cm_session_state cm_session_feed(struct cm_session *session, struct cm_slice input,
                                      struct cm_out *out) {
    struct cm_metrics *metrics = session->worker->command.metrics;
    const size_t before = output_bytes(out);
    CM_DCHECK(!session->closing);
    if (input.len == 0) {
        return CM_SESSION_READ;
    }
    if (session->protocol == NULL) {
        session->protocol = cm_protocol_sniff((unsigned char)input.data[0]);
    }
    cm_timing_begin(&session->worker->timing);
    const enum cm_session_state state = work_on_input(session, input, out);
    cm_metrics_add(metrics, CM_METRIC_bytes_read, input.len);
    count_turn(metrics, state, output_bytes(out) - before);
    return state;
}

enum cm_session_state cm_session_resume(struct cm_session *session, struct cm_out *out) {
    struct cm_metrics *metrics = session->worker->command.metrics;
    const size_t before = output_bytes(out);
    cm_timing_begin(&session->worker->timing);
    if (cm_login_is_pausing(session)) {
        cm_login_end_pause(session, out);
    }
    const enum cm_session_state state = work_on_kept(session, out);
    count_turn(metrics, state, output_bytes(out) - before);
    return state;
}

/* ---- looking at it ---- */

bool cm_session_is_busy(const struct cm_session *session) {
    return cm_buf_len(&session->kept) > 0 || session->incoming != NULL || session->answer != NULL ||
           session->parser.swallow > 0 || session->parser.state != 0 ||
           cm_login_is_pausing(session);
}

const char *cm_session_state_name(const struct cm_session *session) {
    if (session->watcher != NULL) {
        return "conn_watch";
    }
    if (session->incoming != NULL) {
        return "conn_nread";
    }
    if (session->answer != NULL) {
        return "conn_mwrite";
    }
    if (session->parser.swallow > 0) {
        return "conn_swallow";
    }
    return cm_session_is_busy(session) ? "conn_waiting" : "conn_new_cmd";
}

size_t cm_session_bytes(const struct cm_session *session) {
    size_t bytes = sizeof *session + session->kept.capacity + cm_login_bytes(session->login);
    if (session->incoming != NULL) {
        bytes += sizeof *session->incoming;
    }
    return session->answer == NULL ? bytes : bytes + cm_long_text(session->answer)->capacity;
}

/* ---- output ---- */

struct cm_slice cm_session_insert_part(const struct cm_out_insert *insert, size_t offset) {
    return cm_hold_part(insert->hold, offset);
}

void cm_session_insert_release(struct cm_out_insert *insert) {
    cm_hold_release(insert->hold);
    insert->hold = NULL;
}

enum cm_status cm_session_out_init(struct cm_out *out) {
    out->data = malloc(CM_OUT_CAPACITY);
    out->withheld = 0;
    cm_session_out_clear(out);
    return out->data == NULL ? CM_NO_MEMORY : CM_OK;
}

void cm_session_out_deinit(struct cm_out *out) {
    free(out->data);
    out->data = NULL;
}

void cm_session_out_clear(struct cm_out *out) {
    out->len = 0;
    out->held_bytes = 0;
    out->insert_count = 0;
}

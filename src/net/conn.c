/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/conn.h"

#include "metrics/metrics.h"
#include "net/internal.h"
#include "net/secure.h"
#include "net/timing.h"
#include "net/unsent.h"
#include "tls/tls.h"

#include <stdlib.h>

enum {
    /* How often a session that filled the output goes on at once if all of it was sent. */
    RESUMES_AT_ONCE = 3,
    /* What a session may still answer, and a read takes, while memory is short (N2). */
    SHORT_OUT_BYTES = 4096,
    SHORT_INPUT_BYTES = 4096,
};

static uint32_t now_s(const struct cm_worker *worker) {
    return (uint32_t)(uv_now(&worker->loop) / 1000);
}

void cm_conn_touch(struct cm_conn *conn) {
    if (!cm_secure_is_shaking(conn))
        atomic_store_explicit(&conn->active_s, now_s(conn->worker), memory_order_relaxed);
}

bool cm_conn_is_quiet(const struct cm_conn *conn) {
    return conn->unsent == NULL &&
           (conn->state == CM_SESSION_READ || conn->state == CM_SESSION_WATCH) &&
           !cm_session_is_busy(conn->session) &&
           (conn->tls == NULL || !cm_tls_is_busy(conn->tls)) && cm_secure_may_leave(conn, true);
}

/* With the client. The message is static. */
static void tell(const struct cm_conn *conn, const char *message) {
    struct cm_log *log = conn->worker->net->options.log;
    char client[CM_NET_CLIENT_BYTES] = "";
    uv_os_fd_t descriptor;
    if (!cm_log_wants(log, CM_LOG_DEBUG))
        return;
    if (uv_fileno(&conn->handle, &descriptor) == 0)
        cm_net_client_text((int64_t)descriptor, client);
    const struct cm_log_field field = {"client", client, false};
    cm_log_event(log, CM_LOG_DEBUG, &(struct cm_log_event){message, &field, 1});
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle) {
    struct cm_conn *conn = handle->data;
    struct cm_worker *worker = conn->worker;
    free(conn);
    cm_worker_lost_connection(worker);
}

/* Tells the worker how much memory the session holds beyond that of an idle one. */
static void account(struct cm_conn *conn, size_t session_bytes) {
    if (session_bytes == conn->session_bytes)
        return;
    cm_worker_hold(conn->worker, (int64_t)session_bytes - (int64_t)conn->session_bytes);
    conn->session_bytes = session_bytes;
}

void cm_conn_close(struct cm_conn *conn) {
    struct cm_worker *worker = conn->worker;
    if (uv_is_closing(&conn->handle))
        return;
    tell(conn, "connection closed");
    uv_mutex_lock(&worker->lock);
    cm_link_remove(&conn->all);
    uv_mutex_unlock(&worker->lock);
    cm_link_remove(&conn->place);
    cm_conn_announce_closed(conn);
    cm_secure_close(conn);
    cm_worker_enter_store(worker);
    cm_session_destroy(conn->session);
    conn->session = NULL;
    account(conn, conn->idle_bytes);
    if (conn->unsent != NULL)
        cm_unsent_forget(conn->unsent);
    uv_close(&conn->handle, on_closed);
}

/* ---- turns ---- */

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    const struct cm_conn *conn = handle->data;
    struct cm_worker *worker = conn->worker;
    (void)suggested;
    cm_timing_read(worker);
    if (!cm_secure_may_read(conn)) {
        *buffer = uv_buf_init(NULL, 0); /* on_read gets UV_ENOBUFS, the bytes stay in the socket */
        return;
    }
    *buffer = uv_buf_init(worker->input,
                          worker->out.withheld > 0 ? SHORT_INPUT_BYTES : CM_WORKER_INPUT_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

/* False: the connection is broken. */
static bool set_reading(struct cm_conn *conn, bool reading) {
    if (conn->reading == reading)
        return true;
    conn->reading = reading;
    conn->read_turn = conn->worker->turn; /* what arrived meanwhile is still to be read */
    if (reading)
        return uv_read_start(&conn->stream, on_buffer, on_read) == 0;
    uv_read_stop(&conn->stream);
    return true;
}

/* The end when everything is answered; the sweep looks after those that stay (on_sweep()). */
static void leave(struct cm_conn *conn) {
    if (cm_secure_may_leave(conn, false)) {
        cm_conn_close(conn);
        return;
    }
    conn->leaving = true;
    conn->leaving_s = now_s(conn->worker);
    cm_link_remove(&conn->place); /* from those who watch */
    set_reading(conn, false);
}

/* What follows from the session's state once everything is sent. */
static void follow_state(struct cm_conn *conn) {
    if (conn->ended)
        conn->why = CM_SESSION_END_NORMAL;
    switch (conn->state) {
    case CM_SESSION_READ:
        if (conn->ended || !set_reading(conn, true))
            leave(conn);
        break;
    case CM_SESSION_WATCH:
        if (!conn->ended && set_reading(conn, true))
            cm_worker_watch(conn->worker, &conn->place);
        else
            leave(conn);
        break;
    case CM_SESSION_AGAIN:
    case CM_SESSION_BLOCKED:
        set_reading(conn, false);
        cm_worker_go_on_later(conn->worker, &conn->place);
        break;
    case CM_SESSION_PAUSE:
        set_reading(conn, false);
        cm_worker_pause(conn->worker, conn, cm_session_pause_ms(conn->session));
        break;
    case CM_SESSION_CLOSE:
        leave(conn);
        break;
    }
}

static void note_state(struct cm_conn *conn, enum cm_session_state state) {
    conn->state = state;
    const char *name = cm_session_state_name(conn->session);
    if (name != atomic_load_explicit(&conn->state_name, memory_order_relaxed))
        atomic_store_explicit(&conn->state_name, name, memory_order_relaxed);
}

/* Sends what the session answered, goes on with it as far as it may now, and sees to the rest. */
static void follow(struct cm_conn *conn, enum cm_session_state state) {
    struct cm_worker *worker = conn->worker;
    enum cm_sent sent;
    for (unsigned resumes = 0;; resumes++) {
        note_state(conn, state);
        account(conn, cm_session_bytes(conn->session));
        bool nothing = cm_out_is_empty(&worker->out) && cm_buf_len(&worker->cipher) == 0;
        sent = nothing ? CM_SENT_ALL : cm_unsent_send(conn);
        cm_timing_answered(worker, conn->since_ns, &(struct cm_timing_client){.conn = conn});
        if (sent != CM_SENT_ALL || state != CM_SESSION_BLOCKED || resumes == RESUMES_AT_ONCE)
            break;
        state = cm_session_resume(conn->session, &worker->out);
    }
    if (sent == CM_SENT_FAILED)
        cm_conn_close(conn);
    else if (sent == CM_SENT_SOME)
        set_reading(conn, false); /* C1 */
    else
        follow_state(conn);
}

static void prepare(struct cm_conn *conn, size_t input_bytes) {
    struct cm_worker *worker = conn->worker;
    worker->turn_bytes += input_bytes;
    cm_worker_enter_store(worker);
    cm_timing_prepare(worker);
    worker->out.withheld = cm_net_is_short(worker->net, 2) ? CM_OUT_LIMIT - SHORT_OUT_BYTES : 0;
}

static void take_input(struct cm_conn *conn, struct cm_slice input) {
    struct cm_worker *worker = conn->worker;
    enum cm_session_state state = conn->state; /* half a record changes nothing */
    if (conn->tls != NULL && !cm_secure_receive(conn, &input)) {
        cm_conn_close(conn);
        return;
    }
    cm_conn_touch(conn);
    if (input.len > 0) {
        conn->since_ns = worker->turn_ns;
        prepare(conn, input.len);
        state = cm_session_feed(conn->session, input, &worker->out);
    }
    follow(conn, state);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    struct cm_conn *conn = stream->data;
    struct cm_worker *worker = conn->worker;
    if (count == 0)
        return;
    if (count == UV_ENOBUFS) {
        set_reading(conn, false);
        cm_secure_wait(conn);
        return;
    }
    if (count == UV_EOF) { /* which may still read what it asked for */
        conn->why = CM_SESSION_END_NORMAL;
        leave(conn);
        return;
    }
    if (count < 0) {
        conn->why = CM_SESSION_END_ERROR;
        cm_conn_close(conn);
        return;
    }
    CM_NET_LOG(worker->net, CM_LOG_TRACE, "read %zd bytes", count);
    conn->read_turn = worker->turn;
    take_input(conn, cm_slice(buffer->base, (size_t)count));
    cm_worker_progressed(worker);
}

void cm_conn_go_on(struct cm_conn *conn) {
    struct cm_worker *worker = conn->worker;
    if (conn->state != CM_SESSION_WATCH)
        cm_conn_touch(conn);
    if (conn->state == CM_SESSION_PAUSE) /* its own fault */
        conn->since_ns = cm_os_monotonic_ns();
    prepare(conn, 0);
    follow(conn, cm_session_resume(conn->session, &worker->out));
    cm_worker_progressed(worker);
}

void cm_conn_read_on(struct cm_conn *conn) {
    if (!set_reading(conn, true))
        cm_conn_close(conn);
}

void cm_conn_sent_all(struct cm_conn *conn) {
    conn->since_ns = cm_os_monotonic_ns(); /* until now the client has not read */
    follow_state(conn);
    cm_worker_progressed(conn->worker);
}

/* ---- the beginning ---- */

/* Neither call can fail: nothing is allocated without a socket. */
static void init_handle(struct cm_conn *conn, bool local) {
    uv_loop_t *loop = &conn->worker->loop;
    int result = local ? uv_pipe_init(loop, &conn->pipe, 0) : uv_tcp_init(loop, &conn->tcp);
    CM_CHECK(result == 0);
}

static bool open_handle(struct cm_conn *conn, cm_os_socket socket) {
    if (conn->handle.type == UV_NAMED_PIPE)
        return uv_pipe_open(&conn->pipe, (uv_file)socket) == 0;
    return uv_tcp_open(&conn->tcp, (uv_os_sock_t)socket) == 0;
}

/* The session and the handle; NULL and nothing left behind if that fails. */
static struct cm_conn *create_conn(struct cm_worker *worker, const struct cm_arrival *arrival) {
    struct cm_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return NULL;
    conn->worker = worker;
    cm_link_init(&conn->all);
    cm_link_init(&conn->place);
    cm_worker_enter_store(worker);
    if (cm_secure_open(conn, arrival) != CM_OK) {
        free(conn);
        return NULL;
    }
    if (cm_session_create(worker->sessions, &conn->session) != CM_OK) {
        cm_tls_destroy(conn->tls);
        free(conn);
        return NULL;
    }
    init_handle(conn, arrival->local);
    conn->handle.data = conn;
    conn->session_bytes = conn->idle_bytes = cm_session_bytes(conn->session);
    return conn;
}

void cm_conn_open(struct cm_worker *worker, struct cm_arrival arrival) {
    struct cm_conn *conn = create_conn(worker, &arrival);
    if (conn == NULL) {
        cm_metrics_count(worker->metrics, CM_METRIC_read_buf_oom);
        cm_os_socket_close(arrival.socket);
        cm_worker_lost_connection(worker);
        return;
    }
    conn->state = CM_SESSION_READ;
    atomic_store_explicit(&conn->active_s, now_s(worker), memory_order_relaxed);
    atomic_store_explicit(&conn->state_name, cm_session_state_name(conn->session),
                          memory_order_relaxed);
    if (!open_handle(conn, arrival.socket)) {
        cm_os_socket_close(arrival.socket);
        cm_conn_close(conn);
        return;
    }
    tell(conn, "connection opened");
    cm_conn_announce_opened(conn);
    /* Last: from here on other threads look at the handle. */
    uv_mutex_lock(&worker->lock);
    cm_link_append(&worker->conns, &conn->all);
    uv_mutex_unlock(&worker->lock);
    if (!set_reading(conn, true))
        cm_conn_close(conn);
}

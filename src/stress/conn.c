/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/conn.h"

#include "client/server.h"
#include <stdio.h>

#define NS_PER_MS      1000000u
#define BACKOFF_MS     10u
#define BACKOFF_MS_MAX 1000u
#define KEEP_BYTES     ((size_t)1 << 20) /* a larger buffer is given back with the connection */

enum cm_status cm_stress_conn_init(struct cm_stress_conn *conn, struct cm_stress_wires *wires,
                                   struct cm_server *server) {
    *conn = (struct cm_stress_conn){.wires = wires, .server = server, .socket = CM_OS_SOCKET_NONE};
    return cm_stress_reader_init(&conn->reader, &wires->run->script, wires->tally);
}

static void hang_up(struct cm_stress_conn *conn) {
    conn->wires->open_count -= conn->state == CM_STRESS_OPEN;
    conn->state = CM_STRESS_DOWN;
    if (conn->socket != CM_OS_SOCKET_NONE)
        cm_os_socket_close(conn->socket);
    conn->socket = CM_OS_SOCKET_NONE;
    cm_tls_destroy(conn->tls);
    conn->tls = NULL;
    cm_buf_clear(&conn->in);
    cm_buf_clear(&conn->out);
    cm_buf_clear(&conn->cipher);
    if (conn->in.capacity > KEEP_BYTES)
        cm_buf_deinit(&conn->in);
    if (conn->out.capacity > KEEP_BYTES)
        cm_buf_deinit(&conn->out);
}

void cm_stress_conn_deinit(struct cm_stress_conn *conn) {
    hang_up(conn);
    cm_buf_deinit(&conn->in);
    cm_buf_deinit(&conn->out);
    cm_buf_deinit(&conn->cipher);
    cm_stress_reader_deinit(&conn->reader);
}

void cm_stress_conn_close(struct cm_stress_conn *conn) {
    hang_up(conn);
    conn->failures = 0;
    conn->retry_ns = 0;
}

void cm_stress_conn_fail(struct cm_stress_conn *conn, uint64_t now_ns) {
    const bool was_open = conn->state == CM_STRESS_OPEN;
    const uint32_t lost = was_open ? conn->reader.asked - conn->reader.answered : 0;
    hang_up(conn);
    conn->wires->tally->lost += lost;
    conn->wires->tally->refused += !was_open;
    const uint32_t doublings = conn->failures < 7 ? conn->failures : 7;
    const uint32_t wait_ms = BACKOFF_MS << doublings;
    conn->retry_ns =
        now_ns + (uint64_t)(wait_ms < BACKOFF_MS_MAX ? wait_ms : BACKOFF_MS_MAX) * NS_PER_MS;
    conn->failures++;
    cm_stress_reader_clear(&conn->reader);
    if (was_open && conn->wires->run->options->on_error == CM_STRESS_STOP) {
        atomic_store_explicit(&conn->wires->run->is_lost, true, memory_order_relaxed);
        cm_stress_run_end(conn->wires->run, CM_STRESS_WIND_UP);
    }
    if (lost > 0)
        cm_stress_client_on_answers(conn->client, lost, now_ns);
}

static void fail_because(struct cm_stress_conn *conn, const char *why, uint64_t now_ns) {
    cm_stress_tally_trouble(conn->wires->tally, "%.60s: %.30s", conn->server->name, why);
    cm_stress_conn_fail(conn, now_ns);
}

static void set_interest(struct cm_stress_conn *conn, bool read, bool write) {
    if (conn->interest.read == read && conn->interest.write == write)
        return;
    conn->interest.read = read;
    conn->interest.write = write;
    cm_os_poller_change(&conn->wires->poller, conn->socket, &conn->interest);
}

/* ---- beginning ----------------------------------------------------------------------------- */

void cm_stress_conn_dial(struct cm_stress_conn *conn, uint64_t now_ns) {
    struct cm_os_address address;
    int error = 0;
    conn->dialled_ns = now_ns;
    conn->served = conn->resume_ns = 0;
    if (!cm_server_address(conn->server, &address)) {
        fail_because(conn, "its name cannot be found", now_ns);
        return;
    }
    conn->socket = cm_os_dial(&address, &error);
    if (conn->socket == CM_OS_SOCKET_NONE) {
        fail_because(conn, cm_os_socket_error_text(error), now_ns);
        return;
    }
    conn->interest = (struct cm_os_interest){.context = conn, .write = true};
    conn->state = CM_STRESS_DIALLED;
    if (cm_os_poller_add(&conn->wires->poller, conn->socket, &conn->interest) != CM_OK)
        fail_because(conn, "out of memory", now_ns);
}

static void become_open(struct cm_stress_conn *conn, uint64_t now_ns) {
    conn->state = CM_STRESS_OPEN;
    conn->failures = 0;
    conn->wires->open_count++;
    cm_latency_add(&conn->wires->tally->connecting, now_ns - conn->dialled_ns);
    cm_stress_client_on_open(conn->client, now_ns);
}

static void log_in(struct cm_stress_conn *conn, uint64_t now_ns) {
    const struct cm_settings *settings = &conn->wires->run->target.view->settings;
    const struct cm_stress_login login = {settings->user, settings->password};
    if (settings->user[0] == '\0') {
        become_open(conn, now_ns);
        return;
    }
    conn->state = CM_STRESS_LOGGING_IN;
    if (cm_buf_reserve(&conn->out, CM_STRESS_REQUEST_BYTES + strlen(login.user) +
                                       strlen(login.password)) != CM_OK) {
        fail_because(conn, "out of memory", now_ns);
        return;
    }
    char *at = cm_buf_tail(&conn->out);
    cm_buf_wrote(&conn->out, (size_t)(conn->reader.script->dialect->put_login(at, &login) - at));
    cm_stress_reader_clear(&conn->reader);
    cm_stress_reader_ask(&conn->reader, CM_STRESS_LOGIN, now_ns);
    cm_stress_conn_flush(conn, now_ns);
}

static void on_login(struct cm_stress_conn *conn, uint64_t now_ns) {
    if (conn->reader.answered < conn->reader.asked)
        return;
    cm_stress_reader_clear(&conn->reader);
    if (conn->reader.is_logged_in) {
        become_open(conn, now_ns);
        return;
    }
    conn->wires->tally->is_denied = true;
    cm_stress_conn_fail(conn, now_ns);
}

static void on_connected(struct cm_stress_conn *conn, uint64_t now_ns) {
    struct cm_tls_context *tls = conn->wires->run->target.tls;
    const int error = cm_os_dial_end(conn->socket);
    if (error != 0) {
        fail_because(conn, cm_os_socket_error_text(error), now_ns);
        return;
    }
    set_interest(conn, true, false);
    if (tls == NULL) {
        log_in(conn, now_ns);
        return;
    }
    conn->state = CM_STRESS_SHAKING;
    const char *host = conn->server->port == 0 ? NULL : conn->server->host;
    if (cm_tls_connect(tls, host, &conn->tls, &conn->cipher) == CM_OK)
        cm_stress_conn_flush(conn, now_ns);
    else
        fail_because(conn, "out of memory", now_ns);
}

/* ---- sending ------------------------------------------------------------------------------- */

void cm_stress_conn_flush(struct cm_stress_conn *conn, uint64_t now_ns) {
    struct cm_buf *from = conn->tls == NULL ? &conn->out : &conn->cipher;
    if (conn->tls != NULL && cm_buf_len(&conn->out) > 0) {
        if (cm_tls_send(conn->tls, cm_buf_slice(&conn->out), &conn->cipher) != CM_OK) {
            fail_because(conn, "out of memory", now_ns);
            return;
        }
        cm_buf_clear(&conn->out);
    }
    while (cm_buf_len(from) > 0) {
        const struct cm_slice bytes = cm_buf_slice(from);
        size_t sent = 0;
        const enum cm_os_io io = cm_os_send(conn->socket, bytes.data, bytes.len, &sent);
        if (io == CM_OS_IO_ENDED) {
            fail_because(conn, "the connection was lost", now_ns);
            return;
        }
        if (io == CM_OS_IO_WAIT)
            break;
        conn->wires->tally->sent_bytes += sent;
        cm_buf_consume(from, sent);
    }
    set_interest(conn, conn->interest.read, cm_buf_len(from) > 0);
}

/* ---- receiving ----------------------------------------------------------------------------- */

/* Answers, to a login or to requests; *used gets the bytes of those that were whole. */
static bool take_answers(struct cm_stress_conn *conn, struct cm_slice in, uint64_t now_ns,
                         size_t *used) {
    *used = 0;
    const bool makes_sense = in.len == 0 || cm_stress_reader_take(&conn->reader, in, now_ns, used);
    if (conn->state == CM_STRESS_OPEN && conn->wires->tally->is_denied)
        cm_stress_run_end(conn->wires->run, CM_STRESS_WIND_UP); /* nothing else will be let in */
    if (makes_sense)
        return true;
    cm_stress_conn_fail(conn, now_ns);
    return false;
}

/* What follows from `answered` more answers. */
static void tell(struct cm_stress_conn *conn, uint32_t answered, uint64_t now_ns) {
    if (conn->state == CM_STRESS_LOGGING_IN)
        on_login(conn, now_ns);
    else if (conn->state == CM_STRESS_OPEN && answered > 0) {
        conn->served += answered;
        cm_stress_client_on_answers(conn->client, answered, now_ns);
    }
}

static void take_from_kept(struct cm_stress_conn *conn, uint64_t now_ns) {
    const uint32_t before = conn->reader.answered;
    size_t used = 0;
    if (!take_answers(conn, cm_buf_slice(&conn->in), now_ns, &used))
        return;
    cm_buf_consume(&conn->in, used);
    tell(conn, conn->reader.answered - before, now_ns);
}

static void take_from_shared(struct cm_stress_conn *conn, size_t bytes, uint64_t now_ns) {
    const uint32_t before = conn->reader.answered;
    const char *input = conn->wires->input;
    size_t used = 0;
    if (!take_answers(conn, cm_slice(input, bytes), now_ns, &used))
        return;
    if (used < bytes && cm_buf_append(&conn->in, cm_slice(input + used, bytes - used)) != CM_OK) {
        fail_because(conn, "out of memory", now_ns);
        return;
    }
    tell(conn, conn->reader.answered - before, now_ns);
}

static void take_encrypted(struct cm_stress_conn *conn, size_t bytes, uint64_t now_ns) {
    const enum cm_tls_state state =
        cm_tls_receive(conn->tls, cm_slice(conn->wires->input, bytes), &conn->in, &conn->cipher);
    if (state == CM_TLS_FAILED || state == CM_TLS_ENDED) {
        fail_because(conn, state == CM_TLS_FAILED ? cm_tls_reason(conn->tls) : "hung up", now_ns);
        return;
    }
    cm_stress_conn_flush(conn, now_ns);
    if (state == CM_TLS_OPEN && conn->state == CM_STRESS_SHAKING)
        log_in(conn, now_ns);
    if (conn->state == CM_STRESS_OPEN || conn->state == CM_STRESS_LOGGING_IN)
        take_from_kept(conn, now_ns);
}

static void pause_reading(struct cm_stress_conn *conn, uint64_t now_ns) {
    const int64_t pause_us = conn->wires->run->options->read_pause_us;
    if (pause_us == 0 || conn->state != CM_STRESS_OPEN)
        return;
    conn->resume_ns = now_ns + (uint64_t)pause_us * 1000;
    set_interest(conn, false, conn->interest.write);
}

void cm_stress_conn_resume(struct cm_stress_conn *conn) {
    conn->resume_ns = 0;
    set_interest(conn, true, conn->interest.write);
}

static void on_readable(struct cm_stress_conn *conn) {
    const bool is_shared = cm_buf_len(&conn->in) == 0 || conn->tls != NULL;
    size_t got = 0;
    if (!is_shared && cm_buf_reserve(&conn->in, CM_STRESS_INPUT_BYTES) != CM_OK) {
        fail_because(conn, "out of memory", cm_os_monotonic_ns());
        return;
    }
    char *to = is_shared ? conn->wires->input : cm_buf_tail(&conn->in);
    const enum cm_os_io io = cm_os_receive(conn->socket, to, CM_STRESS_INPUT_BYTES, &got);
    if (io == CM_OS_IO_WAIT)
        return;
    const uint64_t now_ns = cm_os_monotonic_ns();
    if (io == CM_OS_IO_ENDED) {
        fail_because(conn, "hung up", now_ns);
        return;
    }
    conn->wires->tally->received_bytes += got;
    pause_reading(conn, now_ns);
    if (conn->tls != NULL) {
        take_encrypted(conn, got, now_ns);
    } else if (is_shared) {
        take_from_shared(conn, got, now_ns);
    } else {
        cm_buf_wrote(&conn->in, got);
        take_from_kept(conn, now_ns);
    }
}

void cm_stress_conn_on_event(struct cm_stress_conn *conn, const struct cm_os_event *event) {
    const cm_os_socket socket = conn->socket;
    if (conn->state == CM_STRESS_DOWN)
        return; /* closed earlier in this turn */
    if (conn->state == CM_STRESS_DIALLED) {
        on_connected(conn, cm_os_monotonic_ns());
        return;
    }
    if (event->write)
        cm_stress_conn_flush(conn, cm_os_monotonic_ns());
    if (event->read && conn->socket == socket && conn->state > CM_STRESS_DIALLED)
        on_readable(conn);
}

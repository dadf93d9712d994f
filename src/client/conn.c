/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/conn.h"

#include "client/server.h"
#include "ring/cluster.h"
#include "tls/client.h"
#include <stdio.h>
#include <stdlib.h>

#define READ_BYTES     ((size_t)16 << 10)
#define READ_BYTES_MAX ((size_t)256 << 10)
#define KEEP_BYTES     ((size_t)1 << 20) /* larger buffers are given back between calls */
#define DIRECT_BYTES   ((size_t)8 << 10) /* as much of a value is received right into its place */
#define NUMBER_BYTES   32                /* of a counter, which is read as a number */
#define ERROR_LINE_MAX ((size_t)64 << 10)
/* As often is received in one go: then deadlines and other connections are looked at. */
#define ROUNDS_MAX 32

enum cm_status cm_conn_open(struct cm_server *server, const struct cm_settings *settings,
                            struct cm_conn **out) {
    struct cm_os_address address;
    struct cm_conn *conn = calloc(1, sizeof *conn);
    int error = 0;
    if (conn == NULL)
        return CM_NO_MEMORY;
    conn->server = server;
    conn->socket = CM_OS_SOCKET_NONE;
    enum cm_status status = cm_server_greeting(server, settings, conn);
    if (status == CM_OK && !cm_server_address(server, &address))
        status = CM_UNREACHABLE;
    if (status == CM_OK) {
        conn->socket = cm_os_dial(&address, &error);
        if (conn->socket == CM_OS_SOCKET_NONE) {
            cm_server_note(server, "%s", cm_os_socket_error_text(error));
            status = CM_UNREACHABLE;
        }
    }
    if (status != CM_OK) {
        cm_conn_close(conn);
        return status;
    }
    cm_server_count_connection(server, 1);
    *out = conn;
    return CM_OK;
}

void cm_conn_close(struct cm_conn *conn) {
    if (conn == NULL)
        return;
    CM_CHECK(conn->first == NULL);
    if (conn->socket != CM_OS_SOCKET_NONE) {
        cm_os_socket_close(conn->socket);
        cm_server_count_connection(conn->server, -1);
    }
    cm_tls_destroy(conn->tls);
    free(conn->value);
    cm_buf_deinit(&conn->cipher);
    cm_buf_deinit(&conn->in);
    cm_buf_deinit(&conn->out);
    free(conn);
}

void cm_conn_break(struct cm_conn *conn, enum cm_status status) {
    if (conn->state != CM_CONN_BROKEN) {
        conn->state = CM_CONN_BROKEN;
        conn->failure = status;
    }
}

struct cm_attempt *cm_conn_take(struct cm_conn *conn) {
    struct cm_attempt *list = conn->first;
    conn->first = conn->last = NULL;
    return list;
}

bool cm_conn_is_clean(const struct cm_conn *conn) {
    return conn->state == CM_CONN_READY && conn->first == NULL && conn->part == CM_CONN_LINE &&
           cm_buf_len(&conn->in) == 0 && !cm_conn_wants_write(conn);
}

void cm_conn_trim(struct cm_conn *conn) {
    if (conn->in.capacity > KEEP_BYTES)
        cm_buf_deinit(&conn->in);
    if (conn->out.capacity > KEEP_BYTES)
        cm_buf_deinit(&conn->out);
    if (conn->cipher.capacity > KEEP_BYTES)
        cm_buf_deinit(&conn->cipher);
}

/* ---- sending ---- */

/* Takes the oldest attempt out (C3) and hands its answer over. */
static void finish_first(struct cm_conn *conn) {
    struct cm_attempt *attempt = conn->first;
    conn->first = attempt->next;
    if (conn->first == NULL)
        conn->last = NULL;
    conn->used = true;
    attempt->next = NULL;
    attempt->done(attempt);
}

static enum cm_status encode(struct cm_conn *conn, struct cm_attempt *attempt) {
    cm_server_count_request(conn->server);
    attempt->reused = conn->used;
    if (attempt->key == NULL)
        return cm_buf_append(&conn->out, attempt->line);
    const int64_t now_s = cm_os_wall_s();
    return conn->meta ? cm_wire_encode_meta(&conn->out, &attempt->ask, attempt->key, now_s)
                      : cm_wire_encode_text(&conn->out, &attempt->ask, attempt->key, now_s);
}

static bool is_silent(const struct cm_attempt *attempt) {
    return attempt->key != NULL && cm_wire_is_silent(&attempt->ask, attempt->key);
}

static void append(struct cm_conn *conn, struct cm_attempt *attempt) {
    attempt->next = NULL;
    if (conn->last == NULL)
        conn->first = attempt;
    else
        conn->last->next = attempt;
    conn->last = attempt;
}

static void answer_alone(struct cm_attempt *attempt, enum cm_status status) {
    attempt->answer = (struct cm_answer){
        .result = {CACHEMAN_UNKNOWN, status, {NULL, 0}, 0, 0, CACHEMAN_TTL_UNKNOWN, 0, false}};
    attempt->done(attempt);
}

/* Encodes an attempt and queues it for its answer, if it will have one. */
static void submit(struct cm_conn *conn, struct cm_attempt *attempt) {
    enum cm_status status = encode(conn, attempt);
    if (status != CM_OK)
        answer_alone(attempt, status == CM_INVALID ? CM_REFUSED : status);
    else if (is_silent(attempt))
        answer_alone(attempt, CM_OK);
    else
        append(conn, attempt);
}

void cm_conn_push(struct cm_conn *conn, struct cm_attempt *attempt) {
    if (conn->state == CM_CONN_READY)
        submit(conn, attempt);
    else
        append(conn, attempt); /* C2 */
}

static void become_ready(struct cm_conn *conn, bool meta) {
    struct cm_attempt *waiting = cm_conn_take(conn);
    conn->state = CM_CONN_READY;
    conn->meta = meta;
    cm_server_succeeded(conn->server, meta);
    while (waiting != NULL) {
        struct cm_attempt *next = waiting->next;
        submit(conn, waiting);
        waiting = next;
    }
    cm_conn_flush(conn);
}

bool cm_conn_wants_write(const struct cm_conn *conn) {
    return conn->state == CM_CONN_CONNECTING || cm_buf_len(&conn->cipher) > 0 ||
           (conn->state != CM_CONN_SHAKING && cm_buf_len(&conn->out) > 0);
}

static bool is_open(const struct cm_conn *conn) {
    return conn->state == CM_CONN_GREETING || conn->state == CM_CONN_READY;
}

/* Moves what is to be sent into the encrypted stream. */
static bool encrypt(struct cm_conn *conn) {
    if (cm_buf_len(&conn->out) > 0 && is_open(conn)) {
        if (cm_tls_send(conn->tls, cm_buf_slice(&conn->out), &conn->cipher) != CM_OK) {
            cm_conn_break(conn, CM_NO_MEMORY);
            return false;
        }
        cm_buf_clear(&conn->out);
    }
    return true;
}

void cm_conn_flush(struct cm_conn *conn) {
    struct cm_buf *from = conn->tls == NULL ? &conn->out : &conn->cipher;
    if (!is_open(conn) && conn->state != CM_CONN_SHAKING)
        return;
    if (conn->tls != NULL && !encrypt(conn))
        return;
    while (cm_buf_len(from) > 0) {
        const struct cm_slice bytes = cm_buf_slice(from);
        size_t sent;
        const enum cm_os_io io = cm_os_send(conn->socket, bytes.data, bytes.len, &sent);
        if (io == CM_OS_IO_ENDED)
            cm_conn_break(conn, CM_UNREACHABLE);
        if (io != CM_OS_IO_OK)
            return;
        cm_buf_consume(from, sent);
    }
}

static void begin_talking(struct cm_conn *conn) {
    struct cm_server *server = conn->server;
    conn->state = CM_CONN_GREETING;
    if (server->tls == NULL)
        return;
    const char *host = server->port == 0 ? NULL : server->host;
    conn->state = CM_CONN_SHAKING;
    if (cm_tls_connect(server->tls, host, &conn->tls, &conn->cipher) != CM_OK)
        cm_conn_break(conn, CM_NO_MEMORY);
}

void cm_conn_on_writable(struct cm_conn *conn) {
    if (conn->state == CM_CONN_CONNECTING) {
        const int error = cm_os_dial_end(conn->socket);
        if (error != 0) {
            cm_server_note(conn->server, "%s", cm_os_socket_error_text(error));
            cm_conn_break(conn, CM_UNREACHABLE);
            return;
        }
        begin_talking(conn);
    }
    cm_conn_flush(conn);
}

/* ---- receiving ---- */

static void make_no_sense(struct cm_conn *conn) {
    cm_conn_break(conn, CM_BAD_ANSWER);
}

/* The next whole line, without its end; false if it has not arrived. */
static bool next_line(struct cm_conn *conn, struct cm_slice *line, size_t *bytes) {
    const struct cm_slice in = cm_buf_slice(&conn->in);
    const char *end = in.len == 0 ? NULL : memchr(in.data, '\n', in.len);
    const bool lines = conn->first != NULL && conn->first->on_line != NULL;
    if (end == NULL) {
        if (in.len > (lines ? ERROR_LINE_MAX : CM_WIRE_LINE_MAX))
            make_no_sense(conn);
        return false;
    }
    *bytes = (size_t)(end - in.data) + 1;
    *line = cm_slice(in.data, *bytes - 1);
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* GREETING: the answer to the login, if there was one, then to `mn` or `version`. */
static void greet(struct cm_conn *conn, struct cm_slice line) {
    struct cm_answer answer;
    const bool is_error = cm_wire_read_error(line, &answer);
    if (conn->awaiting_login) {
        conn->awaiting_login = false;
        if (is_error) {
            cm_server_note(conn->server, "login: %.*s", (int)(line.len < 80 ? line.len : 80),
                           line.data);
            cm_conn_break(conn, CM_NOT_AUTHENTICATED);
        }
        return;
    }
    const bool is_meta = cm_slice_equal(line, CM_SLICE("MN"));
    const bool is_text = cm_slice_equal(line, CM_SLICE("ERROR")) ||
                         (line.len > 8 && memcmp(line.data, "VERSION ", 8) == 0);
    if (is_meta || (is_text && !conn->only_meta)) {
        become_ready(conn, is_meta);
        return;
    }
    cm_server_note(conn->server, "answered \"%.*s\" to a greeting",
                   (int)(line.len < 80 ? line.len : 80), line.data);
    cm_conn_break(conn, is_error ? answer.result.status : CM_BAD_ANSWER);
}

static bool is_arith(const struct cm_attempt *attempt) {
    return attempt->ask.request.verb >= CACHEMAN_INCREMENT;
}

static void begin_value(struct cm_conn *conn, struct cm_attempt *attempt) {
    const size_t bytes = attempt->answer.value_bytes;
    if (is_arith(attempt) && bytes > NUMBER_BYTES) {
        make_no_sense(conn);
        return;
    }
    conn->value = malloc(bytes + 1);
    conn->value_got = 0;
    if (conn->value == NULL)
        cm_conn_break(conn, CM_NO_MEMORY);
    else
        conn->part = CM_CONN_VALUE;
}

static void finish_answer(struct cm_conn *conn) {
    struct cm_attempt *attempt = conn->first;
    conn->part = CM_CONN_LINE;
    if (attempt->answer.lost)
        cm_conn_break(conn, CM_UNREACHABLE);
    finish_first(conn);
}

/* A read that asked for no value is answered as a TOUCH is. */
static enum cacheman_verb meta_verb(const struct cacheman_request *request) {
    const bool reads = request->verb == CACHEMAN_GET || request->verb == CACHEMAN_GET_AND_TOUCH;
    return reads && request->no_value ? CACHEMAN_TOUCH : request->verb;
}

static void on_answer_line(struct cm_conn *conn, struct cm_slice line) {
    struct cm_attempt *attempt = conn->first;
    if (attempt->on_line != NULL) {
        if (attempt->on_line(attempt, line))
            finish_first(conn);
        return;
    }
    const struct cm_ask *ask = &attempt->ask;
    const bool known = conn->meta
                           ? cm_wire_read_meta(line, meta_verb(&ask->request), &attempt->answer)
                           : cm_wire_read_text(line, ask, attempt->key, &attempt->answer);
    if (!known)
        make_no_sense(conn);
    else if (attempt->answer.has_value)
        begin_value(conn, attempt);
    else
        finish_answer(conn);
}

static bool take_line(struct cm_conn *conn) {
    struct cm_slice line;
    size_t bytes;
    if (!next_line(conn, &line, &bytes))
        return false;
    if (conn->state != CM_CONN_READY)
        greet(conn, line);
    else if (conn->first == NULL)
        make_no_sense(conn); /* nobody asked */
    else
        on_answer_line(conn, line);
    cm_buf_consume(&conn->in, bytes);
    return true;
}

static bool take_value(struct cm_conn *conn) {
    const size_t left = conn->first->answer.value_bytes - conn->value_got;
    const struct cm_slice in = cm_buf_slice(&conn->in);
    const size_t bytes = in.len < left ? in.len : left;
    if (bytes > 0) {
        memcpy(conn->value + conn->value_got, in.data, bytes);
        conn->value_got += bytes;
        cm_buf_consume(&conn->in, bytes);
    }
    if (bytes < left)
        return false;
    conn->part = CM_CONN_VALUE_END;
    return true;
}

/* The value is whole: it becomes the attempt's, or a number. */
static void settle_value(struct cm_conn *conn) {
    struct cm_attempt *attempt = conn->first;
    struct cacheman_result *result = &attempt->answer.result;
    conn->value[conn->value_got] = '\0';
    if (!is_arith(attempt)) {
        result->value = cacheman_bytes(conn->value, conn->value_got);
        conn->value = NULL;
        return;
    }
    if (!cm_wire_number(cm_slice(conn->value, conn->value_got), &result->number))
        make_no_sense(conn);
    free(conn->value);
    conn->value = NULL;
}

static bool take_value_end(struct cm_conn *conn) {
    const struct cm_slice in = cm_buf_slice(&conn->in);
    if (in.len < 2)
        return false;
    if (in.data[0] != '\r' || in.data[1] != '\n') {
        make_no_sense(conn);
        return false;
    }
    cm_buf_consume(&conn->in, 2);
    if (conn->meta) {
        settle_value(conn);
        if (conn->state != CM_CONN_BROKEN)
            finish_answer(conn);
    } else {
        conn->part = CM_CONN_END_LINE;
    }
    return true;
}

static bool take_end_line(struct cm_conn *conn) {
    struct cm_slice line;
    size_t bytes;
    if (!next_line(conn, &line, &bytes))
        return false;
    if (!cm_wire_is_end(line)) {
        make_no_sense(conn);
        return false;
    }
    cm_buf_consume(&conn->in, bytes);
    settle_value(conn);
    finish_answer(conn);
    return true;
}

static bool take_part(struct cm_conn *conn) {
    switch (conn->part) {
    case CM_CONN_LINE:
        return cm_buf_len(&conn->in) > 0 && take_line(conn);
    case CM_CONN_VALUE:
        return take_value(conn);
    case CM_CONN_VALUE_END:
        return take_value_end(conn);
    case CM_CONN_END_LINE:
        return take_end_line(conn);
    }
    return false;
}

static void handle_input(struct cm_conn *conn) {
    while (conn->state != CM_CONN_BROKEN && take_part(conn))
        ;
}

/* What has been received means so much, or is a step of the handshake. */
static void decrypt(struct cm_conn *conn, struct cm_slice input) {
    const enum cm_tls_state state = cm_tls_receive(conn->tls, input, &conn->in, &conn->cipher);
    if (state == CM_TLS_OPEN && conn->state == CM_CONN_SHAKING)
        conn->state = CM_CONN_GREETING;
    if (state == CM_TLS_SHAKING || state == CM_TLS_OPEN) {
        cm_conn_flush(conn);
        return;
    }
    if (state == CM_TLS_FAILED)
        cm_server_note(conn->server, "TLS: %s", cm_tls_reason(conn->tls));
    handle_input(conn); /* what came before the end */
    cm_conn_break(conn, CM_UNREACHABLE);
}

typedef enum cm_os_io receiver(cm_os_socket socket, void *to, size_t room, size_t *done);

static bool receive_encrypted(struct cm_conn *conn, receiver *receive_with) {
    char input[READ_BYTES];
    size_t got;
    const enum cm_os_io io = receive_with(conn->socket, input, sizeof input, &got);
    if (io == CM_OS_IO_ENDED)
        cm_conn_break(conn, CM_UNREACHABLE);
    if (io != CM_OS_IO_OK)
        return false;
    decrypt(conn, cm_slice(input, got));
    handle_input(conn);
    return got == sizeof input;
}

/* One receive; a long value goes right to its place. False: nothing more for now. */
static bool receive(struct cm_conn *conn, receiver *receive_with) {
    size_t got, room;
    char *to;
    if (conn->tls != NULL)
        return receive_encrypted(conn, receive_with);
    const size_t left =
        conn->part == CM_CONN_VALUE ? conn->first->answer.value_bytes - conn->value_got : 0;
    const bool direct = left >= DIRECT_BYTES; /* handle_input() has emptied the buffer */
    if (!direct && cm_buf_reserve(&conn->in, READ_BYTES) != CM_OK) {
        cm_conn_break(conn, CM_NO_MEMORY);
        return false;
    }
    to = direct ? conn->value + conn->value_got : cm_buf_tail(&conn->in);
    room = direct ? left : cm_buf_room(&conn->in);
    const enum cm_os_io io = receive_with(conn->socket, to, room, &got);
    if (io == CM_OS_IO_ENDED) {
        if (conn->state == CM_CONN_GREETING)
            cm_server_note(conn->server, "closed the connection");
        cm_conn_break(conn, CM_UNREACHABLE);
    }
    if (io != CM_OS_IO_OK)
        return false;
    if (direct)
        conn->value_got += got;
    else
        cm_buf_wrote(&conn->in, got);
    handle_input(conn);
    /* a full buffer means that there may be more: next time in larger pieces */
    if (!direct && got == room && conn->in.capacity < READ_BYTES_MAX &&
        conn->state != CM_CONN_BROKEN && cm_buf_reserve(&conn->in, conn->in.capacity) != CM_OK)
        cm_conn_break(conn, CM_NO_MEMORY);
    return got == room;
}

void cm_conn_on_readable(struct cm_conn *conn) {
    if (conn->state == CM_CONN_CONNECTING)
        cm_conn_on_writable(conn);
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        if (conn->state == CM_CONN_BROKEN || conn->state == CM_CONN_CONNECTING ||
            !receive(conn, cm_os_receive))
            break;
    }
}

void cm_conn_read_wait(struct cm_conn *conn, uint32_t timeout_ms) {
    if (timeout_ms != conn->patience_ms) {
        cm_os_set_patience(conn->socket, timeout_ms);
        conn->patience_ms = timeout_ms;
    }
    if (receive(conn, cm_os_receive_wait))
        cm_conn_on_readable(conn);
}

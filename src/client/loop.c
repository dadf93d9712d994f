/* SPDX-License-Identifier: BSD-3-Clause */

/* The engine of calls that do not wait: the same tasks, attempts and connections as elsewhere, but
 * it is a libuv loop of the caller's that tells when a socket is ready. One connection a server,
 * on which all calls are pipelined.
 *
 * L1. Nothing is called back from within cacheman_async_run(): calls that end early are kept in
 *     `ended` until the loop comes round.
 * L2. A connection is closed from the loop only, never from within its own callback's inside: what
 *     broke is buried by sweep(), at the end of every entry.
 * L3. An idle engine holds no active handle: the loop may end. */

#include "client/internal.h"
#include <cacheman/client_uv.h>
#include <stdlib.h>
#include <uv.h>

struct wire {
    struct wire *next;
    struct cacheman_async *async;
    struct cm_conn *conn;
    uv_poll_t poll;
    int events;
    uint64_t connect_by_ns;
};

struct loop_call {
    struct loop_call *next, *previous; /* under way, or ended */
    struct cacheman_async *async;
    struct cacheman_async_call what;
    struct cm_call call;
    uint64_t deadline_ns;
};

struct cacheman_async {
    struct cm_engine engine;
    struct cacheman *client;
    struct cm_view *view; /* of the latest call */
    uv_timer_t timer;     /* the earliest deadline */
    uv_idle_t idle;       /* active while `ended` has calls (L1) */
    struct wire *wires;
    struct loop_call *under_way, *ended, *ended_last;
    size_t handles; /* of libuv's, not closed yet */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* ---- the end of calls ---- */

static void unlink_call(struct loop_call *call) {
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        call->async->under_way = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    call->next = call->previous = NULL;
}

static void on_idle(uv_idle_t *idle);

static void on_call_done(struct cm_call *call) {
    struct loop_call *ended = call->context;
    struct cacheman_async *async = ended->async;
    unlink_call(ended);
    if (async->ended == NULL)
        async->ended = ended;
    else
        async->ended_last->next = ended;
    async->ended_last = ended;
    if (!async->closing)
        (void)uv_idle_start(&async->idle, on_idle);
}

static void deliver(struct cacheman_async *async) {
    while (async->ended != NULL) {
        struct loop_call *call = async->ended;
        async->ended = call->next;
        call->what.done(call->what.context, &call->what.call);
        cm_view_release(call->call.view);
        free(call->call.tasks);
        free(call);
    }
}

static void on_idle(uv_idle_t *idle) {
    struct cacheman_async *async = idle->data;
    (void)uv_idle_stop(idle);
    deliver(async);
}

/* ---- handles ---- */

static void on_handle_closed(struct cacheman_async *async) {
    if (--async->handles > 0 || !async->closing)
        return;
    cm_view_release(async->view);
    if (async->closed != NULL)
        async->closed(async->closed_context);
    free(async);
}

static void on_wire_closed(uv_handle_t *handle) {
    struct wire *wire = handle->data;
    struct cacheman_async *async = wire->async;
    struct cm_server *server = wire->conn->server;
    cm_conn_close(wire->conn);
    cm_server_release(server);
    free(wire);
    on_handle_closed(async);
}

static void on_own_closed(uv_handle_t *handle) {
    on_handle_closed(handle->data);
}

/* ---- connections ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

/* Tells libuv what to wait for: nothing, if nobody waits for this connection (L3). */
static void update_events(struct wire *wire) {
    const struct cm_conn *conn = wire->conn;
    int events = conn->first != NULL || cm_conn_wants_write(conn) ? UV_READABLE : 0;
    if (cm_conn_wants_write(conn))
        events |= UV_WRITABLE;
    if (events == wire->events)
        return;
    wire->events = events;
    if (events == 0)
        (void)uv_poll_stop(&wire->poll);
    else if (uv_poll_start(&wire->poll, events, on_ready) != 0)
        cm_conn_break(wire->conn, CM_SYSTEM);
}

static void unlink_wire(struct cacheman_async *async, struct wire *wire) {
    struct wire **at = &async->wires;
    while (*at != wire)
        at = &(*at)->next;
    *at = wire->next;
}

static void count_failure(struct cacheman_async *async, struct cm_server *server,
                          enum cm_status status) {
    if (cm_server_failed(server, &async->view->settings, status))
        cm_client_wake(async->client);
}

/* An idle connection is not watched (L3): whether its server has closed it shows here. */
static bool stands(struct cm_conn *conn) {
    if (conn->state == CM_CONN_READY && conn->first == NULL && !cm_conn_wants_write(conn) &&
        !cm_os_is_quiet(conn->socket))
        cm_conn_break(conn, CM_UNREACHABLE);
    return conn->state != CM_CONN_BROKEN;
}

static struct wire *find(const struct cacheman_async *async, const struct cm_server *server) {
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next) {
        if (wire->conn->server == server && stands(wire->conn))
            return wire;
    }
    return NULL;
}

static struct wire *add_wire(struct cacheman_async *async, struct cm_conn *conn) {
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        return NULL;
    if (uv_poll_init_socket(async->timer.loop, &wire->poll, (uv_os_sock_t)conn->socket) != 0) {
        free(wire);
        return NULL;
    }
    wire->poll.data = wire;
    wire->async = async;
    wire->conn = conn;
    wire->connect_by_ns =
        cm_os_monotonic_ns() + (uint64_t)async->view->settings.connect_timeout * CM_NS_PER_MS;
    wire->next = async->wires;
    async->wires = wire;
    async->handles++;
    cm_server_hold(conn->server);
    return wire;
}

static struct wire *dial(struct cacheman_async *async, struct cm_server *server,
                         enum cm_status *status) {
    struct cm_conn *conn = cm_server_dial(server, &async->view->settings, status);
    if (conn == NULL) {
        if (*status != CM_NO_MEMORY)
            count_failure(async, server, *status);
        return NULL;
    }
    struct wire *wire = add_wire(async, conn);
    if (wire == NULL) {
        *status = CM_NO_MEMORY;
        cm_conn_close(conn);
    }
    return wire;
}

static void push(struct cm_engine *engine, struct cm_attempt *attempt) {
    struct cacheman_async *async = (struct cacheman_async *)engine;
    enum cm_status status = CM_CANCELLED;
    struct wire *wire = async->closing ? NULL : find(async, attempt->server);
    if (wire == NULL && !async->closing)
        wire = dial(async, attempt->server, &status);
    if (wire == NULL)
        cm_attempt_fail(attempt, status);
    else
        cm_conn_push(wire->conn, attempt);
}

static void bury(struct cacheman_async *async, struct wire *wire) {
    struct cm_conn *conn = wire->conn;
    struct cm_server *server = conn->server;
    struct cm_attempt *attempt = cm_conn_take(conn);
    unlink_wire(async, wire);
    if (!(conn->used && conn->failure == CM_UNREACHABLE) && conn->failure != CM_NO_MEMORY &&
        conn->failure != CM_CANCELLED)
        count_failure(async, server, conn->failure);
    while (attempt != NULL) {
        struct cm_attempt *next = attempt->next;
        if (cm_attempt_may_repeat(attempt, conn))
            push(&async->engine, attempt);
        else
            cm_attempt_fail(attempt, conn->failure);
        attempt = next;
    }
    (void)uv_poll_stop(&wire->poll);
    uv_close((uv_handle_t *)&wire->poll, on_wire_closed);
}

/* Sends what has been encoded, buries what is broken (L2), waits for the rest. */
static void sweep(struct cacheman_async *async) {
    bool again = true;
    while (again) {
        again = false;
        for (struct wire *wire = async->wires; wire != NULL && !again; wire = wire->next) {
            cm_conn_flush(wire->conn);
            if (wire->conn->state != CM_CONN_BROKEN)
                update_events(wire);
            if (wire->conn->state == CM_CONN_BROKEN) {
                bury(async, wire);
                again = true; /* the list is another one */
            }
        }
    }
}

/* ---- deadlines ---- */

static void on_timer(uv_timer_t *timer);

static void plan_timer(struct cacheman_async *async) {
    uint64_t next_ns = UINT64_MAX;
    for (struct loop_call *call = async->under_way; call != NULL; call = call->next)
        next_ns = call->deadline_ns < next_ns ? call->deadline_ns : next_ns;
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next) {
        if (wire->conn->state != CM_CONN_READY && wire->connect_by_ns < next_ns)
            next_ns = wire->connect_by_ns;
    }
    if (async->closing || next_ns == UINT64_MAX) {
        (void)uv_timer_stop(&async->timer);
        return;
    }
    const uint64_t now_ns = cm_os_monotonic_ns();
    const uint64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    (void)uv_timer_start(&async->timer, on_timer, left_ns / CM_NS_PER_MS + 1, 0);
}

static bool waits_for(const struct cm_attempt *list, const struct loop_call *call) {
    for (const struct cm_attempt *attempt = list; attempt != NULL; attempt = attempt->next) {
        if (((const struct cm_task *)attempt->context)->call == &call->call)
            return true;
    }
    return false;
}

/* A server that let a deadline pass answers nobody who waits behind either: its connection goes. */
static void end_late_call(struct cacheman_async *async, struct loop_call *call) {
    call->call.over = true;
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next) {
        if (waits_for(wire->conn->first, call))
            cm_conn_break(wire->conn, CM_TIMEOUT);
    }
}

static void read_from(struct cm_conn *conn) {
    cm_conn_on_readable(conn);
    if (conn->used && conn->state == CM_CONN_READY)
        cm_server_answered(conn->server);
}

/* A loop that was kept busy learns of the time before it learns of answers: those that have come are
 * in time. */
static void read_what_came(struct cacheman_async *async) {
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next) {
        const enum cm_conn_state state = wire->conn->state;
        if (wire->conn->first != NULL && state != CM_CONN_CONNECTING && state != CM_CONN_BROKEN)
            read_from(wire->conn);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct cacheman_async *async = timer->data;
    const uint64_t now_ns = cm_os_monotonic_ns();
    read_what_came(async);
    for (struct loop_call *call = async->under_way; call != NULL; call = call->next) {
        if (now_ns >= call->deadline_ns)
            end_late_call(async, call);
    }
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next) {
        if (wire->conn->state != CM_CONN_READY && now_ns >= wire->connect_by_ns)
            cm_conn_break(wire->conn, CM_TIMEOUT);
    }
    sweep(async);
    plan_timer(async);
    deliver(async);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct wire *wire = poll->data;
    struct cacheman_async *async = wire->async;
    if (status < 0)
        cm_conn_break(wire->conn, CM_UNREACHABLE);
    if ((events & UV_WRITABLE) != 0 && wire->conn->state != CM_CONN_BROKEN)
        cm_conn_on_writable(wire->conn);
    if ((events & UV_READABLE) != 0 && wire->conn->state != CM_CONN_BROKEN)
        read_from(wire->conn);
    sweep(async);
    plan_timer(async);
    deliver(async);
}

/* ---- the interface ---- */

enum cm_status cacheman_async_open(cacheman *client, struct uv_loop_s *loop, cacheman_async **out) {
    struct cacheman_async *async = calloc(1, sizeof *async);
    if (async == NULL)
        return CM_NO_MEMORY;
    async->engine.push = push;
    async->client = client;
    CM_CHECK(uv_timer_init(loop, &async->timer) == 0 && uv_idle_init(loop, &async->idle) == 0);
    async->timer.data = async->idle.data = async;
    async->handles = 2;
    async->view = cm_client_view(client);
    *out = async;
    return CM_OK;
}

static bool has_server(const struct cm_view *view, const struct cm_server *server) {
    for (size_t i = 0; i < view->server_count; i++) {
        if (view->servers[i] == server)
            return true;
    }
    return false;
}

/* Idle connections to servers that have left are given up with the view. */
static void renew_view(struct cacheman_async *async) {
    struct cm_view *view = cm_client_view(async->client);
    const bool is_new = view != async->view;
    cm_view_release(async->view);
    async->view = view;
    for (struct wire *wire = async->wires; is_new && wire != NULL; wire = wire->next) {
        if (wire->conn->first == NULL && !cm_conn_wants_write(wire->conn) &&
            !has_server(view, wire->conn->server))
            cm_conn_break(wire->conn, CM_CANCELLED);
    }
}

static struct loop_call *make_call(struct cacheman_async *async,
                                   const struct cacheman_async_call *what) {
    struct loop_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->call.tasks = malloc((what->call.count + 1) * sizeof *call->call.tasks);
    if (call->call.tasks == NULL) {
        free(call);
        return NULL;
    }
    const uint64_t timeout_ms = what->call.timeout_ms == 0 ? (uint64_t)async->view->settings.timeout
                                                           : what->call.timeout_ms;
    call->async = async;
    call->what = *what;
    call->deadline_ns = cm_os_monotonic_ns() + timeout_ms * CM_NS_PER_MS;
    call->call.engine = &async->engine;
    call->call.view = async->view;
    call->call.done = on_call_done;
    call->call.context = call;
    cm_view_hold(async->view);
    return call;
}

enum cm_status cacheman_async_run(cacheman_async *async, const struct cacheman_async_call *what) {
    renew_view(async);
    struct loop_call *call = make_call(async, what);
    if (call == NULL)
        return CM_NO_MEMORY;
    call->next = async->under_way;
    if (call->next != NULL)
        call->next->previous = call;
    async->under_way = call;
    cm_call_init(&call->call, &call->what.call);
    cm_call_start(&call->call);
    sweep(async);
    plan_timer(async);
    return CM_OK;
}

void cacheman_async_close(cacheman_async *async, void (*closed)(void *context), void *context) {
    if (async == NULL)
        return;
    async->closing = true;
    async->closed = closed;
    async->closed_context = context;
    for (struct wire *wire = async->wires; wire != NULL; wire = wire->next)
        cm_conn_break(wire->conn, CM_CANCELLED);
    sweep(async);
    uv_close((uv_handle_t *)&async->timer, on_own_closed);
    uv_close((uv_handle_t *)&async->idle, on_own_closed);
    deliver(async);
}

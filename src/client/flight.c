/* SPDX-License-Identifier: BSD-3-Clause */

/* The engine of calls that wait: connections taken from the servers' pools for the length of the
 * call, and poll() in the caller's own thread. No other thread is woken, nothing is handed over:
 * a request and its answer cost a send and a receive. */

#include "client/internal.h"

#include <stdlib.h>

static void push(struct cm_engine *engine, struct cm_attempt *attempt);

void cm_flight_init(struct cm_flight *flight, struct cacheman *client,
                    const struct cm_settings *settings, uint32_t timeout_ms) {
    flight->engine.push = push;
    flight->client = client;
    flight->settings = settings;
    if (timeout_ms == 0)
        timeout_ms = (uint32_t)settings->timeout;
    flight->deadline_ns = cm_os_monotonic_ns() + timeout_ms * CM_NS_PER_MS;
    flight->flown = flight->few;
    flight->count = 0;
    flight->room = CM_FLIGHT_ROOM;
    flight->is_over = flight->only_fresh = flight->is_endless = false;
    flight->nap_ms = 0;
}

void cm_flight_deinit(struct cm_flight *flight) {
    for (size_t i = 0; i < flight->count; i++) {
        struct cm_conn *conn = flight->flown[i].conn;
        if (conn->used && conn->state == CM_CONN_READY)
            cm_server_answered(conn->server);
        cm_server_check_in(conn->server, flight->settings, conn);
    }
    if (flight->flown != flight->few)
        free(flight->flown);
}

/* ---- connections ---- */

static bool make_room(struct cm_flight *flight) {
    if (flight->count < flight->room)
        return true;
    CM_CHECK(flight->room > 0);
    struct cm_flown *grown = malloc(2 * flight->room * sizeof *grown);
    if (grown == NULL)
        return false;
    memcpy(grown, flight->flown, flight->count * sizeof *grown);
    if (flight->flown != flight->few)
        free(flight->flown);
    flight->flown = grown;
    flight->room *= 2;
    return true;
}

static struct cm_conn *find(const struct cm_flight *flight, const struct cm_server *server) {
    for (size_t i = 0; i < flight->count; i++) {
        if (flight->flown[i].conn->server == server &&
            flight->flown[i].conn->state != CM_CONN_BROKEN)
            return flight->flown[i].conn;
    }
    return NULL;
}

static void count_failure(struct cm_flight *flight, struct cm_server *server,
                          enum cm_status status) {
    if (cm_server_failed(server, flight->settings, status))
        cm_client_wake(flight->client);
}

static struct cm_conn *take(struct cm_flight *flight, struct cm_server *server, bool fresh,
                            enum cm_status *status) {
    *status = CM_NO_MEMORY;
    if (!make_room(flight))
        return NULL;
    struct cm_conn *conn = fresh ? cm_server_dial(server, flight->settings, status)
                                 : cm_server_check_out(server, flight->settings, status);
    if (conn == NULL) {
        if (*status != CM_NO_MEMORY)
            count_failure(flight, server, *status);
        return NULL;
    }
    uint64_t by_ns = flight->deadline_ns;
    if (conn->state != CM_CONN_READY) {
        const uint64_t patient_ns =
            cm_os_monotonic_ns() + (uint64_t)flight->settings->connect_timeout * CM_NS_PER_MS;
        by_ns = patient_ns < by_ns || flight->is_endless ? patient_ns : by_ns;
    }
    flight->flown[flight->count++] = (struct cm_flown){conn, by_ns};
    return conn;
}

static void push_on(struct cm_flight *flight, struct cm_attempt *attempt, bool fresh) {
    enum cm_status status = CM_TIMEOUT;
    struct cm_conn *conn = NULL;
    if (!flight->is_over) {
        conn = find(flight, attempt->server);
        if (conn == NULL)
            conn = take(flight, attempt->server, fresh || flight->only_fresh, &status);
    }
    if (conn == NULL)
        cm_attempt_fail(attempt, status);
    else
        cm_conn_push(conn, attempt);
}

static void push(struct cm_engine *engine, struct cm_attempt *attempt) {
    push_on((struct cm_flight *)engine, attempt, false);
}

/* ---- failures ---- */

bool cm_attempt_may_repeat(struct cm_attempt *attempt, const struct cm_conn *conn) {
    const bool may = attempt->reused && attempt->repeatable && conn->failure == CM_UNREACHABLE;
    attempt->repeatable = false; /* once */
    return may;
}

/* Takes a broken connection out and deals with what it leaves behind. One that had been used before
 * may just be a server's that was restarted: that is no failure yet, a new one will tell. */
static void bury(struct cm_flight *flight, size_t place) {
    struct cm_conn *conn = flight->flown[place].conn;
    struct cm_attempt *attempt = cm_conn_take(conn);
    flight->flown[place] = flight->flown[--flight->count];
    if (conn->used && conn->failure == CM_UNREACHABLE)
        cm_server_close_idle(conn->server);
    else if (conn->failure != CM_NO_MEMORY)
        count_failure(flight, conn->server, conn->failure);
    while (attempt != NULL) {
        struct cm_attempt *next = attempt->next;
        if (cm_attempt_may_repeat(attempt, conn))
            push_on(flight, attempt, true);
        else
            cm_attempt_fail(attempt, conn->failure);
        attempt = next;
    }
    cm_conn_close(conn);
}

static void bury_broken(struct cm_flight *flight) {
    for (size_t i = 0; i < flight->count;) {
        if (flight->flown[i].conn->state == CM_CONN_BROKEN)
            bury(flight, i);
        else
            i++;
    }
}

static bool is_busy(const struct cm_conn *conn) {
    return conn->first != NULL || cm_conn_wants_write(conn);
}

/* Whether it has been waiting for too long: to connect, or for anything at all. */
static bool is_late(const struct cm_flight *flight, const struct cm_flown *flown, uint64_t now_ns) {
    const struct cm_conn *conn = flown->conn;
    return (conn->state != CM_CONN_READY && now_ns >= flown->connect_by_ns) ||
           (flight->is_over && is_busy(conn));
}

static void see_end(struct cm_flight *flight, uint64_t now_ns) {
    flight->is_over = now_ns >= flight->deadline_ns && !flight->is_endless;
}

/* What has come is in time, however late this thread is let to look; it may also put the end off. */
static void read_late(struct cm_flight *flight, uint64_t now_ns) {
    for (size_t i = 0; i < flight->count; i++) {
        struct cm_conn *conn = flight->flown[i].conn;
        if (is_late(flight, &flight->flown[i], now_ns) && conn->state != CM_CONN_CONNECTING)
            cm_conn_on_readable(conn);
    }
}

static void break_late(struct cm_flight *flight, uint64_t now_ns) {
    see_end(flight, now_ns);
    read_late(flight, now_ns);
    see_end(flight, now_ns);
    for (size_t i = 0; i < flight->count; i++) {
        if (is_late(flight, &flight->flown[i], now_ns))
            cm_conn_break(flight->flown[i].conn, CM_TIMEOUT);
    }
    bury_broken(flight);
}

/* ---- waiting ---- */

static uint32_t ms_until(uint64_t deadline_ns, uint64_t now_ns) {
    const uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    return (uint32_t)((left_ns + CM_NS_PER_MS - 1) / CM_NS_PER_MS);
}

static uint64_t next_deadline(const struct cm_flight *flight) {
    uint64_t next_ns = flight->deadline_ns;
    for (size_t i = 0; i < flight->count; i++) {
        if (flight->flown[i].conn->state != CM_CONN_READY &&
            flight->flown[i].connect_by_ns < next_ns)
            next_ns = flight->flown[i].connect_by_ns;
    }
    return next_ns;
}

static void wait_for(struct cm_flight *flight, struct cm_os_wait *waits, uint32_t timeout_ms) {
    size_t count = 0;
    for (size_t i = 0; i < flight->count; i++) {
        struct cm_conn *conn = flight->flown[i].conn;
        waits[i] = (struct cm_os_wait){conn->socket, true, cm_conn_wants_write(conn)};
    }
    count = flight->count;
    if (flight->nap_ms > 0 && timeout_ms > flight->nap_ms)
        timeout_ms = flight->nap_ms;
    if (!cm_os_wait(waits, count, timeout_ms))
        return;
    for (size_t i = 0; i < count; i++) { /* new connections come behind */
        struct cm_conn *conn = flight->flown[i].conn;
        if (waits[i].write && conn->state != CM_CONN_BROKEN)
            cm_conn_on_writable(conn);
        if (waits[i].read && conn->state != CM_CONN_BROKEN)
            cm_conn_on_readable(conn);
    }
}

static void flush(struct cm_flight *flight) {
    for (size_t i = 0; i < flight->count; i++)
        cm_conn_flush(flight->flown[i].conn);
}

void cm_flight_step(struct cm_flight *flight) {
    struct cm_os_wait few[CM_FLIGHT_ROOM], *waits = few;
    const uint64_t now_ns = cm_os_monotonic_ns();
    flush(flight);
    bury_broken(flight);
    break_late(flight, now_ns);
    if (flight->count == 0)
        return;
    if (flight->count > CM_FLIGHT_ROOM)
        waits = malloc(flight->count * sizeof *waits);
    if (waits != NULL)
        wait_for(flight, waits, ms_until(next_deadline(flight), now_ns));
    else
        cm_conn_on_readable(flight->flown[0].conn);
    if (waits != few)
        free(waits);
    bury_broken(flight);
}

/* One connection, all sent, nothing received yet: no poll() is needed to wait for its answer. The
 * timeout is the same every time, so that setting it costs nothing either. */
static void run_alone(struct cm_flight *flight) {
    struct cm_conn *conn = flight->flown[0].conn;
    cm_conn_flush(conn);
    if (conn->state == CM_CONN_READY && !cm_conn_wants_write(conn) && conn->first != NULL)
        cm_conn_read_wait(conn, (uint32_t)flight->settings->timeout);
    bury_broken(flight);
}

/* Requests without an answer are to be sent at least. */
static bool has_unsent(struct cm_flight *flight) {
    flush(flight);
    bury_broken(flight);
    for (size_t i = 0; i < flight->count; i++) {
        if (cm_conn_wants_write(flight->flown[i].conn))
            return true;
    }
    return false;
}

void cm_flight_run(struct cm_flight *flight, const size_t *left) {
    const uint64_t usual_ns = (uint64_t)flight->settings->timeout * CM_NS_PER_MS;
    if (flight->count == 1 && *left > 0 &&
        flight->deadline_ns + CM_NS_PER_MS >= cm_os_monotonic_ns() + usual_ns)
        run_alone(flight);
    while (*left > 0 || has_unsent(flight))
        cm_flight_step(flight);
}

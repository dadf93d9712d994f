/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_SERVER_H
#define CM_CLIENT_SERVER_H

/* What a client knows of one server: its addresses, its health, its idle connections. Shared by all
 * threads, counted by whoever refers to it.
 *
 *     UNTRIED --success--> UP --`failures` in a row--> DOWN --a probe succeeds--> UP
 *        \________________________________________________^
 *
 * S1. A DOWN server is sent nothing but probes, by the keeper alone and at jittered times that
 *     double, so that a server that comes back is not met by everybody at once.
 * S2. Idle connections are those of an UP server: going DOWN closes them. */

#include "base/format.h"
#include "base/os/os.h"
#include "client/conn.h"
#include "ring/cluster.h"
#include <stdatomic.h>

#define CM_SERVER_ADDRESSES_MAX 8
#define CM_SERVER_NOTE_BYTES    128

struct cm_server {
    atomic_uint references;
    char *name, *host;
    uint16_t port;
    atomic_int health; /* enum cacheman_health */
    atomic_bool meta;
    atomic_uint failures; /* in a row */
    atomic_int cause;     /* enum cm_status of the last of them */
    atomic_uint_fast64_t requests, failed;
    atomic_int connections;
    struct cm_os_mutex lock; /* of what follows */
    struct cm_os_address addresses[CM_SERVER_ADDRESSES_MAX];
    size_t address_count, address_next;
    bool is_number;             /* no name to look up */
    struct cm_tls_context *tls; /* the client's, which outlives its servers; NULL: plain */
    struct cm_conn *idle;
    size_t idle_count;
    uint64_t probe_at_ns; /* DOWN: when to probe next */
    uint64_t backoff_ms;
    char note[CM_SERVER_NOTE_BYTES]; /* the last thing that went wrong */
};

CM_MUST_CHECK enum cm_status cm_server_create(const struct cm_member *member,
                                              struct cm_tls_context *tls, struct cm_server **out);
void cm_server_hold(struct cm_server *server);
void cm_server_release(struct cm_server *server); /* NULL is allowed */

/* The address to try; each failure moves on to the next. False: the name is not known yet. */
bool cm_server_address(struct cm_server *server, struct cm_os_address *out);
/* Asks for the name's addresses; may take long. Numbers and paths are known from the start. */
void cm_server_look_up(struct cm_server *server);
bool cm_server_is_known(struct cm_server *server);

/* Appends login and greeting to a new connection's output. */
CM_MUST_CHECK enum cm_status cm_server_greeting(struct cm_server *server,
                                                const struct cm_settings *settings,
                                                struct cm_conn *conn);

/* An idle connection that still stands, or a new one; NULL and *status. */
struct cm_conn *cm_server_check_out(struct cm_server *server, const struct cm_settings *settings,
                                    enum cm_status *status);
/* A new one in any case. */
struct cm_conn *cm_server_dial(struct cm_server *server, const struct cm_settings *settings,
                               enum cm_status *status);
/* Takes the connection: keeps it if it is clean and there is room, else closes it. */
void cm_server_check_in(struct cm_server *server, const struct cm_settings *settings,
                        struct cm_conn *conn);
void cm_server_close_idle(struct cm_server *server);

static inline enum cacheman_health cm_server_health(const struct cm_server *server) {
    return (enum cacheman_health)atomic_load_explicit(&server->health, memory_order_relaxed);
}

static inline void cm_server_count_request(struct cm_server *server) {
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
}

static inline void cm_server_count_connection(struct cm_server *server, int change) {
    atomic_fetch_add_explicit(&server->connections, change, memory_order_relaxed);
}

void cm_server_succeeded(struct cm_server *server, bool meta);
/* A request has been answered: failures in a row begin anew. */
static inline void cm_server_answered(struct cm_server *server) {
    if (atomic_load_explicit(&server->failures, memory_order_relaxed) != 0)
        atomic_store_explicit(&server->failures, 0, memory_order_relaxed);
}
/* A connection or a request failed. True if the server is DOWN because of it: wake the keeper. */
bool cm_server_failed(struct cm_server *server, const struct cm_settings *settings,
                      enum cm_status status);
/* DOWN: a probe failed, or one is due no more. */
void cm_server_probe_failed(struct cm_server *server, const struct cm_settings *settings);
/* When to probe; UINT64_MAX if the server is not DOWN. */
uint64_t cm_server_probe_at_ns(struct cm_server *server);

CM_PRINTF(2, 3)
void cm_server_note(struct cm_server *server, const char *format, ...);

#endif

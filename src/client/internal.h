/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_INTERNAL_H
#define CM_CLIENT_INTERNAL_H

/* What the files of client/ share. */

#include "client/task.h"
#include "etcd/etcd.h"

#define CM_NS_PER_MS ((uint64_t)1000000)

struct cacheman {
    struct cm_os_mutex lock; /* of what follows */
    struct cm_os_cond wake;  /* the keeper: something is to be done before it thought */
    struct cm_os_cond ready; /* names have been looked up */
    struct cm_view *view;    /* replaced by the keeper alone */
    bool closing, looked_up, is_woken;
    struct cm_cluster_error problem; /* of the cluster file or of etcd; empty: none */
    /* Not changed after opening. */
    char *where;
    char *path;                 /* of the cluster file; NULL: there is none */
    struct cm_etcd *etcd;       /* NULL: the members are not there */
    struct cm_tls_context *tls; /* as the options were at opening; NULL: plain */
    struct cm_os_thread keeper;
    /* The keeper's alone. */
    uint64_t file_hash, file_at_ns;
    uint64_t etcd_changes; /* seen */
};

/* The view of now; given back with cm_view_release(). */
struct cm_view *cm_client_view(struct cacheman *client);
void cm_client_wake(struct cacheman *client);
/* membership.c. Finds out where the members are; with etcd, waits for its first answer. */
CM_MUST_CHECK enum cm_status cm_client_find(struct cacheman *client,
                                            struct cm_cluster_error *error);
/* Reads what describes the cluster. INVALID, NO_MEMORY, SYSTEM (the file cannot be read). */
CM_MUST_CHECK enum cm_status cm_client_read(struct cacheman *client, struct cm_cluster *cluster,
                                            struct cm_cluster_error *error);
/* Tells whether two descriptions are the same. */
uint64_t cm_client_hash(const struct cm_cluster *cluster);
/* Whether there is something to read since the last time. */
bool cm_client_etcd_has_changed(struct cacheman *client);

/* keeper.c: the client's own thread. It probes servers that are down, looks up names, reloads the
 * cluster file or what etcd tells, and ends warm-ups. */
void cm_keeper_main(void *context);

/* ---- the engine of calls that wait (flight.c) ---- */

/* A connection in use by a call. */
struct cm_flown {
    struct cm_conn *conn;
    uint64_t connect_by_ns;
};

#define CM_FLIGHT_ROOM 16 /* connections without memory of their own */

struct cm_flight {
    struct cm_engine engine;
    struct cacheman *client;
    const struct cm_settings *settings;
    uint64_t deadline_ns;
    struct cm_flown *flown;
    size_t count, room;
    struct cm_flown few[CM_FLIGHT_ROOM];
    bool is_over;    /* the deadline has passed: attempts fail at once */
    bool only_fresh; /* for probes: no connection from the pool */
    uint32_t nap_ms; /* how long a step may wait; 0: up to the deadline */
    bool is_endless; /* the deadline is no failure: the owner takes the attempts back then */
};

void cm_flight_init(struct cm_flight *flight, struct cacheman *client,
                    const struct cm_settings *settings, uint32_t timeout_ms);
/* Carries attempts until *left is 0 or the deadline has passed; then ends those still under way
 * with TIMEOUT. */
void cm_flight_run(struct cm_flight *flight, const size_t *left);
/* Takes one step: waits for any connection, at most until the deadline. */
void cm_flight_step(struct cm_flight *flight);
void cm_flight_deinit(struct cm_flight *flight);

/* What an attempt does when its connection has broken. True: it may be sent again, on a new one. */
bool cm_attempt_may_repeat(struct cm_attempt *attempt, const struct cm_conn *conn);

/* A call of one request with what only this library asks for; *answer (may be NULL) gets the last
 * answer of the first server. */
CM_MUST_CHECK enum cm_status cm_client_ask(struct cacheman *client,
                                           const struct cacheman_call *what,
                                           const struct cm_ask *extra, struct cm_answer *answer);

#endif

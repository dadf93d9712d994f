/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_WORKER_H
#define CM_NET_WORKER_H

/* A worker: one thread, one loop, its connections.
 *
 * W1. Everything of a worker belongs to its thread, but for what is marked shared.
 * W2. The store is entered (cmstore_begin) at the first use of a turn and left before the loop
 *     waits, so that an idle worker never holds up reclaim.
 * W3. `input`, `out`, `plain` and `cipher` are free between callbacks: whatever outlives a callback
 *     is copied or taken away. */

#include "base/buf.h"
#include "base/os/socket.h"
#include "net/link.h"
#include "net/net.h"
#include "op/out.h"
#include <cacheman/store.h>
#include <stdatomic.h>

#define CM_WORKER_INPUT_BYTES ((size_t)64 << 10)

struct cm_conn;
struct cm_metrics;
struct cm_udp;
struct cm_session_worker;

enum cm_worker_stop {
    CM_WORKER_RUNS,
    CM_WORKER_DRAINS, /* answers what was received, then closes */
    CM_WORKER_QUITS,  /* closes at once */
};

/* A connection on its way from the accepting thread. */
struct cm_arrival {
    cm_os_socket socket;
    bool local; /* over a Unix socket */
    bool plain; /* no TLS, whatever the others have */
};

struct cm_worker {
    _Alignas(64) struct cm_net *net; /* workers share no cache line */
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;      /* something arrived in the shared part */
    uv_prepare_t leave;   /* W2 */
    uv_idle_t again_idle; /* runs while connections wait in `again` or the worker drains */
    uv_timer_t sweep;     /* what takes too long, once a second; only where there is a limit */
    uv_timer_t look;      /* once a second: how late is it? */
    uint64_t look_due_ns; /* when it should run */
    uv_timer_t deadline;  /* of draining */
    uv_timer_t pauses;    /* runs while connections pause: the end of the first pause */
    uv_timer_t tell;      /* while there are connections in `watching` */
    cmstore_thread *store_thread;
    struct cm_metrics *metrics;
    struct cm_session_worker *sessions;
    bool in_store;
    size_t turn_bytes; /* input handled since the store was entered */
    enum cm_worker_stop stopping;
    bool started;        /* has had a thread */
    uint64_t turn;       /* counts the loop's turns */
    uint64_t timed_turn; /* whose beginning is `turn_ns` (net/timing.h) */
    uint64_t turn_ns;
    uint64_t slow_ns;          /* requests that take longer are told of; 0: none */
    uint64_t drain_turn;       /* in which draining began */
    uint64_t progress_turn;    /* of the last progress while draining */
    struct cm_link conns;      /* all; changed under `lock` */
    struct cm_link again;      /* wait for their next turn */
    struct cm_link paused;     /* wait for the end of a pause that their session wants */
    struct cm_link watching;   /* are told every now and then what happens */
    struct cm_link stalled;    /* unsent output, the longest without progress first */
    struct cm_link shaking;    /* handshakes that wait for their turn (net/secure.h) */
    struct cm_conn *shaker;    /* whose turn it is; NULL: nobody's */
    uint64_t shake_turn;       /* the last turn that made a step */
    int64_t held_bytes;        /* parked requests and unsent answers of its connections */
    int64_t held_bytes_shared; /* of these, what cm_net knows about */
    uint32_t trim_at;          /* connections left when memory is given back; 0: not due */
    struct cm_udp *udp;        /* owned: its datagram sockets */
    size_t udp_count;
    struct cm_out out;
    char *input;
    struct cm_buf plain;  /* what was read, decrypted */
    struct cm_buf cipher; /* what is to be sent, encrypted */

    /* Shared, under `lock`. */
    uv_mutex_t lock;
    struct cm_arrival *arrivals;
    size_t arrival_count, arrival_capacity;
    enum cm_worker_stop stop_wanted;
    bool ended; /* `wake` must not be used any more */

    _Atomic uint32_t conn_count; /* shared; those on their way included */
};

CM_MUST_CHECK enum cm_status cm_worker_init(struct cm_worker *worker, struct cm_net *net,
                                            struct cm_metrics *metrics);
/* After its thread has ended, or without one. */
void cm_worker_deinit(struct cm_worker *worker);

CM_MUST_CHECK enum cm_status cm_worker_start(struct cm_worker *worker);
/* Gives the worker a connection, from the accepting thread. NO_MEMORY: it is still the caller's. */
CM_MUST_CHECK enum cm_status cm_worker_give(struct cm_worker *worker, struct cm_arrival arrival);
/* Has its loop look at what may have changed. From the accepting thread, as the next. */
void cm_worker_wake(struct cm_worker *worker);
void cm_worker_stop(struct cm_worker *worker, enum cm_worker_stop how);

/* ---- for the worker's connections, on its thread ---- */

void cm_worker_enter_store(struct cm_worker *worker);
/* Puts the connection's link into `again`. */
void cm_worker_go_on_later(struct cm_worker *worker, struct cm_link *link);
/* Puts the connection's link into `shaking`. */
void cm_worker_shake_later(struct cm_worker *worker, struct cm_link *link);
/* Puts the connection into `paused`, from where it goes to `again` after that time, or at once when
 * the worker is to stop. */
void cm_worker_pause(struct cm_worker *worker, struct cm_conn *conn, uint32_t ms);
/* Puts the connection's link into `watching`. */
void cm_worker_watch(struct cm_worker *worker, struct cm_link *link);
/* A connection holds `bytes` more, or less. */
void cm_worker_hold(struct cm_worker *worker, int64_t bytes);
/* A connection received or sent: while draining, time to look whether any is done. */
void cm_worker_progressed(struct cm_worker *worker);
/* A connection is gone. */
void cm_worker_lost_connection(struct cm_worker *worker);

#endif

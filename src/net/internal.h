/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_INTERNAL_H
#define CM_NET_INTERNAL_H

/* What the files of net/ share.
 *
 * N1. Memory for parked requests and unsent answers (`held`) beyond CM_NET_HELD_FREE comes out of
 *     the store's budget: cmstore_charge() follows it in steps of CM_NET_CHARGE_STEP.
 * N2. Unsent answers are bounded. Past half of a limit sessions get less room for answers and
 *     input is read in small pieces; past the limit the connection that has made no progress for
 *     the longest time is closed. `pinned` is what they hold in the store's own memory. */

#include "base/log.h"
#include "net/worker.h"

#define CM_NET_HELD_FREE   ((int64_t)2 << 20)
#define CM_NET_CHARGE_STEP ((int64_t)256 << 10)
/* Shares of the memory limit. */
#define CM_NET_HELD_SHARE   8
#define CM_NET_PINNED_SHARE 4

/* Room for the text of any address: a Unix socket's path is the longest. */
#define CM_NET_ADDRESS_BYTES 128

struct cm_listener {
    struct cm_net *net;
    uv_poll_t poll;
    cm_os_socket socket;
    char address[CM_NET_ADDRESS_BYTES];
    bool v6, loopback;
    bool local; /* a Unix socket, whose file `path` is removed at the end */
    struct cm_os_socket_path path;
    bool plain; /* no TLS here, whatever the others have */
};

struct cm_net {
    struct cm_net_options options;
    struct cm_listener **listeners; /* owned */
    size_t listener_count;
    uint16_t free_port;                    /* of those that leave theirs open */
    struct cm_udp_listener *udp_listeners; /* owned */
    size_t udp_listener_count;
    struct cm_worker *workers; /* owned; options.thread_count of them */
    unsigned workers_ready;    /* initialised */
    unsigned workers_running;
    uv_async_t wake;      /* a worker ended, or a descriptor is free again */
    uv_timer_t retry;     /* while accepting pauses */
    uint64_t paused_ns;   /* loop time at which accepting paused */
    unsigned next_worker; /* where the search for the least busy starts */
    uint64_t start_ns;    /* loop time at which it started */
    bool started, stopping;
    unsigned open_handles; /* on the accepting thread's loop */

    /* Whether the listeners may be looked at; their end waits for the lock. */
    uv_mutex_t lock;
    bool listens;

    _Atomic uint32_t connections_max, idle_timeout_s;
    _Atomic uint64_t slow_ns;
    _Atomic bool accept_paused;
    _Atomic uint32_t workers_ended;
    _Atomic uint64_t memory_bytes;
    _Atomic int64_t held_bytes, pinned_bytes, charged_bytes;
    _Atomic uint64_t connections, connections_total, rejected, idle_kicks, stalled_kicks;
    _Atomic uint64_t accept_pauses, accept_paused_us;
    _Atomic uint64_t new_sessions, resumed_sessions, kernel_sessions, handshake_errors;
};

static inline void cm_net_count(_Atomic uint64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* What clients cause: the arguments are not worked out for what nobody reads. */
#define CM_NET_LOG(net, level, ...)                                                                \
    do {                                                                                           \
        if (cm_log_wants((net)->options.log, level))                                               \
            cm_log_often((net)->options.log, level, __VA_ARGS__);                                  \
    } while (0)

/* Bytes more, or less, held by parked requests and unsent answers. */
void cm_net_hold(struct cm_net *net, int64_t bytes);
/* Bytes more, or less, held in the store by unsent answers. */
void cm_net_pin(struct cm_net *net, int64_t bytes);
/* Whether what is held has reached 1/`part` of a limit (N2). */
bool cm_net_is_short(struct cm_net *net, int part);

/* listener.c */
CM_MUST_CHECK enum cm_status cm_listeners_open(struct cm_net *net,
                                               const struct cm_net_listen *options,
                                               struct cm_net_error *error);
/* Makes the listeners known to the loop; all or none. */
CM_MUST_CHECK enum cm_status cm_listeners_init(struct cm_net *net);
void cm_listeners_start(struct cm_net *net);
/* As cm_net_listen_anew(). */
CM_MUST_CHECK enum cm_status cm_listeners_change(struct cm_net *net,
                                                 const struct cm_net_listen *options,
                                                 struct cm_net_error *error);
void cm_listeners_pause(struct cm_net *net, const char *why);
/* Accepts whoever waits, as long as there is room. */
void cm_listeners_take_last(struct cm_net *net);
void cm_listeners_close(struct cm_net *net);
/* Any thread. */
void cm_listeners_visit(struct cm_net *net, cm_net_connection_visitor *visitor, void *context);
/* Closes its socket; its handle is closed already, or never was open. */
void cm_listener_destroy(struct cm_listener *listener);

/* udp.c: an address with a socket for each worker, so that the system spreads the clients. */
struct cm_address;
struct cm_udp_listener {
    cm_os_socket *sockets; /* owned, one a worker */
    size_t taken;          /* of these: the first workers' loops have theirs */
    char address[CM_NET_ADDRESS_BYTES];
    uint16_t port;
    bool v6, loopback;
};
/* Takes `first`, which is bound to `address`. SYSTEM (*code tells why), NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_udp_add_listener(struct cm_net *net, cm_os_socket first,
                                                 const struct cm_address *address, int *code);
void cm_udp_drop_listeners(struct cm_net *net);
/* Has the worker receive on its sockets, until cm_udp_close(). */
CM_MUST_CHECK enum cm_status cm_udp_init(struct cm_worker *worker);
void cm_udp_close(struct cm_worker *worker);

/* address.c: what -l names, as socket addresses. */
struct cm_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    bool optional; /* the system may not have it */
    bool plain;    /* as in struct cm_listener */
};
struct cm_addresses {
    struct cm_address *entries; /* owned */
    size_t count;
    bool plain; /* those that are being added */
};
size_t cm_address_bytes(const struct cm_address *address);
uint16_t cm_address_port(const struct cm_address *address);
bool cm_address_is_loopback(const struct cm_address *address);
void cm_address_text(const struct sockaddr *address, char *to, size_t to_bytes);
CM_MUST_CHECK enum cm_status cm_addresses_resolve(struct cm_addresses *addresses,
                                                  const struct cm_net_listen *options,
                                                  struct cm_net_error *error);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_NET_H
#define CM_NET_NET_H

/* Sockets for sessions: one thread that accepts, and worker threads with a loop each, among which
 * the connections are spread. Nothing in here knows a protocol.
 *
 *   accepting thread (the caller's loop)        worker threads
 *   listener readable -> accept -> least busy   -> queue -> uv_async -> connection on its loop
 *
 * A connection stays with its worker until it ends. */

#include "base/os/socket.h"
#include <cacheman/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct cm_config_list;
struct cm_log;
struct cm_metrics_group;
struct cm_session_env;
struct cm_tls_context;
struct cm_net;

struct cm_net_options {
    const struct cm_session_env *env; /* borrowed; complete before cm_net_start() */
    struct cm_metrics_group *metrics; /* borrowed; a set per worker thread */
    uv_loop_t *loop;                  /* borrowed; of the thread that makes all calls below */
    struct cm_tls_context *tls;       /* borrowed; NULL: no listener speaks TLS */
    unsigned thread_count;
    uint32_t connections_max;
    bool connections_wait;   /* past the limit, instead of being closed */
    uint32_t idle_timeout_s; /* 0: none */
    uint64_t slow_ns;        /* as cm_net_set_slow() */
    uint32_t stop_ms;        /* 0: CM_NET_STOP_MS */
    struct cm_log *log;      /* borrowed; any thread writes to it */
    /* On the loop, after cm_net_stop(), when every connection is closed and every worker has ended. */
    void (*on_stopped)(void *context);
    void *context;
};

struct cm_net_listen {
    const struct cm_config_list *addresses; /* none: loopback */
    int port;                               /* -1: a free one, 0: no TCP */
    int udp_port;                           /* likewise */
    int backlog;
    const char *unix_path; /* instead of all these; NULL: none */
    unsigned unix_mask;
};

/* What went wrong, one sentence for people. */
struct cm_net_error {
    char text[512];
};

/* NO_MEMORY. The caller gives *out to cm_net_destroy(). */
CM_MUST_CHECK enum cm_status cm_net_create(const struct cm_net_options *options,
                                           struct cm_net **out);
/* Before cm_net_start(), or when stopped. NULL is allowed. */
void cm_net_destroy(struct cm_net *net);

/* Opens the listeners; nobody is accepted yet. SYSTEM (error tells why), NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_net_listen(struct cm_net *net, const struct cm_net_listen *options,
                                           struct cm_net_error *error);

/* Opens one socket for somebody else, on the first of the addresses that can be had; `text` is as
 * "127.0.0.1:16181". The caller closes it. SYSTEM (error tells why), NO_MEMORY. */
struct cm_net_opened {
    cm_os_socket socket;
    bool loopback;
    char text[64];
};
CM_MUST_CHECK enum cm_status cm_net_open(const struct cm_net_listen *options,
                                         struct cm_net_opened *out, struct cm_net_error *error);
/* Whether an address of `listen` is for other machines, too. False of a name: none is looked up. */
bool cm_net_is_beyond_loopback(const char *host);

/* Starts the workers and accepts. SYSTEM, NO_MEMORY, TOO_MANY_THREADS: nothing is running. */
CM_MUST_CHECK enum cm_status cm_net_start(struct cm_net *net);

/* Accepts who waits, answers what it has, sends for at most CM_NET_STOP_MS, closes. Again: at once. */
#define CM_NET_STOP_MS 3000
void cm_net_stop(struct cm_net *net);

struct cm_net_listening {
    const char *address; /* "tcp:127.0.0.1:16180", "unix:/path"; borrowed for the callback */
    uint16_t port;       /* 0: a Unix socket */
    bool v6;
    bool udp;
    bool loopback; /* nobody can reach it from outside of the machine */
    bool plain;    /* no TLS, whatever the others have */
};
typedef void cm_net_listener_visitor(void *context, const struct cm_net_listening *listening);
void cm_net_visit_listeners(struct cm_net *net, cm_net_listener_visitor *visitor, void *context);

/* Once started: listens on the addresses that are new, and on those that are not named any more no
 * longer; connections stay. On a free port: that which the others have. All or nothing. SYSTEM
 * (error tells why), NO_MEMORY. Not with a Unix socket; UDP stays as it is. */
CM_MUST_CHECK enum cm_status cm_net_listen_anew(struct cm_net *net,
                                                const struct cm_net_listen *options,
                                                struct cm_net_error *error);

void cm_net_set_connections_max(struct cm_net *net, uint32_t count);
/* 0: connections may be idle for ever. */
void cm_net_set_idle_timeout(struct cm_net *net, uint32_t seconds);
/* Requests that take so long or longer are told of in the log; 0: none. */
void cm_net_set_slow(struct cm_net *net, uint64_t ns);

/* ---- from any thread ---- */

/* The store's memory limit: unsent answers may use a part of it. */
void cm_net_set_memory(struct cm_net *net, uint64_t bytes);

struct cm_net_counts {
    uint64_t connections;       /* open */
    uint64_t connections_total; /* ever */
    uint64_t rejected;          /* past the limit */
    uint64_t idle_kicks;
    uint64_t stalled_kicks; /* closed for the room their unsent answers took */
    uint64_t accept_pauses; /* out of descriptors */
    uint64_t accept_paused_us;
    uint64_t new_sessions; /* of TLS: handshakes done, but for those that resumed a session */
    uint64_t resumed_sessions;
    uint64_t kernel_sessions; /* handshakes after which the kernel encrypts */
    uint64_t handshake_errors;
    bool accepting;
    uint64_t held_bytes; /* parked requests and unsent answers */
};
void cm_net_read_counts(struct cm_net *net, struct cm_net_counts *counts);

struct cm_net_connection {
    int64_t descriptor;
    const char *address;        /* "tcp:127.0.0.1:40312", borrowed for the callback */
    const char *listen_address; /* NULL: it is a listener */
    const char *state;
    uint32_t idle_s;
    bool udp;
};
typedef void cm_net_connection_visitor(void *context, const struct cm_net_connection *connection);
/* Every listener, of UDP one a worker, and every connection. The callback must not call net. */
void cm_net_visit_connections(struct cm_net *net, cm_net_connection_visitor *visitor,
                              void *context);

/* Who is at the other end of the connection of that descriptor, which is open: "tcp:127.0.0.1:40312",
 * "unix"; "udp" of 0, by which datagrams go. Returns `to`. */
#define CM_NET_CLIENT_BYTES 64
const char *cm_net_client_text(int64_t descriptor, char to[CM_NET_CLIENT_BYTES]);

#endif

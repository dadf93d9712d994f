/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_CONTROL_H
#define CM_COMMAND_CONTROL_H

#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

/* What the server knows and the store does not, for `stats`: one field a line of
 * CM_STATS_SERVER in tables/stats.def. */
struct cm_server_stats {
#define CM_STAT_SERVER(name, text)        uint64_t name;
#define CM_STAT_HIDDEN_SERVER(name, text) uint64_t name;
#include "tables/stats.def"
    const char *version;         /* static */
    const char *libevent;        /* static: version of the event library */
    uint64_t user_us, system_us; /* CPU time of the process */
};

/* Receives the lines of an answer to `stats`; both slices are borrowed for the call. */
struct cm_stat_sink {
    void (*line)(struct cm_stat_sink *sink, struct cm_slice name, struct cm_slice value);
};

enum cm_refresh {
    CM_REFRESH_OFF, /* there are no certificates */
    CM_REFRESH_DONE,
    CM_REFRESH_FAILED, /* they stay as they were */
};

/* What commands do beyond the connection and the store, done by the server. Called from any worker
 * thread; must not wait and must not call the session back. Every member is required. `client` is the
 * descriptor of the connection that the command came by, 0: a datagram. */
struct cm_control {
    void *context;
    void (*server_stats)(void *context, struct cm_server_stats *stats);
    /* `stats settings`: memcached's names, as of protocol.txt. */
    void (*settings)(void *context, struct cm_stat_sink *sink);
    /* `stats conns`: names are "<fd>:addr", "<fd>:listen_addr", "<fd>:state",
     * "<fd>:secs_since_last_cmd". Listeners have no "listen_addr"; those of UDP have a "<fd>:UDP". */
    void (*conns)(void *context, struct cm_stat_sink *sink);
    /* The servers of the cluster as ElastiCache lists them, with their version; one line at most,
     * "cluster". */
    void (*cluster)(void *context, struct cm_stat_sink *sink);
    void (*set_verbosity)(void *context, uint32_t level, int64_t client);
    /* The whole server; as SIGINT, or, graceful, as SIGUSR1. The session closes by itself. */
    void (*shutdown)(void *context, bool graceful, int64_t client);
    /* These have been changed by a command. */
    void (*memory_changed)(void *context, uint64_t bytes, int64_t client);
    void (*policy_changed)(void *context, int64_t client);
    /* All items have gone, or will, by a command. */
    void (*flushed)(void *context, int64_t client);
    /* An item was not stored: there is no memory. */
    void (*store_refused)(void *context);
    /* Reads the certificates again, which takes a millisecond or so. */
    enum cm_refresh (*refresh_certs)(void *context);
    /* Only with debug_time. The clock: stops, goes on, moves by `delta_s`. */
    void (*time_pause)(void *context);
    void (*time_resume)(void *context);
    void (*time_move)(void *context, int64_t delta_s);
};

#endif

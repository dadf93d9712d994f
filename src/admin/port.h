/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_PORT_H
#define CM_ADMIN_PORT_H

/* The pages of --admin, by HTTP, on a thread of libmicrohttpd's.
 *
 * H1. Nothing in here is waited for by those who serve the cache. What is to be changed is handed to
 *     the server, and only for those who have shown the token.
 * H2. A connection gets one answer, and lives for CM_ADMIN_LIFE_S at most, whatever it sends or does
 *     not read; once most places are taken, for CM_ADMIN_CROWDED_S.
 * H3. What comes with a request is bounded by CM_ADMIN_REQUEST_BYTES; its body is not read, but for
 *     that of a change, bounded by CM_ADMIN_CHANGE_BYTES. */

#include "admin/change.h"
#include "admin/token.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/os/socket.h"
#include "command/stats.h"

#define CM_ADMIN_CONNECTIONS   128
#define CM_ADMIN_REQUEST_BYTES 8192
#define CM_ADMIN_ANSWER_BYTES  8192 /* beside it, of the answer's headers */
#define CM_ADMIN_IDLE_S        10
#define CM_ADMIN_LIFE_S        30
#define CM_ADMIN_CROWDED_S     2

struct cm_admin_port;

/* PEM, each ended by a zero. */
struct cm_admin_tls {
    const char *cert, *key;
    const char *ca; /* of clients' certificates, which go for a token; NULL: none are asked for */
    bool only_1_3;
};

struct cm_admin_port_options {
    cm_os_socket socket;                 /* listens; taken, whatever is answered */
    const struct cm_stats_source *stats; /* borrowed */
    struct cm_admin_token *token;        /* borrowed; NULL: who is on this machine may */
    const struct cm_admin_tls *tls;      /* NULL: plain HTTP; good until it has started */
    struct cm_log *log;                  /* borrowed: hears of those who are refused */
    const char *host;                    /* borrowed: where it listens, by name or address */
    /* Whether new clients of the cache are served. Any thread. */
    bool (*is_ready)(void *context);
    /* Appends the configuration that is in force: a file, or JSON. NO_MEMORY. Any thread. */
    enum cm_status (*put_config)(void *context, bool json, struct cm_buf *to);
    /* Takes a change, to answer it soon. On the port's thread; must not wait. */
    void (*change)(void *context, struct cm_admin_change *change);
    void *context;
};

/* Loads libmicrohttpd, for who will not be able to later: in a sandbox. False: it is not installed. */
CM_MUST_CHECK bool cm_admin_port_load(bool with_tls);
/* Answers from now on. NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_admin_port_start(const struct cm_admin_port_options *options,
                                                 struct cm_admin_port **out);
/* Other certificates, for connections from then on; the one who calls the next does this, too. Whether
 * clients are asked for theirs stays. SYSTEM: all stays as it was. */
CM_MUST_CHECK enum cm_status cm_admin_port_renew(struct cm_admin_port *port,
                                                 const struct cm_admin_tls *tls);
/* To be called about once a second: ends the connections whose time is up (H2), and remembers what
 * has been counted. */
void cm_admin_port_tick(struct cm_admin_port *port);
/* Ends every connection and the thread. NULL is allowed. */
void cm_admin_port_stop(struct cm_admin_port *port);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_CONN_H
#define CM_STRESS_CONN_H

#include "base/buf.h"
#include "base/os/dial.h"
#include "base/os/poller.h"
#include "stress/run.h"
#include "tls/client.h"

/* A connection to one server.
 *
 *     DOWN --dial--> CONNECTING --> SHAKING (TLS) --> LOGIN (users) --> OPEN
 *       ^________________|______________|________________|_______________|  anything wrong
 *
 * N1. `failures` is 0 exactly while the connection is OPEN, was closed on purpose, or is new.
 * N2. Answers are taken from the thread's buffer where they have arrived whole; only what is left of
 *     one is kept, in `in`. */

enum cm_stress_state {
    CM_STRESS_DOWN,
    CM_STRESS_DIALLED,
    CM_STRESS_SHAKING,
    CM_STRESS_LOGGING_IN,
    CM_STRESS_OPEN,
};

#define CM_STRESS_INPUT_BYTES ((size_t)64 << 10)

/* What the connections of a thread share. */
struct cm_stress_wires {
    struct cm_stress_run *run;
    struct cm_stress_tally *tally;
    struct cm_os_poller poller;
    char *input; /* CM_STRESS_INPUT_BYTES */
    size_t open_count;
};

struct cm_stress_conn {
    struct cm_stress_wires *wires;
    struct cm_stress_client *client; /* who talks through it */
    struct cm_server *server;        /* the target's */
    enum cm_stress_state state;
    cm_os_socket socket;
    struct cm_os_interest interest;
    struct cm_tls *tls; /* NULL: plain */
    struct cm_buf in, out, cipher;
    struct cm_stress_reader reader;
    uint64_t dialled_ns;
    uint64_t retry_ns;  /* DOWN after a failure: when to dial again */
    uint64_t resume_ns; /* reading pauses until then; 0: it does not */
    uint32_t failures;  /* in a row, see N1 */
    uint64_t served;    /* requests since it was dialled */
};

CM_MUST_CHECK enum cm_status cm_stress_conn_init(struct cm_stress_conn *conn,
                                                 struct cm_stress_wires *wires,
                                                 struct cm_server *server);
void cm_stress_conn_deinit(struct cm_stress_conn *conn);

/* DOWN: begins to connect; may fail at once. */
void cm_stress_conn_dial(struct cm_stress_conn *conn, uint64_t now_ns);
/* On purpose, with nothing under way. */
void cm_stress_conn_close(struct cm_stress_conn *conn);
/* Something went wrong, as the tally knows: what is unanswered is lost, and it is to be dialled again
 * after a while that doubles. */
void cm_stress_conn_fail(struct cm_stress_conn *conn, uint64_t now_ns);
/* Sends what is in `out`, as far as it goes. */
void cm_stress_conn_flush(struct cm_stress_conn *conn, uint64_t now_ns);
void cm_stress_conn_on_event(struct cm_stress_conn *conn, const struct cm_os_event *event);
/* Ends a pause. */
void cm_stress_conn_resume(struct cm_stress_conn *conn);

/* client.c: what a client is told. The connection may be DOWN afterwards, or busy anew. */
void cm_stress_client_on_open(struct cm_stress_client *client, uint64_t now_ns);
/* `count` requests have been answered, or will never be. */
void cm_stress_client_on_answers(struct cm_stress_client *client, uint32_t count, uint64_t now_ns);

#endif

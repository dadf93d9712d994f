/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_CONN_H
#define CM_NET_CONN_H

/* A connection: a socket, its session, and what of the answers could not be sent yet.
 *
 *            feed           sent, BLOCKED or AGAIN
 *   reading ------> session ----------------------> `again` -- next turn --> session
 *      ^               |                                                        |
 *      |               | not sent                                               |
 *      | all sent      v                                                        |
 *      +----------- stalled <---------------------------------------------------+
 *
 * C1. While there is unsent output nothing is read and the session is not called.
 * C2. `place` is in worker->stalled exactly when there is unsent output, in worker->again when the
 *     session waits for its turn, in worker->paused when it pauses, in worker->watching when it
 *     watches, in worker->shaking when a handshake waits for its turn, alone otherwise.
 *
 * With TLS what is read passes net/secure.h on its way to the session, and what is sent on its way
 * to the socket; what a handshake answers is output like any other. */

#include "net/worker.h"
#include "session/peer.h"

struct cm_tls;
struct cm_unsent;

struct cm_conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe; /* a Unix socket */
    };
    struct cm_worker *worker;
    struct cm_session *session; /* NULL once closing */
    struct cm_tls *tls;         /* NULL: plain, or closing */
    struct cm_unsent *unsent;   /* NULL: all is sent */
    struct cm_link all;         /* in worker->conns, under worker->lock */
    struct cm_link place;       /* C2 */
    uint64_t read_turn;         /* the worker's turn of the last read, or when reading began */
    uint64_t paused_until_ms;   /* loop time, in worker->paused */
    uint64_t since_ns;          /* when what the session works on had arrived (net/timing.h) */
    size_t idle_bytes;          /* the session's memory when it was new */
    size_t session_bytes;       /* now, as far as told to the worker */
    enum cm_session_state state;
    enum cm_session_end why; /* it is closed, once it is */
    bool reading;
    bool ended;         /* the peer has said, in TLS, that nothing more comes */
    bool leaving;       /* to be closed once it may (net/secure.h) */
    uint32_t leaving_s; /* loop time since when */

    _Atomic(const char *) state_name; /* shared, for cm_net_visit_connections() */
    _Atomic uint32_t active_s;        /* shared; loop time of the last progress, handshakes aside */
};

/* Takes the socket and serves it, or closes it. */
void cm_conn_open(struct cm_worker *worker, struct cm_arrival arrival);
void cm_conn_close(struct cm_conn *conn);
/* The turn that a connection in `again` waited for. */
void cm_conn_go_on(struct cm_conn *conn);
/* All unsent output has been sent. */
void cm_conn_sent_all(struct cm_conn *conn);
/* Its turn to be read, for which it waited in `shaking`. */
void cm_conn_read_on(struct cm_conn *conn);
/* Some progress was made. */
void cm_conn_touch(struct cm_conn *conn);
/* Tell those who watch connections; announce.c. */
void cm_conn_announce_opened(struct cm_conn *conn);
void cm_conn_announce_closed(struct cm_conn *conn);
/* Whether a graceful stop may close it: everything received is answered and sent. */
bool cm_conn_is_quiet(const struct cm_conn *conn);

static inline struct cm_conn *cm_conn_of_place(struct cm_link *place) {
    return CM_LINKED(place, struct cm_conn, place);
}

#endif

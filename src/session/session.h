/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_SESSION_H
#define CM_SESSION_SESSION_H

/* One connection without a socket: bytes in, bytes out.
 *
 *   cm_session_env      what all sessions of a server share: store, limits, callbacks
 *   cm_session_worker   what the sessions of one thread share: store membership, scratch memory
 *   cm_session          one connection
 *
 * A thread's turn, as net/ plays it:
 *
 *     cmstore_begin(worker->thread);
 *     for each connection with bytes:
 *         read into the thread's buffer
 *         state = cm_session_feed(session, bytes, out);
 *         write `out`, keep what could not be written, cm_session_release() what could
 *     cmstore_end(worker->thread);
 *
 * Every call below runs inside such a batch of its worker's thread. `out` belongs to the caller,
 * is given empty (or with room left) and is read after each call, whatever the state.
 *
 * S1. A call takes all of its input: what is not a whole request yet is kept by the session, so
 *     the caller's buffer is free afterwards. An idle session between requests owns no memory but
 *     itself.
 * S2. Replies come in the order of requests, whole, however the input was cut.
 * S3. A session stops executing once `out` is full (op/out.h) and answers BLOCKED; it keeps what
 *     it was given meanwhile, so the caller stops reading until all output is sent. */

#include "base/slice.h"
#include "command/control.h"
#include "op/out.h"
#include <cacheman/store.h>
#include <stdint.h>

struct cm_admin;
struct cm_auth;
struct cm_metrics;
struct cm_protocol;

struct cm_session_env {
    cmstore *store;
    struct cm_admin *admin;             /* command/admin.h; made with cm_admin_create() */
    const struct cm_control *control;   /* what reaches beyond a connection */
    const struct cm_protocol *protocol; /* of every connection; NULL: its first byte tells */
    struct cm_auth *auth;               /* auth/auth.h; NULL: nobody needs to log in */
    uint32_t requests_per_turn;         /* -R, after which a session answers AGAIN; 0: no limit */
    bool flush_disabled;                /* -F */
    bool dump_disabled;                 /* -X */
    bool watch_disabled;                /* -W */
    bool shutdown_enabled;              /* -A */
    bool debug_time;                    /* `debugtime` moves the clock; for tests */
};

/* One per thread; about 16 KiB. */
struct cm_session_worker;

/* `thread` and `metrics` are the thread's own, borrowed until destroyed. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_session_worker_create(const struct cm_session_env *env,
                                                      cmstore_thread *thread,
                                                      struct cm_metrics *metrics,
                                                      struct cm_session_worker **out);
/* Its sessions are gone already. NULL is allowed. */
void cm_session_worker_destroy(struct cm_session_worker *worker);

struct cm_session;

/* What to do next. In every state first send `out`. */
enum cm_session_state {
    CM_SESSION_READ,    /* read, then cm_session_feed() */
    CM_SESSION_BLOCKED, /* do not read; when all output is sent, cm_session_resume() */
    CM_SESSION_AGAIN,   /* as BLOCKED, but others are to be served first: call
                           cm_session_resume() in the next turn, once output is sent */
    CM_SESSION_PAUSE,   /* as BLOCKED, but cm_session_resume() only after cm_session_pause_ms() */
    CM_SESSION_WATCH,   /* the client only listens from now on: read and cm_session_feed(), which
                           drops it, and, every now and then, once output is sent,
                           cm_session_resume() */
    CM_SESSION_CLOSE,   /* when all output is sent, close and destroy */
};

/* NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_session_create(struct cm_session_worker *worker,
                                               struct cm_session **out);
/* At any time, within a batch of the worker's thread. NULL is allowed. */
void cm_session_destroy(struct cm_session *session);

/* Executes the requests in `input`. Only after READ. */
enum cm_session_state cm_session_feed(struct cm_session *session, struct cm_slice input,
                                      struct cm_out *out);

/* Goes on after BLOCKED, AGAIN or PAUSE, with what the session kept; after WATCH, with what there is
 * to tell. */
enum cm_session_state cm_session_resume(struct cm_session *session, struct cm_out *out);

/* After PAUSE: for how long nothing is to be read or answered. */
uint32_t cm_session_pause_ms(const struct cm_session *session);

/* Whether a request has begun that is not answered yet: a graceful stop closes sessions for which
 * this is false. */
bool cm_session_is_busy(const struct cm_session *session);

/* memcached's word for `stats conns`: conn_new_cmd, conn_waiting, conn_nread, conn_swallow,
 * conn_mwrite, conn_watch. Static. */
const char *cm_session_state_name(const struct cm_session *session);

/* Bytes of memory the session holds, itself included. */
size_t cm_session_bytes(const struct cm_session *session);

/* ---- output that stays in the store's memory ---- */

/* The bytes of an insert from `offset` on: one contiguous run, empty at the end. Any thread, in or
 * out of a batch, until released. */
struct cm_slice cm_session_insert_part(const struct cm_out_insert *insert, size_t offset);

/* Lets go of an insert's value, sent or not. Each insert exactly once; an insert may be copied out
 * of `out` and released later. */
void cm_session_insert_release(struct cm_out_insert *insert);

/* ---- the output buffer ---- */

/* NO_MEMORY. One per thread is enough; its memory is touched only as far as it is used. */
CM_MUST_CHECK enum cm_status cm_session_out_init(struct cm_out *out);
void cm_session_out_deinit(struct cm_out *out);
/* Empties it; inserts have been released or copied by then. */
void cm_session_out_clear(struct cm_out *out);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_INTERNAL_H
#define CM_SESSION_INTERNAL_H

/* What the files of session/ share. */

#include "auth/auth.h"
#include "base/buf.h"
#include "command/command.h"
#include "command/long.h"
#include "protocol/protocol.h"
#include "session/session.h"
#include "session/tally.h"

struct cm_session_worker {
    struct cm_command command;
    struct cm_exec exec;
    struct cm_batch batch;
    struct cm_timing timing;
    const struct cm_protocol *protocol; /* NULL: the first byte tells */
    struct cm_auth *auth;               /* NULL: nobody needs to log in */
    uint32_t requests_per_turn;
    bool watch_disabled;
};

/* A long value on its way in: the op with copies of what it points to, and what is still to come. */
struct cm_incoming {
    struct cm_stream stream;
    uint64_t left;       /* bytes of the value */
    struct cm_slice end; /* what is left of what follows it */
    char text[];         /* key and flags */
};

/* Where a session stands that has begun to log in, or has failed to. */
struct cm_login {
    struct cm_exchange *exchange; /* NULL: none was begun */
    struct cm_buf late;           /* the answer to a failure, given at the end of the pause */
    unsigned failures;
    uint32_t pause_ms; /* 0: not pausing */
};

struct cm_session {
    struct cm_session_worker *worker;
    const struct cm_protocol *protocol; /* NULL before the first byte */
    struct cm_buf kept;                 /* input not used yet; no memory while empty */
    struct cm_parser parser;
    struct cm_encoder encoder;
    struct cm_incoming *incoming; /* NULL: no long value is arriving */
    struct cm_long *answer;       /* NULL: no long answer is being given */
    struct cm_login *login;       /* NULL: none is under way, none has failed */
    struct cm_watcher *watcher;   /* not NULL: nothing more is executed, lines are told */
    int64_t descriptor;
    bool authenticated; /* or need not be */
    bool datagram;      /* D1 of session/datagram.h */
    bool closing;       /* nothing more is executed */
    bool quit;          /* the client said so */
};

/* A piece of input being worked through. */
struct cm_progress {
    struct cm_slice input;
    size_t used;
    struct cm_out *out;
    uint32_t requests_left; /* of this turn */
};

static inline struct cm_slice cm_progress_rest(const struct cm_progress *progress) {
    return cm_slice(progress->input.data + progress->used, progress->input.len - progress->used);
}

/* Empties the worker's batch and tells it the time. */
void cm_session_start_batch(const struct cm_session *session);

/* Encodes the reply of exec for an op that is not executed by cm_command_execute(). */
static inline void cm_session_reply(struct cm_session *session, const struct cm_op *op,
                                    struct cm_out *out) {
    session->protocol->encode(&session->encoder, op, &session->worker->exec.reply, out);
}

/* An op has been answered with the reply in exec. */
static inline void cm_session_count(struct cm_session_worker *worker, const struct cm_op *op) {
    cm_timing_count(&worker->timing, worker->command.metrics, op, &worker->exec.reply);
}

/* ---- incoming.c ---- */

/* Starts receiving the value of `op`, or answers why not and has it dropped. */
void cm_incoming_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* Takes of the input what belongs to the request; answers when it is complete. False: it needs more
 * than there is. */
bool cm_incoming_go_on(struct cm_session *session, struct cm_progress *progress);
void cm_incoming_abort(struct cm_session *session);

/* ---- datagram.c ---- */

/* Whether it makes sense over UDP. */
bool cm_datagram_permits(const struct cm_op *op);

/* ---- answer.c ---- */

void cm_answer_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* READ: complete. */
enum cm_session_state cm_answer_go_on(struct cm_session *session, struct cm_out *out);

/* ---- login.c ---- */

/* Whether the op may be executed before a login. */
bool cm_login_permits(const struct cm_op *op);
/* Answers an op that may not. */
void cm_login_refuse(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* CM_OP_LOGIN and CM_OP_SASL. A failure is answered later: see cm_login_is_pausing(). */
void cm_login_execute(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
static inline bool cm_login_is_pausing(const struct cm_session *session) {
    return CM_UNLIKELY(session->login != NULL) && session->login->pause_ms > 0;
}
/* The pause is over: gives the answer, and closes the session if it was one failure too many. */
void cm_login_end_pause(struct cm_session *session, struct cm_out *out);
void cm_login_destroy(struct cm_login *login);
size_t cm_login_bytes(const struct cm_login *login);

/* ---- watching.c ---- */

/* Makes the session a watcher, or answers why not. */
void cm_watching_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* Moves to the output what there is to tell. */
enum cm_session_state cm_watching_go_on(struct cm_session *session, struct cm_out *out);
void cm_watching_end(struct cm_session *session);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_INTERNAL_H
#define CM_SESSION_INTERNAL_H

/* What the files of session/ share. */

#include "base/buf.h"
#include "command/command.h"
#include "command/long.h"
#include "protocol/protocol.h"
#include "session/session.h"

struct cm_session_worker {
    struct cm_command command;
    struct cm_exec exec;
    struct cm_batch batch;
    const struct cm_protocol *protocol; /* NULL: the first byte tells */
    uint32_t requests_per_turn;
};

/* A long value on its way in: the op with copies of what it points to, and what is still to come. */
struct cm_incoming {
    struct cm_stream stream;
    uint64_t left;       /* bytes of the value */
    struct cm_slice end; /* what is left of what follows it */
    char text[];         /* key and flags */
};

struct cm_session {
    struct cm_session_worker *worker;
    const struct cm_protocol *protocol; /* NULL before the first byte */
    struct cm_buf kept;                 /* input not used yet; no memory while empty */
    struct cm_parser parser;
    struct cm_encoder encoder;
    struct cm_incoming *incoming; /* NULL: no long value is arriving */
    struct cm_long *answer;       /* NULL: no long answer is being given */
    bool closing;                 /* nothing more is executed */
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

/* Encodes the reply of exec for an op that is not executed by cm_command_execute(). */
static inline void cm_session_reply(struct cm_session *session, const struct cm_op *op,
                                    struct cm_out *out) {
    session->protocol->encode(&session->encoder, op, &session->worker->exec.reply, out);
}

/* ---- incoming.c ---- */

/* Starts receiving the value of `op`, or answers why not and has it dropped. */
void cm_incoming_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* Takes of the input what belongs to the request; answers when it is complete. False: it needs more
 * than there is. */
bool cm_incoming_go_on(struct cm_session *session, struct cm_progress *progress);
void cm_incoming_abort(struct cm_session *session);

/* ---- answer.c ---- */

void cm_answer_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out);
/* READ: complete. */
enum cm_session_state cm_answer_go_on(struct cm_session *session, struct cm_out *out);

#endif

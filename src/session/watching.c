/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/events.h"
#include "session/internal.h"
#include "session/peer.h"

/* A session that watches: its client sends nothing that counts any more, and is told what others
 * do. Also what others are told of this session's connection. */

static enum cm_outcome try_start(struct cm_session *session, const struct cm_op *op,
                                 const struct cm_out *out) {
    const struct cm_command *command = &session->worker->command;
    if (session->worker->watch_disabled) {
        return CM_OUTCOME_DISABLED;
    }
    if (!cm_out_is_empty(out)) {
        return CM_OUTCOME_PIPELINED;
    }
    if ((op->options & CM_OP_BAD_END) != 0) {
        return CM_OUTCOME_BAD_END;
    }
    return cm_watcher_open(command->watch, (uint32_t)op->number, &session->watcher);
}

void cm_watching_start(struct cm_session *session, const struct cm_op *op, struct cm_out *out) {
    struct cm_command *command = &session->worker->command;
    cm_reply_clear(&session->worker->exec.reply, try_start(session, op, out));
    cm_session_reply(session, op, out);
    if (session->watcher != NULL) {
        cmstore_charge(command->store, (int64_t)cm_watcher_bytes(session->watcher));
    }
}

enum cm_session_state cm_watching_go_on(struct cm_session *session, struct cm_out *out) {
    const size_t used = out->len + out->held_bytes + out->withheld;
    const size_t room = used < CM_OUT_LIMIT ? CM_OUT_LIMIT - used : 0;
    out->len += cm_watcher_take(session->watcher, cm_out_tail(out), room);
    return CM_SESSION_WATCH;
}

void cm_watching_end(struct cm_session *session) {
    const struct cm_command *command = &session->worker->command;
    if (session->watcher != NULL) {
        cmstore_charge(command->store, -(int64_t)cm_watcher_bytes(session->watcher));
        cm_watcher_close(command->watch, session->watcher);
        session->watcher = NULL;
    }
}

/* ---- the connection itself ---- */

static const char *reason_of(const struct cm_session *session, enum cm_session_end end) {
    switch (end) {
    case CM_SESSION_END_NORMAL:
        return "normal";
    case CM_SESSION_END_IDLE:
        return "idle_timeout";
    case CM_SESSION_END_SHUTDOWN:
        return "shutdown";
    default:
        return session->quit ? "normal" : "error";
    }
}

static struct cm_events_peer event_peer(const struct cm_session *session,
                                        const struct cm_session_peer *peer) {
    return (struct cm_events_peer){.host = peer->host,
                                   .port = peer->port,
                                   .transport = peer->transport,
                                   .descriptor = session->descriptor};
}

void cm_session_set_descriptor(struct cm_session *session, int64_t descriptor) {
    session->descriptor = descriptor;
}

bool cm_session_is_announced(const struct cm_session *session) {
    return cm_watch_wants(session->worker->command.watch, CM_WATCH_CONNEVENTS);
}

void cm_session_tell_opened(const struct cm_session *session, const struct cm_session_peer *peer) {
    const struct cm_events_peer event = event_peer(session, peer);
    cm_events_opened(session->worker->command.watch, &event);
}

void cm_session_tell_closed(const struct cm_session *session, const struct cm_session_peer *peer,
                            enum cm_session_end end) {
    const struct cm_events_peer event = event_peer(session, peer);
    cm_events_closed(session->worker->command.watch, &event, reason_of(session, end));
}

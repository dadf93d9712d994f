/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_PEER_H
#define CM_SESSION_PEER_H

/* Connections that come and go, told to those who watch. */

#include "session/session.h"

/* What `cfd=` is in all lines about the session. */
void cm_session_set_descriptor(struct cm_session *session, int64_t descriptor);

struct cm_session_peer {
    const char *host; /* an address, "unix" without one */
    uint16_t port;
    const char *transport; /* tcp, udp, local */
};

enum cm_session_end {
    CM_SESSION_END_ERROR,  /* or because the session wanted to close, and knows why */
    CM_SESSION_END_NORMAL, /* the client hung up */
    CM_SESSION_END_IDLE,
    CM_SESSION_END_SHUTDOWN,
};

/* Whether it is worth finding out who the peer is. */
bool cm_session_is_announced(const struct cm_session *session);
void cm_session_tell_opened(const struct cm_session *session, const struct cm_session_peer *peer);
void cm_session_tell_closed(const struct cm_session *session, const struct cm_session_peer *peer,
                            enum cm_session_end end);

#endif

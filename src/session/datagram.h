/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_DATAGRAM_H
#define CM_SESSION_DATAGRAM_H

/* memcached's protocols over UDP. Each datagram begins with
 *
 *     | request id | sequence number | number of datagrams | reserved |     16 bits each, big-endian
 *
 * D1. A datagram is a session of its own: a request must be in it whole, and nothing is kept.
 * D2. One datagram in, at most CM_DATAGRAM_REPLIES out: whoever forges a sender must not be able to
 *     have much sent to it.
 * D3. Nothing is sent for what is no request. In particular an answer never is answered, or two
 *     servers could be made to talk to each other for ever. */

#include "op/out.h"
#include "session/session.h"

#define CM_DATAGRAM_HEADER_BYTES  8
#define CM_DATAGRAM_BYTES         1400 /* of an answer, with its header */
#define CM_DATAGRAM_PAYLOAD_BYTES (CM_DATAGRAM_BYTES - CM_DATAGRAM_HEADER_BYTES)
/* What a receive buffer of the usual size takes at once. */
#define CM_DATAGRAM_REPLIES 64
#define CM_DATAGRAM_REPLY_BYTES                                                                    \
    ((size_t)CM_DATAGRAM_REPLIES * CM_DATAGRAM_PAYLOAD_BYTES) /* all payloads of an answer */

struct cm_datagram {
    uint16_t id;             /* the client's, for all datagrams of the answer */
    struct cm_slice request; /* borrows */
};

/* False: not one to answer. Requests of several datagrams are not answered. */
bool cm_datagram_read(struct cm_slice bytes, struct cm_datagram *datagram);

/* The number of datagrams for an answer of `bytes`. */
unsigned cm_datagram_count(size_t bytes);

/* Writes the header of one of them. */
void cm_datagram_write(char header[CM_DATAGRAM_HEADER_BYTES], uint16_t id, unsigned sequence,
                       unsigned count);

/* Executes the requests of a datagram. `out` is given empty; the answer that is in it afterwards is
 * of at most CM_DATAGRAM_REPLY_BYTES and may be nothing. Inside a batch of the worker's thread. */
void cm_session_answer_datagram(struct cm_session_worker *worker, struct cm_slice request,
                                struct cm_out *out);

#endif

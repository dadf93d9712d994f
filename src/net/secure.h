/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_SECURE_H
#define CM_NET_SECURE_H

#include "net/conn.h"
#include "net/sending.h"

/* TLS of connections. Handshakes are computation, up to some milliseconds each, so a worker makes
 * one step of one handshake a turn; the others wait, their bytes in the socket, in
 * worker->shaking. */

/* A handshake not done after so long is given up. */
#define CM_SECURE_HANDSHAKE_S 10
/* Nor does a connection stay for longer, once everything is answered, for its peer to read. */
#define CM_SECURE_LEAVE_S 30

/* Begins, where the listener wants it. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_secure_open(struct cm_conn *conn, const struct cm_arrival *arrival);
/* Says goodbye if nothing is under way, and ends. */
void cm_secure_close(struct cm_conn *conn);

/* Whether what is sent has to be encrypted, by cm_secure_encrypt(). */
bool cm_secure_encrypts(const struct cm_conn *conn);
/* Whether everything that was sent arrives if the connection is closed now: the kernel keeps a
 * record of which the socket has not taken all, and forgets it then. `settled`: it has had the time
 * to go on with it since the peer last read. */
bool cm_secure_may_leave(const struct cm_conn *conn, bool settled);
/* Whether the handshake is not done yet. */
bool cm_secure_is_shaking(const struct cm_conn *conn);
/* Whether the connection may be read in this turn. */
bool cm_secure_may_read(const struct cm_conn *conn);
/* Lets it wait for its turn to be read. */
void cm_secure_wait(struct cm_conn *conn);
/* Picks the handshake that may make its step in this turn; NULL if none waits. */
struct cm_conn *cm_secure_next(struct cm_worker *worker);

/* Replaces ciphertext by the plaintext in it, borrowed from the worker; what TLS itself answers is
 * in worker->cipher. False: the connection is to be closed. */
bool cm_secure_receive(struct cm_conn *conn, struct cm_slice *input);
/* Encrypts what comes next, and passes it. False: as above. */
bool cm_secure_encrypt(struct cm_conn *conn, struct cm_sending *sending, struct cm_buf *cipher);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_UNSENT_H
#define CM_NET_UNSENT_H

#include "net/conn.h"
#include "net/sending.h"

enum cm_sent {
    CM_SENT_ALL,
    CM_SENT_SOME,   /* the rest is parked as conn->unsent */
    CM_SENT_FAILED, /* the connection is broken, or there is no memory to park the rest */
};

/* Sends the worker's `out` to the connection, and empties it in any case. */
enum cm_sent cm_unsent_send(struct cm_conn *conn);

/* Its connection closes: from now on it does not count, though its memory lives until the loop
 * is done with the handle. */
void cm_unsent_forget(struct cm_unsent *unsent);

#endif

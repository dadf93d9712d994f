/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_TIMING_H
#define CM_NET_TIMING_H

/* How long requests take in a worker: from when it found their last bytes, which is the beginning of
 * the turn in which it reads them, until their answers have been given to the system, or as much of
 * them as it takes. So what requests wait for others of the same turn counts, and what a client
 * takes to send or to read does not. A clock is read once a turn and once an answer. */

#include "base/check.h"
#include "base/os/os.h"
#include "net/internal.h"
#include "session/timing.h"

struct sockaddr;

/* Something is about to be read: the turn begins, if it has not. */
static inline void cm_timing_read(struct cm_worker *worker) {
    if (worker->timed_turn != worker->turn) {
        worker->timed_turn = worker->turn;
        worker->turn_ns = cm_os_monotonic_ns();
    }
}

/* A session is about to work. */
static inline void cm_timing_prepare(struct cm_worker *worker) {
    uint64_t slow_ns = atomic_load_explicit(&worker->net->slow_ns, memory_order_relaxed);
    if (CM_UNLIKELY(slow_ns != worker->slow_ns)) {
        worker->slow_ns = slow_ns;
        cm_session_look_for_slow(worker->sessions, slow_ns > 0 ? cm_os_monotonic_ns : NULL);
    }
}

/* Whose requests they are. */
struct cm_timing_client {
    const struct cm_conn *conn;  /* NULL: */
    const struct sockaddr *from; /* of a datagram */
};
/* What was answered has been handed over; the requests had arrived at `since_ns`. */
void cm_timing_answered(struct cm_worker *worker, uint64_t since_ns,
                        const struct cm_timing_client *client);

#endif

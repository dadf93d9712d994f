/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SESSION_TIMING_H
#define CM_SESSION_TIMING_H

/* How long requests take. A session counts those it answers; when the answers have been handed over,
 * whoever did so says how long all that took, which holds for each of them. Not counted is what is
 * answered without a look at anything: the end of a get's answer, versions, no-ops.
 *
 * Only while slow requests are looked for is a clock read in between. */

#include "session/session.h"

/* Of the requests answered together, the one that took the longest to execute. */
struct cm_session_slowest {
    uint64_t started_ns, ended_ns; /* executing it, by the clock given */
    unsigned requests;             /* answered together */
    const char *command;           /* static */
    uint64_t value_bytes;          /* of the value sent or answered */
    size_t key_bytes;              /* 0: it has none */
    char key[CMSTORE_KEY_BYTES_MAX];
};

/* Whether the worker's sessions have answered anything since cm_session_took(). */
bool cm_session_has_answered(const struct cm_session_worker *worker);
/* Each of these requests took so long, until now. */
void cm_session_took(struct cm_session_worker *worker, uint64_t ns);

/* From the next call of a session on looks for the slowest request, by this clock of nanoseconds;
 * NULL: no longer. Cheap. */
void cm_session_look_for_slow(struct cm_session_worker *worker, uint64_t (*now_ns)(void));
/* Before cm_session_took(), if something was answered while it was looked for. */
const struct cm_session_slowest *cm_session_slowest(const struct cm_session_worker *worker);

#endif

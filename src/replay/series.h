/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_SERIES_H
#define CM_REPLAY_SERIES_H

#include <cacheman/status.h>
#include <stddef.h>
#include <stdint.h>

/* Misses over requests, in as many points as fit, however long the trace is: when there is no room
 * left, every other point is given up, and twice as many requests pass to the next. */

#define CM_SERIES_POINTS 1024 /* even */

struct cm_series {
    size_t targets;
    size_t count;
    uint64_t step;      /* requests from one point to the next, at least */
    uint64_t *requests; /* by point: replayed so far */
    uint64_t *misses;   /* by point and target: so far, or until it failed */
    uint64_t *answered; /* likewise, the requests answered */
};

CM_MUST_CHECK enum cm_status cm_series_init(struct cm_series *series, size_t targets);
void cm_series_deinit(struct cm_series *series);

/* The place for the next point, for the caller to fill in its `misses` and `answered`; -1 if it is
 * not time for one. */
long cm_series_add(struct cm_series *series, uint64_t requests);
/* The same at the end, however few requests have passed. */
long cm_series_end(struct cm_series *series, uint64_t requests);

/* The miss ratio of a target between two points, `from` -1: from the start. Negative: it answered
 * nothing there. */
double cm_series_ratio(const struct cm_series *series, size_t target, long from, long to);

#endif

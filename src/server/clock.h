/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_CLOCK_H
#define CM_SERVER_CLOCK_H

#include <cacheman/store.h>
#include <stdbool.h>
#include <uv.h>

/* The store's clock: seconds since two seconds before the start, from the system's monotonic
 * clock, so that setting the time of day changes nothing. Any thread. */
struct cm_clock {
    uv_mutex_t lock;
    cmstore *store; /* borrowed */
    uint64_t start_ns;
    int64_t moved_s; /* by commands of a test */
    bool paused;
    int64_t paused_at_s;
};

/* SYSTEM. Ends with cm_clock_deinit(). */
CM_MUST_CHECK enum cm_status cm_clock_init(struct cm_clock *clock, cmstore *store);
void cm_clock_deinit(struct cm_clock *clock);

/* Tells the store what time it is; once a second. */
void cm_clock_tick(struct cm_clock *clock);

/* Goes on from where it was paused. */
void cm_clock_pause(struct cm_clock *clock, bool paused);
void cm_clock_move(struct cm_clock *clock, int64_t delta_s);

/* The first reading. */
#define CM_CLOCK_START_S 2

#endif

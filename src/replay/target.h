/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_TARGET_H
#define CM_REPLAY_TARGET_H

#include "replay/value.h"
#include "replay/window.h"
#include <cacheman/client.h>

/* A server, or a cluster, that a trace is replayed against.
 *
 * A window costs one call, and one round trip: first what the window before missed is set, in the
 * order of its requests, then all of this window is asked for. A connection keeps the order, so a
 * key's set has been done before it is asked for again. */

struct cm_counts {
    uint64_t requests; /* answered: hits and misses */
    uint64_t hits, misses;
    uint64_t stored, stored_bytes; /* sets done, and the bytes of their values */
    uint64_t refused;              /* sets that the server did not take, such as too large ones */
    uint64_t errors;               /* gets answered by an error */
    uint64_t wrong;                /* hits whose value is not the key's */
    uint64_t ns;                   /* spent in calls */
};

struct cm_target_options {
    struct cm_values *values; /* borrowed, shared by all targets */
    bool fixed_sizes;         /* by the key's hash, whatever the trace says */
    bool verify;              /* values are asked for, and compared */
    uint32_t timeout_ms;      /* of a call; 0: the connection string's */
    size_t window;            /* the largest number of requests in one */
};

struct cm_target {
    char *name; /* of the connection string what may be shown */
    cacheman *client;
    struct cm_target_options options;
    struct cm_counts counts;
    uint64_t items_before;  /* what it held when it was opened, as far as it told */
    enum cm_status failure; /* not OK: it has ended */
    char why[320];          /*   because of this */
    const struct cm_window *before;
    uint32_t *missed; /* numbers in `before` of what is to be set */
    size_t missed_count;
    struct cacheman_request *requests;
    struct cacheman_result *results;
};

/* `where` is a connection string. INVALID, SYSTEM (its file cannot be read), with the reason in
 * target->why; NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_target_open(struct cm_target *target, const char *where,
                                            const struct cm_target_options *options);
void cm_target_close(struct cm_target *target);
/* Asks how many items are there. */
void cm_target_look(struct cm_target *target);

/* Replays a window, which stays as it is until the next but one call. Does nothing once the target
 * has failed. */
void cm_target_feed(struct cm_target *target, const struct cm_window *window);
/* Sets what the last window missed. */
void cm_target_finish(struct cm_target *target);

double cm_counts_miss_ratio(const struct cm_counts *counts); /* 0 of nothing */

#endif

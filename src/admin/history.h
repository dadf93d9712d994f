/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_HISTORY_H
#define CM_ADMIN_HISTORY_H

/* What tables/history.def names, of every second of the last hour and every minute of the last week.
 *
 * T1. Labels are Unix time in whole seconds, a minute's being its first second. Within a ring they
 *     rise strictly: when the clock is put back, what would be later than now is moved before it.
 * T2. How long something took is measured by the monotonic clock, so that neither a clock that is
 *     put forward nor a machine that slept bends a rate; either leaves a hole in the labels.
 * T3. No rate is below zero: after `stats reset` a counter's growth is what it has counted since.
 *
 * A row is memory that is touched when it is first written: a week of minutes takes a week to fill. */

#include "command/stats.h"
#include "metrics/durations.h"

#define CM_HISTORY_SECONDS 3600
#define CM_HISTORY_MINUTES (7 * 24 * 60)

enum cm_series {
#define CM_SERIES(name, kind, value) CM_SERIES_##name,
#define CM_PERCENTILE(name, share)   CM_SERIES_##name,
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
    CM_SERIES_COUNT
};

enum cm_history_step { CM_HISTORY_BY_SECOND, CM_HISTORY_BY_MINUTE };

/* NAN: there was nothing to tell. */
struct cm_history_row {
    int64_t time_s; /* the label */
    float values[CM_SERIES_COUNT];
};

struct cm_history_time {
    uint64_t monotonic_ns;
    int64_t wall_s;
};

struct cm_history;

/* Nothing is remembered yet. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_history_create(struct cm_history **out);
/* NULL is allowed. */
void cm_history_destroy(struct cm_history *history);

/* What was counted until now. */
struct cm_history_reading {
    struct cm_stats_readings stats;
    struct cm_duration_sums durations; /* of requests, whatever their command */
};

/* To be called about once a second, by one thread; the first reading is what the next is compared
 * with. */
void cm_history_take(struct cm_history *history, const struct cm_history_reading *reading,
                     const struct cm_history_time *now);

/* Which rows, and where to. */
struct cm_history_query {
    enum cm_history_step step;
    int64_t since_s; /* only those that are labelled later */
    struct cm_history_row *rows;
    size_t room;
};

/* Any thread. Copies the oldest of them, as many as there is room for; *more tells whether there are
 * others. Returns how many. */
size_t cm_history_copy(struct cm_history *history, const struct cm_history_query *query,
                       bool *more);

#endif

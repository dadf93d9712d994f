/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_METRICS_METRICS_H
#define CM_METRICS_METRICS_H

#include "metrics/durations.h"
#include <cacheman/status.h>
#include <stdatomic.h>
#include <stdint.h>

/* Counters of events, one set per thread, summed on reading.
 *
 * M1. A thread's counters are written by that thread alone, so counting needs no atomic addition:
 *     a relaxed load and a relaxed store.
 * M2. A reset does not touch them; it remembers their sums, which readings subtract. */

enum cm_metric {
#define CM_STAT_METRIC(name, text)        CM_METRIC_##name,
#define CM_STAT_HIDDEN_METRIC(name, text) CM_METRIC_##name,
#include "tables/stats.def"
#define CM_REQUEST(command, outcome, outcomes) CM_METRIC_request_##command##_##outcome,
#include "tables/requests.def"
    CM_METRIC_COUNT
};

/* Begins a cache line, so that threads do not share one. */
struct cm_metrics {
    _Alignas(64) _Atomic uint64_t counts[CM_METRIC_COUNT];
    struct cm_durations durations[CM_COMMANDS];
};

static inline void cm_metrics_add(struct cm_metrics *metrics, enum cm_metric which, uint64_t n) {
    _Atomic uint64_t *count = &metrics->counts[which];
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void cm_metrics_count(struct cm_metrics *metrics, enum cm_metric which) {
    cm_metrics_add(metrics, which, 1);
}

struct cm_metric_sums {
    uint64_t values[CM_METRIC_COUNT];
};

/* The sets of a number of threads, fixed at creation. */
struct cm_metrics_group;

/* INVALID (no threads), NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_metrics_group_create(unsigned threads,
                                                     struct cm_metrics_group **out);
/* NULL is allowed. */
void cm_metrics_group_destroy(struct cm_metrics_group *group);
/* Owned by the group; `thread` is below the number given at creation. */
struct cm_metrics *cm_metrics_of_thread(struct cm_metrics_group *group, unsigned thread);

/* Any thread, while others count. */
void cm_metrics_read(struct cm_metrics_group *group, struct cm_metric_sums *sums);
void cm_metrics_read_durations(struct cm_metrics_group *group,
                               struct cm_duration_sums sums[CM_COMMANDS]);
/* Any thread: readings start from zero again. */
void cm_metrics_reset(struct cm_metrics_group *group);

#endif

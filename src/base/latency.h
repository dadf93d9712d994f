/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_LATENCY_H
#define CM_BASE_LATENCY_H

#include <stdint.h>

/* Nanoseconds in buckets that grow with the value, 128 to a power of two: what a percentile says is
 * never too low, and at most 1/128 too high. All zero is empty. */

#define CM_LATENCY_STEP_BITS 7
#define CM_LATENCY_STEPS     (1u << CM_LATENCY_STEP_BITS)
#define CM_LATENCY_BUCKETS   ((64 - CM_LATENCY_STEP_BITS + 1) * CM_LATENCY_STEPS)

struct cm_latency {
    uint64_t count, sum_ns, max_ns;
    uint64_t buckets[CM_LATENCY_BUCKETS];
};

/* Below 2 * CM_LATENCY_STEPS a value has a bucket of its own. */
static inline unsigned cm_latency_bucket(uint64_t ns) {
    const unsigned power = 63u - (unsigned)__builtin_clzll(ns | CM_LATENCY_STEPS);
    const unsigned shift = power - CM_LATENCY_STEP_BITS;
    return shift * CM_LATENCY_STEPS + (unsigned)(ns >> shift);
}

static inline void cm_latency_add(struct cm_latency *latency, uint64_t ns) {
    latency->count++;
    latency->sum_ns += ns;
    if (ns > latency->max_ns)
        latency->max_ns = ns;
    latency->buckets[cm_latency_bucket(ns)]++;
}

void cm_latency_merge(struct cm_latency *into, const struct cm_latency *from);
/* The value that `share` (0 to 1) of all do not exceed; 0 if empty. */
uint64_t cm_latency_percentile_ns(const struct cm_latency *latency, double share);
double cm_latency_mean_ns(const struct cm_latency *latency); /* 0 if empty */

#endif

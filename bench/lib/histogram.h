/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_HISTOGRAM_H
#define CM_BENCH_HISTOGRAM_H

#include <stdint.h>

/* Nanoseconds in buckets that grow with the value: 32 to a power of two, so that a percentile is
 * right to 3 %. */
#define CM_BENCH_HISTOGRAM_STEPS   32
#define CM_BENCH_HISTOGRAM_BUCKETS (60 * CM_BENCH_HISTOGRAM_STEPS)

struct cm_bench_histogram {
    uint64_t count;
    uint64_t buckets[CM_BENCH_HISTOGRAM_BUCKETS];
};

void cm_bench_histogram_add(struct cm_bench_histogram *histogram, uint64_t ns, uint64_t count);
/* The value that `share` (0 to 1) of all do not exceed, in nanoseconds; 0 if empty. */
double cm_bench_histogram_percentile(const struct cm_bench_histogram *histogram, double share);

#endif

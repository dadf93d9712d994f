/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/histogram.h"

#define STEP_BITS 5

static unsigned bucket_of(uint64_t ns) {
    if (ns < CM_BENCH_HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    unsigned step = (unsigned)(ns >> (power - STEP_BITS)) & (CM_BENCH_HISTOGRAM_STEPS - 1);
    return (power - STEP_BITS + 1) * CM_BENCH_HISTOGRAM_STEPS + step;
}

static double middle_of(unsigned bucket) {
    if (bucket < CM_BENCH_HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = bucket / CM_BENCH_HISTOGRAM_STEPS - 1;
    uint64_t low = CM_BENCH_HISTOGRAM_STEPS + bucket % CM_BENCH_HISTOGRAM_STEPS;
    return ((double)low + 0.5) * (double)((uint64_t)1 << shift);
}

void cm_bench_histogram_add(struct cm_bench_histogram *histogram, uint64_t ns, uint64_t count) {
    histogram->count += count;
    histogram->buckets[bucket_of(ns)] += count;
}

double cm_bench_histogram_percentile(const struct cm_bench_histogram *histogram, double share) {
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < CM_BENCH_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen && (double)seen >= wanted)
            return middle_of(i);
    }
    return 0;
}

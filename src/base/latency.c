/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/latency.h"

#include <math.h>

/* The largest value that belongs to a bucket. */
static uint64_t last_of(unsigned bucket) {
    if (bucket < 2 * CM_LATENCY_STEPS)
        return bucket;
    const unsigned shift = bucket / CM_LATENCY_STEPS - 1;
    const uint64_t step = CM_LATENCY_STEPS + bucket % CM_LATENCY_STEPS;
    return (step << shift) + (((uint64_t)1 << shift) - 1);
}

void cm_latency_merge(struct cm_latency *into, const struct cm_latency *from) {
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    for (unsigned i = 0; i < CM_LATENCY_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t cm_latency_percentile_ns(const struct cm_latency *latency, double share) {
    /* Less than a rounding error: .07 * 200 is more than 14. */
    const double wanted = fmax(1, ceil(share * (double)latency->count * (1 - 1e-12)));
    uint64_t seen = 0;
    for (unsigned i = 0; i < CM_LATENCY_BUCKETS && latency->count > 0; i++) {
        seen += latency->buckets[i];
        if ((double)seen >= wanted)
            return last_of(i) < latency->max_ns ? last_of(i) : latency->max_ns;
    }
    return latency->max_ns;
}

double cm_latency_mean_ns(const struct cm_latency *latency) {
    return latency->count == 0 ? 0 : (double)latency->sum_ns / (double)latency->count;
}

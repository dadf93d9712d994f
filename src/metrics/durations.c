/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/durations.h"
#include "base/check.h"
#include <math.h>

/* The longest duration of a bucket. */
static uint64_t last_ns(unsigned bucket) {
    const unsigned shift = bucket < 16 ? 0 : bucket / 8 - 1;
    const uint64_t step = bucket - shift * 8;
    return ((step + 1) << shift) * CM_DURATION_UNIT_NS;
}

void cm_durations_subtract(struct cm_duration_sums *from, const struct cm_duration_sums *before) {
    bool reset = from->sum_ns < before->sum_ns;
    for (unsigned i = 0; i < CM_DURATION_BUCKETS; i++) {
        reset = reset || from->buckets[i] < before->buckets[i];
    }
    if (reset) {
        return;
    }
    from->sum_ns -= before->sum_ns;
    for (unsigned i = 0; i < CM_DURATION_BUCKETS; i++) {
        from->buckets[i] -= before->buckets[i];
    }
}

uint64_t cm_durations_count(const struct cm_duration_sums *sums) {
    uint64_t count = 0;
    for (unsigned i = 0; i < CM_DURATION_BUCKETS; i++) {
        count += sums->buckets[i];
    }
    return count;
}

uint64_t cm_durations_percentile_ns(const struct cm_duration_sums *sums, double share) {
    const uint64_t count = cm_durations_count(sums);
    /* Less than a rounding error: .07 * 200 is more than 14. */
    const double wanted = fmax(1, ceil(share * (double)count * (1 - 1e-12)));
    uint64_t seen = 0;
    unsigned i = 0;
    if (count == 0) {
        return 0;
    }
    for (seen = sums->buckets[0]; (double)seen < wanted && i + 1 < CM_DURATION_BUCKETS;) {
        seen += sums->buckets[++i];
    }
    return last_ns(i);
}

uint64_t cm_durations_within(const struct cm_duration_sums *sums, unsigned power) {
    uint64_t count = 0;
    CM_CHECK(power <= 25);
    const unsigned end = cm_duration_bucket(((uint64_t)1000 << power) + 1);
    for (unsigned i = 0; i < end; i++) {
        count += sums->buckets[i];
    }
    return count;
}

const char *cm_command_kind_name(enum cm_command_kind command) {
    static const char *const names[] = {
#define CM_COMMAND(command) #command,
#include "tables/requests.def"
    };
    return names[command];
}

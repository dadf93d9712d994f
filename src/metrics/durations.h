/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_METRICS_DURATIONS_H
#define CM_METRICS_DURATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How long requests took, by command: counts in buckets that grow with the duration, eight to a power
 * of two from a microsecond on, so that what is read from them is at most an eighth too high and
 * never too low. Those of threads are summed on reading (cm_metrics_read_durations()).
 *
 * What happened between two readings is their difference:
 *
 *     struct cm_duration_sums before[CM_COMMANDS], now[CM_COMMANDS], second;
 *     cm_metrics_read_durations(group, now);
 *     second = now[CM_COMMAND_get];
 *     cm_durations_subtract(&second, &before[CM_COMMAND_get]);
 *     p99_ns = cm_durations_percentile_ns(&second, .99);
 *
 * Differences of several servers or commands can be added, bucket by bucket. A reading takes a few
 * microseconds a thread; the array is of some 26 KB: not for a small stack. */

enum cm_command_kind {
#define CM_COMMAND(command) CM_COMMAND_##command,
#include "tables/requests.def"
    CM_COMMANDS
};

#define CM_DURATION_UNIT_NS 125u /* below 16 of these each has a bucket of its own */
#define CM_DURATION_BUCKETS 216u
/* The longest there is a bucket for, a bit more than a minute; what takes longer counts as that. */
#define CM_DURATION_MAX_NS ((UINT64_C(1) << 29) * CM_DURATION_UNIT_NS)

/* Of one thread, by the rule M1 of metrics.h. */
struct cm_durations {
    _Atomic uint64_t sum_ns;
    _Atomic uint64_t buckets[CM_DURATION_BUCKETS];
};

struct cm_duration_sums {
    uint64_t sum_ns;
    uint64_t buckets[CM_DURATION_BUCKETS];
};

/* A bucket's last duration is a whole number of units: those of a power of two of microseconds end
 * with it. */
static inline unsigned cm_duration_bucket(uint64_t ns) {
    const uint64_t most = CM_DURATION_MAX_NS;
    const uint64_t units = ((ns < most ? ns : most) - (ns > 0)) / CM_DURATION_UNIT_NS;
    const unsigned shift = 60u - (unsigned)__builtin_clzll(units | 8);
    return shift * 8 + (unsigned)(units >> shift);
}

/* `count` requests that took as long each. */
static inline void cm_durations_add(struct cm_durations *durations, uint64_t ns, uint64_t count) {
    _Atomic uint64_t *bucket = &durations->buckets[cm_duration_bucket(ns)];
    atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + count,
                          memory_order_relaxed);
    atomic_store_explicit(&durations->sum_ns,
                          atomic_load_explicit(&durations->sum_ns, memory_order_relaxed) +
                              ns * count,
                          memory_order_relaxed);
}

/* Takes off what was there before; after a `stats reset` in between, nothing. */
void cm_durations_subtract(struct cm_duration_sums *from, const struct cm_duration_sums *before);
uint64_t cm_durations_count(const struct cm_duration_sums *sums);
/* What `share` (0 to 1) of all do not exceed; 1: the longest. 0 if there are none. */
uint64_t cm_durations_percentile_ns(const struct cm_duration_sums *sums, double share);
/* How many took at most 2^power microseconds; power is at most 25. */
uint64_t cm_durations_within(const struct cm_duration_sums *sums, unsigned power);

/* "get". Static. */
const char *cm_command_kind_name(enum cm_command_kind command);

#endif

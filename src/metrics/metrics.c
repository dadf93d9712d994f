/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/metrics.h"
#include "base/check.h"
#include <stddef.h>
#include <stdlib.h>

struct cm_metrics_group {
    void *memory; /* what malloc gave, `threads` points into it */
    struct cm_metrics *threads;
    unsigned thread_count;
    struct cm_metrics *zero; /* sums at the last reset (M2); the set behind the threads' */
};

enum cm_status cm_metrics_group_create(unsigned threads, struct cm_metrics_group **out) {
    if (threads == 0) {
        return CM_INVALID;
    }
    const size_t align = _Alignof(struct cm_metrics);
    struct cm_metrics_group *group = calloc(1, sizeof *group);
    void *memory = calloc(1, (threads + (size_t)1) * sizeof(struct cm_metrics) + align);
    if (group == NULL || memory == NULL) {
        free(group);
        free(memory);
        return CM_NO_MEMORY;
    }
    const uintptr_t start = ((uintptr_t)memory + align - 1) & ~(uintptr_t)(align - 1);
    group->memory = memory;
    group->threads = (struct cm_metrics *)start;
    group->thread_count = threads;
    group->zero = &group->threads[threads];
    *out = group;
    return CM_OK;
}

void cm_metrics_group_destroy(struct cm_metrics_group *group) {
    if (group != NULL) {
        free(group->memory);
        free(group);
    }
}

struct cm_metrics *cm_metrics_of_thread(struct cm_metrics_group *group, unsigned thread) {
    CM_CHECK(thread < group->thread_count);
    return &group->threads[thread];
}

/* Of all threads, since ever, the counter that lies where `at` does in the set `zero`. */
static uint64_t sum_like(const struct cm_metrics_group *group, const _Atomic uint64_t *at) {
    const ptrdiff_t offset = (const char *)at - (const char *)group->zero;
    uint64_t sum = 0;
    for (unsigned i = 0; i < group->thread_count; i++) {
        const char *set = (const char *)&group->threads[i];
        sum += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(set + offset),
                                    memory_order_relaxed);
    }
    return sum;
}

/* The same since the last reset. Never below zero: what to subtract is read first, and after it no
 * counter is seen as it was before that reset. */
static uint64_t read_like(const struct cm_metrics_group *group, const _Atomic uint64_t *at) {
    const uint64_t zero = atomic_load_explicit(at, memory_order_acquire);
    return sum_like(group, at) - zero;
}

void cm_metrics_read(struct cm_metrics_group *group, struct cm_metric_sums *sums) {
    for (unsigned i = 0; i < CM_METRIC_COUNT; i++) {
        sums->values[i] = read_like(group, &group->zero->counts[i]);
    }
}

void cm_metrics_read_durations(struct cm_metrics_group *group,
                               struct cm_duration_sums sums[CM_COMMANDS]) {
    for (unsigned command = 0; command < CM_COMMANDS; command++) {
        const struct cm_durations *zero = &group->zero->durations[command];
        sums[command].sum_ns = read_like(group, &zero->sum_ns);
        for (unsigned i = 0; i < CM_DURATION_BUCKETS; i++) {
            sums[command].buckets[i] = read_like(group, &zero->buckets[i]);
        }
    }
}

static void reset_like(struct cm_metrics_group *group, _Atomic uint64_t *at) {
    atomic_store_explicit(at, sum_like(group, at), memory_order_release);
}

void cm_metrics_reset(struct cm_metrics_group *group) {
    for (unsigned i = 0; i < CM_METRIC_COUNT; i++) {
        reset_like(group, &group->zero->counts[i]);
    }
    for (unsigned command = 0; command < CM_COMMANDS; command++) {
        struct cm_durations *zero = &group->zero->durations[command];
        reset_like(group, &zero->sum_ns);
        for (unsigned i = 0; i < CM_DURATION_BUCKETS; i++) {
            reset_like(group, &zero->buckets[i]);
        }
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/metrics.h"
#include "base/check.h"
#include <stdlib.h>

struct cm_metrics_group {
    void *memory; /* what malloc gave, `threads` points into it */
    struct cm_metrics *threads;
    unsigned thread_count;
    _Atomic uint64_t zero[CM_METRIC_COUNT]; /* sums at the last reset (M2) */
};

enum cm_status cm_metrics_group_create(unsigned threads, struct cm_metrics_group **out) {
    if (threads == 0) {
        return CM_INVALID;
    }
    const size_t align = _Alignof(struct cm_metrics);
    struct cm_metrics_group *group = calloc(1, sizeof *group);
    void *memory = calloc(1, threads * sizeof(struct cm_metrics) + align);
    if (group == NULL || memory == NULL) {
        free(group);
        free(memory);
        return CM_NO_MEMORY;
    }
    const uintptr_t start = ((uintptr_t)memory + align - 1) & ~(uintptr_t)(align - 1);
    group->memory = memory;
    group->threads = (struct cm_metrics *)start;
    group->thread_count = threads;
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

static uint64_t sum_of(const struct cm_metrics_group *group, unsigned which) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < group->thread_count; i++) {
        sum += atomic_load_explicit(&group->threads[i].counts[which], memory_order_relaxed);
    }
    return sum;
}

void cm_metrics_read(struct cm_metrics_group *group, struct cm_metric_sums *sums) {
    for (unsigned i = 0; i < CM_METRIC_COUNT; i++) {
        const uint64_t zero = atomic_load_explicit(&group->zero[i], memory_order_relaxed);
        sums->values[i] = sum_of(group, i) - zero;
    }
}

void cm_metrics_reset(struct cm_metrics_group *group) {
    for (unsigned i = 0; i < CM_METRIC_COUNT; i++) {
        atomic_store_explicit(&group->zero[i], sum_of(group, i), memory_order_relaxed);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/series.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_STEP 64

enum cm_status cm_series_init(struct cm_series *series, size_t targets) {
    *series = (struct cm_series){
        .targets = targets,
        .step = FIRST_STEP,
        .requests = calloc(CM_SERIES_POINTS, sizeof *series->requests),
        .misses = calloc(CM_SERIES_POINTS * targets, sizeof *series->misses),
        .answered = calloc(CM_SERIES_POINTS * targets, sizeof *series->answered),
    };
    if (series->requests != NULL && series->misses != NULL && series->answered != NULL)
        return CM_OK;
    cm_series_deinit(series);
    return CM_NO_MEMORY;
}

void cm_series_deinit(struct cm_series *series) {
    free(series->requests);
    free(series->misses);
    free(series->answered);
    *series = (struct cm_series){0};
}

static void copy_point(struct cm_series *series, size_t to, size_t from) {
    size_t row = series->targets * sizeof *series->misses;
    series->requests[to] = series->requests[from];
    memcpy(series->misses + to * series->targets, series->misses + from * series->targets, row);
    memcpy(series->answered + to * series->targets, series->answered + from * series->targets, row);
}

/* Keeps every second point: the later of each two, so that the last stays. */
static void thin_out(struct cm_series *series) {
    for (size_t to = 0; to < CM_SERIES_POINTS / 2; to++)
        copy_point(series, to, 2 * to + 1);
    series->count = CM_SERIES_POINTS / 2;
    series->step *= 2;
}

static uint64_t last_of(const struct cm_series *series) {
    return series->count == 0 ? 0 : series->requests[series->count - 1];
}

long cm_series_end(struct cm_series *series, uint64_t requests) {
    if (requests <= last_of(series))
        return -1;
    if (series->count == CM_SERIES_POINTS)
        thin_out(series);
    series->requests[series->count] = requests;
    return (long)series->count++;
}

long cm_series_add(struct cm_series *series, uint64_t requests) {
    return requests < last_of(series) + series->step ? -1 : cm_series_end(series, requests);
}

double cm_series_ratio(const struct cm_series *series, size_t target, long from, long to) {
    size_t end = (size_t)to * series->targets + target;
    size_t begin = (size_t)(from < 0 ? 0 : from) * series->targets + target;
    uint64_t answered = series->answered[end] - (from < 0 ? 0 : series->answered[begin]);
    uint64_t misses = series->misses[end] - (from < 0 ? 0 : series->misses[begin]);
    return answered == 0 ? -1 : (double)misses / (double)answered;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/latency.h"
#include "command/internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    double share;
} percentiles[] = {
    {"p50_us", .5}, {"p90_us", .9}, {"p99_us", .99}, {"p999_us", .999}, {"max_us", 1},
};

#define PERCENTILES (sizeof percentiles / sizeof percentiles[0])
_Static_assert(PERCENTILES + 2 == CM_LATENCY_FIGURES, "and the count and the sum");

void cm_latency_figures(const struct cm_duration_sums *sums,
                        struct cm_latency_figure figures[CM_LATENCY_FIGURES]) {
    figures[0].name = "count";
    snprintf(figures[0].text, sizeof figures->text, "%" PRIu64, cm_durations_count(sums));
    figures[1].name = "sum_us";
    snprintf(figures[1].text, sizeof figures->text, "%" PRIu64, sums->sum_ns / 1000);
    for (size_t i = 0; i < PERCENTILES; i++) {
        struct cm_latency_figure *figure = &figures[i + 2];
        const uint64_t ns = cm_durations_percentile_ns(sums, percentiles[i].share);
        figure->name = percentiles[i].name;
        snprintf(figure->text, sizeof figure->text, "%" PRIu64 ".%03" PRIu64, ns / 1000, ns % 1000);
    }
}

static void put_command(const char *command, const struct cm_duration_sums *sums,
                        struct cm_stat_sink *sink) {
    struct cm_latency_figure figures[CM_LATENCY_FIGURES];
    char name[64];
    cm_latency_figures(sums, figures);
    for (size_t i = 0; i < CM_LATENCY_FIGURES; i++) {
        const int bytes = snprintf(name, sizeof name, "%s:%s", command, figures[i].name);
        sink->line(sink, cm_slice(name, (size_t)bytes),
                   cm_slice(figures[i].text, strlen(figures[i].text)));
    }
}

enum cm_status cm_latency_put(const struct cm_command *command, struct cm_stat_sink *sink) {
    struct cm_duration_sums *sums = malloc(CM_COMMANDS * sizeof *sums);
    if (sums == NULL) {
        return CM_NO_MEMORY;
    }
    cm_metrics_read_durations(cm_admin_metrics(command->admin), sums);
    enum cm_command_kind kind = CM_COMMAND_other;
    do {
        kind = cm_latency_next(kind);
        if (cm_durations_count(&sums[kind]) > 0) {
            put_command(cm_command_kind_name(kind), &sums[kind], sink);
        }
    } while (kind != CM_COMMAND_other);
    free(sums);
    return CM_OK;
}

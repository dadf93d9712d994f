/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/report.h"

#include "cli/json.h"
#include <inttypes.h>

#define NAME_COLUMNS 21 /* at least; as wide as an IPv4 address and a port */
#define RATIO_DIGITS 4

static int widest_name(const struct cm_report *report) {
    size_t widest = NAME_COLUMNS;
    for (size_t i = 0; i < report->target_count; i++) {
        size_t length = strlen(report->targets[i].name);
        widest = length > widest ? length : widest;
    }
    return (int)widest;
}

/* ---- over time ------------------------------------------------------------------------------ */

void cm_report_head(FILE *to, const struct cm_report *report) {
    fprintf(to, "%12s", "requests");
    for (size_t i = 0; i < report->target_count; i++)
        fprintf(to, "  %*s", NAME_COLUMNS, report->targets[i].name);
    fputc('\n', to);
}

void cm_report_row(FILE *to, const struct cm_report *report, const struct cm_counts *before) {
    fprintf(to, "%12" PRIu64, report->requests);
    for (size_t i = 0; i < report->target_count; i++) {
        const struct cm_counts *now = &report->targets[i].counts;
        uint64_t requests = now->requests - before[i].requests;
        uint64_t misses = now->misses - before[i].misses;
        int width = (int)strlen(report->targets[i].name);
        width = width > NAME_COLUMNS ? width : NAME_COLUMNS;
        if (requests == 0)
            fprintf(to, "  %*s", width, "-");
        else
            fprintf(to, "  %*.*f", width, RATIO_DIGITS, (double)misses / (double)requests);
    }
    fputc('\n', to);
}

/* ---- at the end ----------------------------------------------------------------------------- */

static void put_target(FILE *to, const struct cm_target *target, int width) {
    const struct cm_counts *counts = &target->counts;
    fprintf(to,
            "%-*s %11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %10.*f %11.1f %8.1f %8" PRIu64
            " %7" PRIu64 "\n",
            width, target->name, counts->requests, counts->hits, counts->misses, RATIO_DIGITS,
            cm_counts_miss_ratio(counts), (double)counts->stored_bytes / (1 << 20),
            (double)counts->ns / 1e9, counts->refused, counts->errors + counts->wrong);
}

void cm_report_table(FILE *to, const struct cm_report *report) {
    int width = widest_name(report);
    fprintf(to, "%s: %" PRIu64 " requests in %" PRIu64 " windows of at most %zu\n", report->trace,
            report->requests, report->windows, report->window);
    fprintf(to, "%-*s %11s %11s %11s %10s %11s %8s %8s %7s\n", width, "server", "requests", "hits",
            "misses", "miss ratio", "MiB stored", "seconds", "refused", "errors");
    for (size_t i = 0; i < report->target_count; i++)
        put_target(to, &report->targets[i], width);
    for (size_t i = 0; i < report->target_count; i++) {
        const struct cm_target *target = &report->targets[i];
        if (target->items_before > 0)
            fprintf(to, "%s held %" PRIu64 " items before, which may have been found\n",
                    target->name, target->items_before);
    }
}

static void set_text_or_null(json_t *object, const char *name, const char *text) {
    if (text == NULL)
        (void)json_object_set_new(object, name, json_null());
    else
        cm_json_set_text(object, name, text);
}

static json_t *json_of_target(const struct cm_target *target) {
    const struct cm_counts *counts = &target->counts;
    json_t *all = json_object();
    cm_json_set_text(all, "server", target->name);
    cm_json_set_u64(all, "items_before", target->items_before);
    cm_json_set_u64(all, "requests", counts->requests);
    cm_json_set_u64(all, "hits", counts->hits);
    cm_json_set_u64(all, "misses", counts->misses);
    json_object_set_new(all, "miss_ratio", json_real(cm_counts_miss_ratio(counts)));
    cm_json_set_u64(all, "stored", counts->stored);
    cm_json_set_u64(all, "stored_bytes", counts->stored_bytes);
    cm_json_set_u64(all, "refused", counts->refused);
    cm_json_set_u64(all, "errors", counts->errors);
    cm_json_set_u64(all, "wrong", counts->wrong);
    json_object_set_new(all, "seconds", json_real((double)counts->ns / 1e9));
    set_text_or_null(all, "failure", target->failure == CM_OK ? NULL : target->why);
    return all;
}

/* Points of the series: requests, and the miss ratios since the point before. */
static json_t *json_of_series(const struct cm_series *series) {
    json_t *points = json_array();
    for (long i = 0; i < (long)series->count; i++) {
        json_t *point = json_object(), *ratios = json_array();
        for (size_t target = 0; target < series->targets; target++) {
            double ratio = cm_series_ratio(series, target, i - 1, i);
            json_array_append_new(ratios, ratio < 0 ? json_null() : json_real(ratio));
        }
        cm_json_set_u64(point, "requests", series->requests[i]);
        json_object_set_new(point, "miss_ratios", ratios);
        json_array_append_new(points, point);
    }
    return points;
}

bool cm_report_json(FILE *to, const struct cm_report *report) {
    json_t *all = json_object(), *targets = json_array();
    for (size_t i = 0; i < report->target_count; i++)
        json_array_append_new(targets, json_of_target(&report->targets[i]));
    cm_json_set_text(all, "trace", report->trace);
    cm_json_set_u64(all, "requests", report->requests);
    cm_json_set_u64(all, "windows", report->windows);
    cm_json_set_u64(all, "window", report->window);
    set_text_or_null(all, "input_error", report->input_error);
    json_object_set_new(all, "targets", targets);
    json_object_set_new(all, "points", json_of_series(report->series));
    bool written = all != NULL && json_dumpf(all, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
    json_decref(all);
    return written && fputc('\n', to) != EOF;
}

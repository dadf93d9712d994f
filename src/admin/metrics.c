/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/pages.h"
#include "admin/print.h"
#include "command/latency.h"

#include <inttypes.h>
#include <stdio.h>

enum type { COUNTER, GAUGE, HISTOGRAM };

struct page {
    struct cm_admin_printer out;
    bool open_metrics;
    const char *name; /* of the metric that is being written */
    enum type type;
};

/* How a number is written, by the table's source. */
enum form { WHOLE, MICROSECONDS };

/* In OpenMetrics a counter's "_total" belongs to its samples, not to its name. */
static void begin(struct page *page, const char *name, enum type type, const char *text) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *suffix = type == COUNTER && !page->open_metrics ? "_total" : "";
    page->name = name;
    page->type = type;
    cm_admin_print(&page->out, "# HELP cacheman_%s%s %s\n", name, suffix, text);
    cm_admin_print(&page->out, "# TYPE cacheman_%s%s %s\n", name, suffix, types[type]);
}

static void put_sample(struct page *page, const char *labels, uint64_t number, enum form form) {
    bool has_labels = labels[0] != '\0';
    cm_admin_print(&page->out, "cacheman_%s%s%s%s%s ", page->name,
                   page->type == COUNTER ? "_total" : "", has_labels ? "{" : "", labels,
                   has_labels ? "}" : "");
    if (form == MICROSECONDS)
        cm_admin_print(&page->out, "%" PRIu64 ".%06" PRIu64 "\n", number / 1000000,
                       number % 1000000);
    else
        cm_admin_print(&page->out, "%" PRIu64 "\n", number);
}

/* ---- histograms ---- */

/* Durations are told apart by powers of two of microseconds, from 1 us to a bit more than a second. */
enum { POWERS = 21 };

static void put_durations_of(struct page *page, const char *command,
                             const struct cm_duration_sums *sums) {
    for (unsigned power = 0; power < POWERS; power++) {
        const uint64_t us = (uint64_t)1 << power;
        cm_admin_print(
            &page->out,
            "cacheman_%s_bucket{command=\"%s\",le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n",
            page->name, command, us / 1000000, us % 1000000, cm_durations_within(sums, power));
    }
    const uint64_t count = cm_durations_count(sums);
    cm_admin_print(&page->out, "cacheman_%s_bucket{command=\"%s\",le=\"+Inf\"} %" PRIu64 "\n",
                   page->name, command, count);
    cm_admin_print(&page->out, "cacheman_%s_sum{command=\"%s\"} %" PRIu64 ".%09" PRIu64 "\n",
                   page->name, command, sums->sum_ns / 1000000000, sums->sum_ns % 1000000000);
    cm_admin_print(&page->out, "cacheman_%s_count{command=\"%s\"} %" PRIu64 "\n", page->name,
                   command, count);
}

static void put_durations(struct page *page, const struct cm_admin_readings *readings) {
    enum cm_command_kind command = CM_COMMAND_other;
    do {
        command = cm_latency_next(command);
        put_durations_of(page, cm_command_kind_name(command), &readings->durations[command]);
    } while (command != CM_COMMAND_other);
}

/* The count is that of the buckets, though an eviction may be counted while they are read. */
static void put_evicted_ages(struct page *page, const struct cm_admin_readings *readings) {
    static const char *const limits[] = {
#define AGE_LIMIT(limit_s) #limit_s ".0",
        CMSTORE_EVICTED_AGE_TABLE(AGE_LIMIT)
#undef AGE_LIMIT
            "+Inf"};
    const struct cmstore_counters *store = &readings->stats.store;
    uint64_t count = 0;
    for (size_t i = 0; i < CMSTORE_EVICTED_AGES; i++) {
        count += store->evicted_ages[i];
        cm_admin_print(&page->out, "cacheman_%s_bucket{le=\"%s\"} %" PRIu64 "\n", page->name,
                       limits[i], count);
    }
    cm_admin_print(&page->out, "cacheman_%s_sum %" PRIu64 "\n", page->name, store->evicted_idle_s);
    cm_admin_print(&page->out, "cacheman_%s_count %" PRIu64 "\n", page->name, count);
}

/* ---- all of it ---- */

static void put_version(struct page *page, const char *version) {
    begin(page, "build_info", GAUGE, "1, and the server's version.");
    cm_admin_print(&page->out, "cacheman_build_info{version=\"%s\"} 1\n", version);
}

#define READ_SERVER(field)    r->server.field, WHOLE
#define READ_SERVER_US(field) r->server.field, MICROSECONDS
#define READ_METRIC(field)    r->metrics.values[CM_METRIC_##field], WHOLE
#define READ_METRIC_US(field) r->metrics.values[CM_METRIC_##field], MICROSECONDS
#define READ_STORE(field)     r->store.field, WHOLE
#define READ_WATCH(field)     r->watch.field, WHOLE

enum cm_status cm_admin_put_metrics(const struct cm_admin_readings *readings, bool open_metrics,
                                    struct cm_buf *to) {
    const struct cm_stats_readings *r = &readings->stats;
    struct page page = {.out.to = to, .open_metrics = open_metrics};
    put_version(&page, r->server.version);
#define CM_FAMILY(name, type, text)      begin(&page, #name, type, text);
#define CM_SAMPLE(labels, source, field) put_sample(&page, labels, READ_##source(field));
#define CM_HISTOGRAM(what)               put_##what(&page, readings);
#include "tables/metrics.def"
    if (open_metrics)
        cm_admin_print(&page.out, "# EOF\n");
    return page.out.status;
}

bool cm_admin_wants_open_metrics(const char *accept) {
    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
}

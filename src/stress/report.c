/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/report.h"

#include "cli/exit.h"
#include "cli/safe.h"
#include "cli/units.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static double per_second(const struct cm_stress_result *result, uint64_t count) {
    return result->seconds > 0 ? (double)count / result->seconds : 0;
}

/* 79 columns: a value has five characters, or seven with its unit. */
static void print_row(const struct cm_stress_result *result, const char *name,
                      const struct cm_latency *latency) {
    static const double shares[] = {.5, .9, .99, .999, .9999};
    char text[CM_UNITS_BYTES];
    printf("%-6s%8s", name, cm_units_count(text, (double)latency->count));
    printf(" %8s", cm_units_count(text, per_second(result, latency->count)));
    printf(" %7s", cm_units_duration(text, (uint64_t)cm_latency_mean_ns(latency)));
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        printf(" %7s", cm_units_duration(text, cm_latency_percentile_ns(latency, shares[i])));
    printf(" %7s\n", cm_units_duration(text, latency->max_ns));
}

static void print_latency(const struct cm_stress_result *result) {
    struct cm_latency *all = calloc(1, sizeof *all);
    unsigned kinds = 0;
    printf("%-6s%8s %8s %7s %7s %7s %7s %7s %7s %7s\n", "", "requests", "a second", "mean", "p50",
           "p90", "p99", "p99.9", "p99.99", "max");
    for (unsigned i = 0; i < CM_STRESS_KINDS; i++) {
        const struct cm_latency *latency = &result->total.latency[i];
        if (latency->count == 0)
            continue;
        print_row(result, cm_stress_kind_name((enum cm_stress_kind)i), latency);
        kinds++;
        if (all != NULL)
            cm_latency_merge(all, latency);
    }
    if (kinds > 1 && all != NULL)
        print_row(result, "all", all);
    free(all);
}

static void print_counts(const struct cm_stress_result *result) {
    const struct cm_stress_tally *total = &result->total;
    char text[CM_UNITS_BYTES];
    if (total->keys > 0)
        printf("hits      %s of %" PRIu64 " keys\n",
               cm_units_percent(text, (double)total->hits, (double)total->keys), total->keys);
    for (unsigned i = 0; i < CM_STRESS_KINDS; i++) {
        if (total->no[i] > 0)
            printf("%-9s %" PRIu64 " %s\n", cm_stress_kind_name((enum cm_stress_kind)i),
                   total->no[i],
                   i == CM_STRESS_SET || i == CM_STRESS_ADD ? "not stored" : "not found");
    }
    if (result->run->script.verify)
        printf("verified  %" PRIu64 " values, %" PRIu64 " wrong\n", total->checked, total->wrong);
    printf("traffic   %s a second sent",
           cm_units_size(text, (uint64_t)per_second(result, total->sent_bytes)));
    printf(", %s received\n",
           cm_units_size(text, (uint64_t)per_second(result, total->received_bytes)));
}

static void print_cpu(const struct cm_stress_result *result) {
    const double requests = (double)cm_stress_tally_requests(&result->total);
    if (requests == 0)
        return;
    printf("cpu       %.2f us a request here", (double)result->own_cpu_ns / 1e3 / requests);
    if (result->run->options->pid > 0)
        printf(", %.2f us by process %" PRId64, (double)result->server_cpu_ns / 1e3 / requests,
               result->run->options->pid);
    putchar('\n');
}

static void print_trouble(const struct cm_stress_trouble *trouble) {
    printf("%12" PRIu64 "  ", trouble->count);
    cm_safe_print(stdout, cm_slice(trouble->text, strlen(trouble->text)), 0);
    putchar('\n');
}

static void print_troubles(const struct cm_stress_result *result) {
    const struct cm_stress_tally *total = &result->total;
    const struct {
        uint64_t count;
        const char *what;
    } rows[] = {
        {total->errors, "answers were errors"},
        {total->wrong, "values were wrong"},
        {total->bad, "answers made no sense"},
        {total->lost, "requests were lost with their connection"},
        {total->timeouts, "connections were given up, without an answer in time"},
        {total->refused, "connections did not come about"},
        {total->skipped, "requests were not sent: no connection"},
        {total->unsent, "requests were due and not sent: the rate is too high"},
    };
    unsigned count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].count > 0 && count++ == 0)
            puts("errors");
        if (rows[i].count > 0)
            printf("%12" PRIu64 " %s\n", rows[i].count, rows[i].what);
    }
    if (total->troubles[0].count > 0)
        puts("in detail");
    for (size_t i = 0; i < CM_STRESS_TROUBLES && total->troubles[i].count > 0; i++)
        print_trouble(&total->troubles[i]);
    if (count == 0)
        puts("errors    none");
}

static uint64_t sets_of(const struct cm_stress_tally *loaded) {
    return loaded->latency[CM_STRESS_SET].count;
}

bool cm_stress_report_text(const struct cm_stress_result *result) {
    const struct cm_stress_options *options = result->run->options;
    if (options->load)
        printf("loaded    %" PRIu64 " keys, %" PRIu64 " not stored\n", sets_of(&result->loaded),
               result->loaded.no[CM_STRESS_SET] + result->loaded.errors);
    if (result->seconds > 0) {
        print_latency(result);
        print_counts(result);
        print_cpu(result);
    }
    print_troubles(result);
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* Whether all requests of a kind were answered by errors. */
static bool is_in_vain(const struct cm_stress_tally *tally) {
    for (size_t i = 0; i < CM_STRESS_KINDS; i++) {
        if (tally->failed[i] > 0 && tally->failed[i] == tally->latency[i].count)
            return true;
    }
    return false;
}

int cm_stress_report_exit(const struct cm_stress_result *result) {
    const struct cm_stress_tally *total = &result->total;
    const struct cm_stress_run *run = result->run;
    const size_t wanted = (size_t)run->options->connections * run->target.count;
    const uint64_t answered = cm_stress_tally_requests(total) + sets_of(&result->loaded);
    if (total->wrong > 0)
        return CM_EXIT_NO;
    if (total->is_denied)
        return CM_EXIT_DENIED;
    if (total->bad > 0 || is_in_vain(total) || is_in_vain(&result->loaded))
        return CM_EXIT_PROTOCOL;
    if ((answered == 0 && total->lost > 0) || atomic_load(&run->is_lost) ||
        atomic_load(&run->is_deserted) ||
        (result->open_count < wanted && run->options->reconnect == 0))
        return CM_EXIT_UNAVAILABLE;
    return CM_EXIT_OK;
}

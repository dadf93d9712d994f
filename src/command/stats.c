/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/stats.h"
#include "base/num.h"
#include "command/internal.h"
#include <inttypes.h>
#include <stdio.h>

static struct cm_slice text_of(const char *text) {
    return cm_slice(text, strlen(text));
}

void cm_stats_number(struct cm_stat_sink *sink, struct cm_slice name, uint64_t number) {
    char digits[CM_NUM_U64_CHARS];
    sink->line(sink, name, cm_slice(digits, cm_num_format_u64(digits, number)));
}

static void put_seconds(struct cm_stat_sink *sink, struct cm_slice name, uint64_t us) {
    char text[32];
    const int bytes =
        snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
    sink->line(sink, name, cm_slice(text, (size_t)bytes));
}

/* memcached's hash power: its table has 2^power slots. */
static uint64_t hash_power(uint64_t buckets) {
    const uint64_t slots_per_bucket = 7;
    uint64_t power = 0;
    while ((uint64_t)1 << (power + 1) <= buckets * slots_per_bucket) {
        power++;
    }
    return power;
}

/* CM_STAT_SPECIAL: one function a name. */

static void put_time(struct cm_stat_sink *sink, struct cm_slice name,
                     const struct cm_stats_readings *r) {
    cm_stats_number(sink, name, (uint64_t)r->now_unix_s);
}

static void put_version(struct cm_stat_sink *sink, struct cm_slice name,
                        const struct cm_stats_readings *r) {
    sink->line(sink, name, text_of(r->server.version));
}

static void put_libevent(struct cm_stat_sink *sink, struct cm_slice name,
                         const struct cm_stats_readings *r) {
    sink->line(sink, name, text_of(r->server.libevent));
}

static void put_pointer_size(struct cm_stat_sink *sink, struct cm_slice name,
                             const struct cm_stats_readings *r) {
    (void)r;
    cm_stats_number(sink, name, 8 * sizeof(void *));
}

static void put_rusage_user(struct cm_stat_sink *sink, struct cm_slice name,
                            const struct cm_stats_readings *r) {
    put_seconds(sink, name, r->server.user_us);
}

static void put_rusage_system(struct cm_stat_sink *sink, struct cm_slice name,
                              const struct cm_stats_readings *r) {
    put_seconds(sink, name, r->server.system_us);
}

static void put_hash_power_level(struct cm_stat_sink *sink, struct cm_slice name,
                                 const struct cm_stats_readings *r) {
    cm_stats_number(sink, name, hash_power(r->store.index_buckets));
}

void cm_stats_put(const struct cm_stats_readings *r, struct cm_stat_sink *sink) {
#define CM_STAT_SERVER(name, text)  cm_stats_number(sink, CM_SLICE(#name), r->server.name);
#define CM_STAT_SPECIAL(name, text) put_##name(sink, CM_SLICE(#name), r);
#define CM_STAT_METRIC(name, text)                                                                 \
    cm_stats_number(sink, CM_SLICE(#name), r->metrics.values[CM_METRIC_##name]);
#define CM_STAT_STORE(name, counter, text) cm_stats_number(sink, CM_SLICE(#name), r->store.counter);
#define CM_STAT_WATCH(name, text)          cm_stats_number(sink, CM_SLICE(#name), r->watch.name);
#define CM_STAT_ZERO(name, text)           sink->line(sink, CM_SLICE(#name), CM_SLICE("0"));
#include "tables/stats.def"
}

void cm_stats_read(const struct cm_stats_source *source, struct cm_stats_readings *readings) {
    readings->now_unix_s = cm_admin_wall_zero(source->admin) + cmstore_clock(source->store);
    source->control->server_stats(source->control->context, &readings->server);
    cm_admin_subtract(source->admin, &readings->server);
    cm_metrics_read(cm_admin_metrics(source->admin), &readings->metrics);
    cmstore_read_counters(source->store, &readings->store);
    cm_watch_read_counts(cm_admin_watch(source->admin), &readings->watch);
}

void cm_stats_read_durations(const struct cm_stats_source *source,
                             struct cm_duration_sums sums[CM_COMMANDS]) {
    cm_metrics_read_durations(cm_admin_metrics(source->admin), sums);
}

void cm_stats_general(const struct cm_command *command, struct cm_stat_sink *sink) {
    const struct cm_stats_source source = {
        .store = command->store,
        .admin = command->admin,
        .control = command->control,
    };
    struct cm_stats_readings readings;
    cm_stats_read(&source, &readings);
    cm_stats_put(&readings, sink);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/units.h"
#include "stress/report.h"

#include <jansson.h>

static double us(double ns) {
    return ns / 1e3;
}

/* `into` takes `value`, which may be NULL for want of memory: the printing then fails. */
static void put(json_t *into, const char *name, json_t *value) {
    (void)json_object_set_new(into, name, value);
}

static void put_count(json_t *into, const char *name, uint64_t count) {
    put(into, name, json_integer((json_int_t)count));
}

static json_t *latency_of(const struct cm_latency *latency) {
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", .5},  {"p90", .9},     {"p95", .95},
                  {"p99", .99}, {"p99.9", .999}, {"p99.99", .9999}};
    json_t *out = json_object();
    put(out, "mean", json_real(us(cm_latency_mean_ns(latency))));
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        put(out, shares[i].name,
            json_real(us((double)cm_latency_percentile_ns(latency, shares[i].share))));
    put(out, "max", json_real(us((double)latency->max_ns)));
    return out;
}

static json_t *kinds_of(const struct cm_stress_tally *total) {
    json_t *out = json_object();
    for (unsigned i = 0; i < CM_STRESS_KINDS; i++) {
        if (total->latency[i].count == 0)
            continue;
        json_t *kind = json_object();
        put_count(kind, "requests", total->latency[i].count);
        put_count(kind, "no", total->no[i]);
        put(kind, "latency_us", latency_of(&total->latency[i]));
        put(out, cm_stress_kind_name((enum cm_stress_kind)i), kind);
    }
    return out;
}

static json_t *all_of(const struct cm_stress_tally *total) {
    struct cm_latency all = {0};
    for (unsigned i = 0; i < CM_STRESS_KINDS; i++)
        cm_latency_merge(&all, &total->latency[i]);
    return latency_of(&all);
}

static json_t *errors_of(const struct cm_stress_tally *total) {
    json_t *out = json_object();
    put_count(out, "answers", total->errors);
    put_count(out, "wrong_values", total->wrong);
    put_count(out, "bad_answers", total->bad);
    put_count(out, "lost", total->lost);
    put_count(out, "timeouts", total->timeouts);
    put_count(out, "refused", total->refused);
    put_count(out, "skipped", total->skipped);
    put_count(out, "unsent", total->unsent);
    return out;
}

/* Texts of servers, which may be anything, as ASCII. */
static json_t *text_of(const char *text) {
    char clean[CM_STRESS_TROUBLE_BYTES];
    size_t at = 0;
    for (; text[at] != '\0' && at + 1 < sizeof clean; at++)
        clean[at] = text[at] >= ' ' && text[at] <= '~' ? text[at] : '?';
    clean[at] = '\0';
    return json_string(clean);
}

static json_t *troubles_of(const struct cm_stress_tally *total) {
    json_t *out = json_array();
    for (size_t i = 0; i < CM_STRESS_TROUBLES && total->troubles[i].count > 0; i++) {
        json_t *trouble = json_object();
        put(trouble, "text", text_of(total->troubles[i].text));
        put_count(trouble, "count", total->troubles[i].count);
        (void)json_array_append_new(out, trouble);
    }
    return out;
}

/* All that decides what is asked, named as on the command line. */
static json_t *options_of(const struct cm_stress_run *run) {
    static const char *const distributions[] = {"uniform", "zipf", "sequential", "hot"};
    static const char *const on_errors[] = {"continue", "stop"};
    const struct cm_stress_options *options = run->options;
    json_t *out = json_object(), *servers = json_array();
    for (size_t i = 0; i < run->target.count; i++)
        (void)json_array_append_new(servers, text_of(run->target.view->servers[i]->name));
    put(out, "servers", servers);
    put(out, "scenario", options->scenario == NULL ? json_null() : text_of(options->scenario));
    put(out, "protocol", json_string(run->script.dialect->name));
    put_count(out, "threads", (uint64_t)options->threads);
    put_count(out, "connections", (uint64_t)options->connections);
    put_count(out, "depth", (uint64_t)options->depth);
    put_count(out, "keys", (uint64_t)options->keys);
    put_count(out, "key_bytes", (uint64_t)options->key_bytes);
    put(out, "distribution", json_string(distributions[options->distribution]));
    put(out, "zipf", json_real(options->zipf));
    put_count(out, "hot_keys", (uint64_t)options->hot_keys);
    put(out, "hot_share", json_real(options->hot_share));
    put_count(out, "multiget", (uint64_t)options->multiget);
    put_count(out, "ttl_us", (uint64_t)options->ttl_us);
    put(out, "load", json_boolean(options->load));
    put(out, "fill", json_boolean(options->fill));
    put(out, "verify", json_boolean(options->verify));
    put_count(out, "rate", (uint64_t)options->rate);
    put_count(out, "duration_us", (uint64_t)options->duration_us);
    put_count(out, "warmup_us", (uint64_t)options->warmup_us);
    put_count(out, "requests", (uint64_t)options->requests);
    put_count(out, "timeout_us", (uint64_t)options->where.timeout_us);
    put_count(out, "reconnect", (uint64_t)options->reconnect);
    put_count(out, "read_pause_us", (uint64_t)options->read_pause_us);
    put(out, "on_error", json_string(on_errors[options->on_error]));
    put_count(out, "seed", (uint64_t)options->seed);
    put(out, "ratio", text_of(options->ratio));
    put(out, "value_bytes", text_of(options->value_bytes));
    return out;
}

static json_t *gets_of(const struct cm_stress_tally *total) {
    json_t *out = json_object();
    put_count(out, "keys", total->keys);
    put_count(out, "hits", total->hits);
    put_count(out, "misses", total->keys - total->hits);
    put(out, "hit_ratio",
        total->keys == 0 ? json_null() : json_real((double)total->hits / (double)total->keys));
    put_count(out, "checked", total->checked);
    return out;
}

static json_t *load_of(const struct cm_stress_result *result) {
    json_t *out = json_object();
    put_count(out, "sets", result->loaded.latency[CM_STRESS_SET].count);
    put_count(out, "not_stored", result->loaded.no[CM_STRESS_SET] + result->loaded.errors);
    return out;
}

static json_t *cpu_of(const struct cm_stress_result *result, uint64_t requests) {
    json_t *out = json_object();
    const bool has_server = result->run->options->pid > 0 && requests > 0;
    put(out, "own",
        requests == 0 ? json_null() : json_real(us((double)result->own_cpu_ns) / (double)requests));
    put(out, "server",
        has_server ? json_real(us((double)result->server_cpu_ns) / (double)requests) : json_null());
    return out;
}

bool cm_stress_report_json(const struct cm_stress_result *result) {
    const struct cm_stress_tally *total = &result->total;
    const uint64_t requests = cm_stress_tally_requests(total);
    json_t *out = json_object();
    put(out, "options", options_of(result->run));
    if (result->run->options->load)
        put(out, "load", load_of(result));
    put(out, "seconds", json_real(result->seconds));
    put_count(out, "requests", requests);
    put(out, "requests_per_s",
        json_real(result->seconds > 0 ? (double)requests / result->seconds : 0));
    put(out, "gets", gets_of(total));
    put(out, "latency_us", all_of(total));
    put(out, "kinds", kinds_of(total));
    put_count(out, "connections_opened", total->connecting.count);
    put(out, "connecting_us", latency_of(&total->connecting));
    put_count(out, "bytes_sent", total->sent_bytes);
    put_count(out, "bytes_received", total->received_bytes);
    put(out, "cpu_us_per_request", cpu_of(result, requests));
    put(out, "errors", errors_of(total));
    put(out, "troubles", troubles_of(total));
    const bool written = json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0;
    json_decref(out);
    putchar('\n');
    return written && fflush(stdout) == 0 && !ferror(stdout);
}

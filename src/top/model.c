/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *cm_top_series_name(enum cm_top_series series) {
    static const char *const names[CM_TOP_SERIES] = {
        [CM_TOP_OPS] = "ops",         [CM_TOP_GET] = "get",
        [CM_TOP_SET] = "set",         [CM_TOP_CAS] = "cas",
        [CM_TOP_TOUCH] = "touch",     [CM_TOP_DELETE] = "delete",
        [CM_TOP_INCR] = "incr",       [CM_TOP_DECR] = "decr",
        [CM_TOP_META] = "meta",       [CM_TOP_HIT] = "hit",
        [CM_TOP_EVICTED] = "evicted", [CM_TOP_EXPIRED] = "expired",
        [CM_TOP_IN] = "in",           [CM_TOP_OUT] = "out",
        [CM_TOP_CPU] = "cpu",         [CM_TOP_CONNS] = "connections",
        [CM_TOP_PING] = "ping"};
    return names[series];
}

/* ---- rates --------------------------------------------------------------------------------- */

/* Both known: their sum, otherwise the one that is. */
static double plus(double a, double b) {
    return isnan(a) ? b : isnan(b) ? a : a + b;
}

static double gauge(const struct cm_top_reading *reading, enum cm_top_counter counter) {
    return cm_top_knows(reading, counter) ? (double)reading->counter[counter] : NAN;
}

static bool has_restarted(const struct cm_top_reading *before, const struct cm_top_reading *now) {
    const bool other_pid = cm_top_knows(before, CM_TOP_pid) && cm_top_knows(now, CM_TOP_pid) &&
                           before->counter[CM_TOP_pid] != now->counter[CM_TOP_pid];
    const bool younger = cm_top_knows(before, CM_TOP_uptime) && cm_top_knows(now, CM_TOP_uptime) &&
                         now->counter[CM_TOP_uptime] < before->counter[CM_TOP_uptime];
    return other_pid || younger;
}

/* A counter that has become smaller was set to zero, nobody knows when. */
static double rate_of(const struct cm_top_reading *before, const struct cm_top_reading *now,
                      enum cm_top_counter counter) {
    if (!cm_top_counter_grows(counter) || !cm_top_knows(before, counter) ||
        !cm_top_knows(now, counter) || now->counter[counter] < before->counter[counter] ||
        now->at_ns <= before->at_ns)
        return NAN;
    return (double)(now->counter[counter] - before->counter[counter]) * 1e9 /
           (double)(now->at_ns - before->at_ns);
}

static void set_rates(struct cm_top_host *host, const struct cm_top_reading *now) {
    const bool comparable = host->last.up && now->up && !has_restarted(&host->last, now);
    host->interval_s = comparable ? (double)(now->at_ns - host->last.at_ns) / 1e9 : NAN;
    for (unsigned i = 0; i < CM_TOP_COUNTERS; i++)
        host->rate[i] = comparable ? rate_of(&host->last, now, (enum cm_top_counter)i) : NAN;
}

/* ---- what rates come to --------------------------------------------------------------------- */

/* The counters of a kind of requests: either one of all of them, or `found` and `missed` add up to
 * it. NONE where there is no such counter. */
struct kind {
    enum cm_top_counter all, found, missed[2];
};

#define NONE CM_TOP_COUNTERS
static const struct kind kinds[CM_TOP_KINDS] = {
    [CM_TOP_OPS] = {NONE, NONE, {NONE, NONE}}, /* the sum of others */
    [CM_TOP_GET] = {CM_TOP_cmd_get, CM_TOP_get_hits, {CM_TOP_get_misses, NONE}},
    [CM_TOP_SET] = {CM_TOP_cmd_set, NONE, {NONE, NONE}},
    [CM_TOP_CAS] = {NONE, CM_TOP_cas_hits, {CM_TOP_cas_misses, CM_TOP_cas_badval}},
    [CM_TOP_TOUCH] = {CM_TOP_cmd_touch, CM_TOP_touch_hits, {CM_TOP_touch_misses, NONE}},
    [CM_TOP_DELETE] = {NONE, CM_TOP_delete_hits, {CM_TOP_delete_misses, NONE}},
    [CM_TOP_INCR] = {NONE, CM_TOP_incr_hits, {CM_TOP_incr_misses, NONE}},
    [CM_TOP_DECR] = {NONE, CM_TOP_decr_hits, {CM_TOP_decr_misses, NONE}},
    [CM_TOP_META] = {CM_TOP_cmd_meta, NONE, {NONE, NONE}},
};

static double rate(const struct cm_top_host *host, enum cm_top_counter counter) {
    return counter == NONE ? NAN : host->rate[counter];
}

static double percent(double part, double rest) {
    return part + rest > 0 ? 100 * part / (part + rest) : NAN;
}

static void derive_kind(struct cm_top_host *host, enum cm_top_series series) {
    const struct kind *kind = &kinds[series];
    const double found = rate(host, kind->found);
    const double missed = plus(rate(host, kind->missed[0]), rate(host, kind->missed[1]));
    host->now[series] = kind->all != NONE ? rate(host, kind->all) : plus(found, missed);
    host->found[series] = percent(found, missed);
}

static double sum_of_kinds(const struct cm_top_host *host) {
    double sum = NAN;
    for (unsigned i = CM_TOP_OPS + 1; i < CM_TOP_KINDS; i++) {
        if (i != CM_TOP_CAS && i != CM_TOP_META)
            sum = plus(sum, host->now[i]);
    }
    return sum;
}

/* From its rates and its last reading. Leaves out the ping and what all servers are needed for. */
static void derive(struct cm_top_host *host) {
    for (unsigned i = CM_TOP_OPS + 1; i < CM_TOP_KINDS; i++)
        derive_kind(host, (enum cm_top_series)i);
    host->now[CM_TOP_OPS] = sum_of_kinds(host);
    host->found[CM_TOP_OPS] = NAN;
    host->now[CM_TOP_HIT] = host->found[CM_TOP_GET];
    host->now[CM_TOP_EVICTED] = rate(host, CM_TOP_evictions);
    host->now[CM_TOP_EXPIRED] = rate(host, CM_TOP_reclaimed);
    host->now[CM_TOP_IN] = rate(host, CM_TOP_bytes_read);
    host->now[CM_TOP_OUT] = rate(host, CM_TOP_bytes_written);
    /* microseconds a second */
    host->now[CM_TOP_CPU] =
        plus(rate(host, CM_TOP_rusage_user), rate(host, CM_TOP_rusage_system)) / 1e4;
    host->now[CM_TOP_CONNS] = gauge(&host->last, CM_TOP_curr_connections);
}

static void remember(struct cm_top_host *host) {
    for (unsigned i = 0; i < CM_TOP_SERIES; i++)
        cm_history_push(&host->history[i], host->now[i]);
}

/* memcached's table of keys is beside its limit, cachemand's index within. */
static void measure_memory(struct cm_top_host *host) {
    host->limit_bytes = gauge(&host->last, CM_TOP_limit_maxbytes);
    host->items_bytes = gauge(&host->last, CM_TOP_bytes);
    host->index_bytes =
        cm_top_is_cachemand(&host->last) ? gauge(&host->last, CM_TOP_hash_bytes) : NAN;
}

/* ---- one server ----------------------------------------------------------------------------- */

static void take_reading(struct cm_top_host *host, const struct cm_top_reading *now,
                         int64_t wall_s) {
    set_rates(host, now);
    if (now->up || host->down_since_s == 0)
        host->down_since_s = now->up ? 0 : wall_s;
    host->last = *now;
    measure_memory(host);
    derive(host);
    host->now[CM_TOP_PING] = now->ping_ns == 0 ? NAN : (double)now->ping_ns;
    remember(host);
}

/* ---- all servers ---------------------------------------------------------------------------- */

static void add_counters(struct cm_top_reading *to, const struct cm_top_reading *from) {
    for (unsigned i = 0; i < CM_TOP_COUNTERS; i++) {
        if (!cm_top_knows(from, (enum cm_top_counter)i))
            continue;
        if (__builtin_add_overflow(to->counter[i], from->counter[i], &to->counter[i]))
            to->counter[i] = UINT64_MAX;
        to->known |= (uint64_t)1 << i;
    }
    if (from->evicted_age_known &&
        (!to->evicted_age_known || from->evicted_age_s < to->evicted_age_s)) {
        to->evicted_age_known = true;
        to->evicted_age_s = from->evicted_age_s;
    }
}

static void add_host(struct cm_top_host *total, const struct cm_top_host *host) {
    add_counters(&total->last, &host->last);
    for (unsigned i = 0; i < CM_TOP_COUNTERS; i++)
        total->rate[i] = plus(total->rate[i], host->rate[i]);
    total->limit_bytes = plus(total->limit_bytes, host->limit_bytes);
    total->items_bytes = plus(total->items_bytes, host->items_bytes);
    total->index_bytes = plus(total->index_bytes, host->index_bytes);
    total->now[CM_TOP_PING] = fmax(total->now[CM_TOP_PING], host->now[CM_TOP_PING]);
}

static void sum_up(struct cm_top_model *model) {
    struct cm_top_host *total = &model->total;
    total->last = (struct cm_top_reading){.up = model->up > 0};
    total->limit_bytes = total->items_bytes = total->index_bytes = NAN;
    total->now[CM_TOP_PING] = NAN;
    for (unsigned i = 0; i < CM_TOP_COUNTERS; i++)
        total->rate[i] = NAN;
    for (size_t i = 0; i < model->count; i++)
        add_host(total, model->hosts[i]);
    derive(total);
    total->share = model->up > 0 ? 1 : NAN;
    remember(total);
}

static void compare(struct cm_top_model *model) {
    const double all = model->total.now[CM_TOP_OPS];
    double weights = 0;
    for (size_t i = 0; i < model->count; i++)
        weights += model->hosts[i]->last.up ? model->hosts[i]->last.weight : 0;
    for (size_t i = 0; i < model->count; i++) {
        struct cm_top_host *host = model->hosts[i];
        host->share = all > 0 ? host->now[CM_TOP_OPS] / all : NAN;
        host->is_hot = model->up > 1 && all >= CM_TOP_HOT_OPS_S &&
                       host->share > CM_TOP_HOT * host->last.weight / weights;
    }
}

static struct cm_top_host *find(const struct cm_top_model *model, const char *name) {
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->hosts[i]->last.name, name) == 0)
            return model->hosts[i];
    }
    return NULL;
}

static bool is_among(const struct cm_top_host *host, struct cm_top_host *const *hosts,
                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (hosts[i] == host)
            return true;
    }
    return false;
}

/* The servers of the sample, those known before with their history; NULL without memory. */
static struct cm_top_host **match(struct cm_top_model *model, const struct cm_top_sample *sample) {
    struct cm_top_host **hosts = calloc(sample->count + 1, sizeof(struct cm_top_host *));
    size_t made = 0, i = 0;
    bool enough = hosts != NULL;
    for (; i < sample->count && enough; i++) {
        hosts[i] = find(model, sample->readings[i].name);
        if (hosts[i] != NULL && !is_among(hosts[i], hosts, i))
            continue;
        hosts[i] = calloc(1, sizeof **hosts);
        enough = hosts[i] != NULL;
        if (enough)
            hosts[i]->id = model->ids + (unsigned)++made;
    }
    if (enough) {
        model->ids += (unsigned)made;
        return hosts;
    }
    while (hosts != NULL && i-- > 0) {
        if (hosts[i] != NULL && hosts[i]->id > model->ids)
            free(hosts[i]);
    }
    free(hosts);
    return NULL;
}

static void replace_hosts(struct cm_top_model *model, struct cm_top_host **hosts, size_t count) {
    for (size_t i = 0; i < model->count; i++) {
        if (!is_among(model->hosts[i], hosts, count))
            free(model->hosts[i]);
    }
    free(model->hosts);
    model->hosts = hosts;
    model->count = count;
}

enum cm_status cm_top_model_take(struct cm_top_model *model, const struct cm_top_sample *sample) {
    struct cm_top_host **hosts = match(model, sample);
    if (hosts == NULL)
        return CM_NO_MEMORY;
    replace_hosts(model, hosts, sample->count);
    model->up = 0;
    model->wall_s = sample->wall_s;
    for (size_t i = 0; i < model->count; i++) {
        take_reading(model->hosts[i], &sample->readings[i], sample->wall_s);
        model->up += model->hosts[i]->last.up;
    }
    model->interval_s = model->at_ns == 0 ? NAN : (double)(sample->at_ns - model->at_ns) / 1e9;
    model->at_ns = sample->at_ns;
    memcpy(model->problem, sample->problem, sizeof model->problem);
    sum_up(model);
    compare(model);
    return CM_OK;
}

void cm_top_model_deinit(struct cm_top_model *model) {
    replace_hosts(model, NULL, 0);
}

const struct cm_top_host *cm_top_model_host(const struct cm_top_model *model, unsigned id) {
    for (size_t i = 0; i < model->count; i++) {
        if (model->hosts[i]->id == id)
            return model->hosts[i];
    }
    return NULL;
}

double cm_top_hit_since_start(const struct cm_top_host *host) {
    return percent(gauge(&host->last, CM_TOP_get_hits), gauge(&host->last, CM_TOP_get_misses));
}

double cm_top_latency(const struct cm_top_host *host, enum cm_top_latency which) {
    const uint64_t ns = host->last.latency_ns[which];
    return host->last.up && ns > 0 ? (double)ns : NAN;
}

/* ---- order ---------------------------------------------------------------------------------- */

/* What is larger comes first; unknown comes last. */
static double weight_of(const struct cm_top_host *host, enum cm_top_order order) {
    static const enum cm_top_series series[CM_TOP_ORDERS] = {[CM_TOP_BY_OPS] = CM_TOP_OPS,
                                                             [CM_TOP_BY_EVICTED] = CM_TOP_EVICTED,
                                                             [CM_TOP_BY_CONNS] = CM_TOP_CONNS,
                                                             [CM_TOP_BY_CPU] = CM_TOP_CPU,
                                                             [CM_TOP_BY_PING] = CM_TOP_PING};
    double weight = 0;
    if (order == CM_TOP_BY_HIT)
        weight = -host->now[CM_TOP_HIT];
    else if (order == CM_TOP_BY_MEMORY)
        weight = plus(host->items_bytes, host->index_bytes) / host->limit_bytes;
    else if (order == CM_TOP_BY_GET || order == CM_TOP_BY_SET)
        weight = cm_top_latency(host, order == CM_TOP_BY_GET ? CM_TOP_GET_P99 : CM_TOP_SET_P99);
    else if (order != CM_TOP_BY_NAME)
        weight = host->now[series[order]];
    if (!host->last.up)
        return INFINITY;
    return isnan(weight) ? -INFINITY : weight;
}

static int compare_hosts(const void *left, const void *right, void *context) {
    const struct cm_top_host *a = *(const struct cm_top_host *const *)left;
    const struct cm_top_host *b = *(const struct cm_top_host *const *)right;
    const enum cm_top_order order = *(const enum cm_top_order *)context;
    const double x = weight_of(a, order), y = weight_of(b, order);
    if (x > y || x < y)
        return x > y ? -1 : 1;
    const int names = order == CM_TOP_BY_NAME ? strcmp(a->last.name, b->last.name) : 0;
    return names != 0 ? names : a->id < b->id ? -1 : a->id > b->id;
}

void cm_top_model_sort(const struct cm_top_model *model, enum cm_top_order order,
                       const struct cm_top_host **sorted) {
    for (size_t i = 0; i < model->count; i++)
        sorted[i] = model->hosts[i];
    qsort_r(sorted, model->count, sizeof *sorted, compare_hosts, &order);
}

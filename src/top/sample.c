/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/sample.h"

#include "base/check.h"
#include "base/num.h"
#include "base/uri.h"
#include "cli/safe.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COUNT, GAUGE, TIME };

static const struct {
    const char *name;
    enum kind kind;
} counters[] = {
#define X(name, kind) {#name, kind},
#include "top/counters.def"
#undef X
};
_Static_assert(CM_TOP_COUNTERS <= 64, "a bit for each in `known`");

const char *cm_top_counter_name(enum cm_top_counter counter) {
    return counters[counter].name;
}

bool cm_top_counter_grows(enum cm_top_counter counter) {
    return counters[counter].kind != GAUGE;
}

void cm_top_sample_destroy(struct cm_top_sample *sample) {
    if (sample != NULL)
        free(sample->readings);
    free(sample);
}

/* "12.345678" in microseconds; digits beyond are dropped. */
static bool read_time(struct cm_slice text, uint64_t *out) {
    const char *dot = memchr(text.data, '.', text.len);
    const size_t whole = dot == NULL ? text.len : (size_t)(dot - text.data);
    uint64_t seconds = 0, part = 0, unit = 100000;
    if (!cm_num_u64(cm_slice(text.data, whole), &seconds) || seconds > UINT64_MAX / 2000000)
        return false;
    for (size_t i = whole + 1; i < text.len; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        part += unit * (uint64_t)(text.data[i] - '0');
    }
    *out = seconds * 1000000 + part;
    return true;
}

static bool begins(struct cm_slice text, const char *with) {
    const size_t length = strlen(with);
    return text.len >= length && memcmp(text.data, with, length) == 0;
}

static struct cm_slice after(struct cm_slice text, size_t count) {
    return cm_slice(text.data + count, text.len - count);
}

static void take_counter(struct cm_top_reading *reading, struct cm_slice name,
                         struct cm_slice value) {
    for (unsigned i = 0; i < CM_TOP_COUNTERS; i++) {
        if (strlen(counters[i].name) != name.len || memcmp(counters[i].name, name.data, name.len))
            continue;
        const bool taken = counters[i].kind == TIME ? read_time(value, &reading->counter[i])
                                                    : cm_num_u64(value, &reading->counter[i]);
        if (taken)
            reading->known |= (uint64_t)1 << i;
        return;
    }
}

/* "items:CLASS:evicted_time SECONDS": of classes that have evicted, the shortest counts. */
static void take_class(struct cm_top_reading *reading, struct cm_slice name,
                       struct cm_slice value) {
    static const char wanted[] = ":evicted_time";
    const size_t length = sizeof wanted - 1;
    uint64_t seconds = 0;
    if (name.len < length || memcmp(name.data + name.len - length, wanted, length) != 0 ||
        !cm_num_u64(value, &seconds) || seconds == 0)
        return;
    if (!reading->evicted_age_known || seconds < reading->evicted_age_s)
        reading->evicted_age_s = seconds;
    reading->evicted_age_known = true;
}

/* "COMMAND:p50_us MICROSECONDS" */
static void take_latency(struct cm_top_reading *reading, struct cm_slice name,
                         struct cm_slice value) {
    static const char *const names[CM_TOP_LATENCIES] = {
        [CM_TOP_GET_P50] = "get:p50_us",
        [CM_TOP_GET_P99] = "get:p99_us",
        [CM_TOP_SET_P50] = "set:p50_us",
        [CM_TOP_SET_P99] = "set:p99_us",
    };
    uint64_t millionths;
    for (unsigned i = 0; i < CM_TOP_LATENCIES; i++) {
        if (cm_slice_equal(name, cm_slice(names[i], strlen(names[i]))) &&
            read_time(value, &millionths))
            reading->latency_ns[i] = millionths / 1000;
    }
}

static void take_key_name(struct cm_top_key *key, struct cm_slice spelled) {
    char decoded[CM_URI_CHARS(256)];
    const size_t bytes = spelled.len > sizeof decoded ? 0 : cm_uri_decode(spelled, decoded);
    cm_top_make_safe(&(struct cm_top_shown){key->label, sizeof key->label, 60},
                     cm_slice(decoded, bytes));
}

/* "RANK:WHAT VALUE", from rank 1 on. */
static void take_key(struct cm_top_reading *reading, struct cm_slice name, struct cm_slice value) {
    const char *colon = memchr(name.data, ':', name.len);
    uint32_t rank = 0;
    if (colon == NULL || !cm_num_u32(cm_slice(name.data, (size_t)(colon - name.data)), &rank) ||
        rank == 0 || rank > CM_TOP_HOT_KEYS)
        return;
    struct cm_top_key *key = &reading->keys[rank - 1];
    const struct cm_slice what = after(name, (size_t)(colon - name.data) + 1);
    if (cm_slice_equal(what, CM_SLICE("key")))
        take_key_name(key, value);
    else if (cm_slice_equal(what, CM_SLICE("requests")))
        key->requests = cm_num_told(value);
    else if (cm_slice_equal(what, CM_SLICE("writes")))
        key->writes = cm_num_told(value);
    else if (cm_slice_equal(what, CM_SLICE("misses")))
        key->misses = cm_num_told(value);
    else if (cm_slice_equal(what, CM_SLICE("share")))
        key->share = cm_num_told(value);
    else if (cm_slice_equal(what, CM_SLICE("requests_per_second")))
        key->per_s = cm_num_told(value);
}

void cm_top_reading_take(struct cm_top_reading *reading, struct cm_slice line) {
    if (!begins(line, "STAT "))
        return;
    line = after(line, 5);
    const char *space = memchr(line.data, ' ', line.len);
    if (space == NULL)
        return;
    const struct cm_slice name = cm_slice(line.data, (size_t)(space - line.data));
    const struct cm_slice value = after(line, name.len + 1);
    if (cm_slice_equal(name, CM_SLICE("version")))
        cm_top_make_safe(&(struct cm_top_shown){reading->version, sizeof reading->version,
                                                CM_TOP_TEXT_BYTES / 5},
                         value);
    else if (begins(name, "items:"))
        take_class(reading, name, value);
    else if (begins(name, "get:") || begins(name, "set:"))
        take_latency(reading, name, value);
    else if (name.len > 0 && name.data[0] >= '1' && name.data[0] <= '9')
        take_key(reading, name, value);
    else
        take_counter(reading, name, value);
}

bool cm_top_is_cachemand(const struct cm_top_reading *reading) {
    return strstr(reading->version, "cacheman") != NULL;
}

void cm_top_make_safe(const struct cm_top_shown *shown, struct cm_slice text) {
    char *safe = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&safe, &bytes);
    shown->to[0] = '\0';
    if (file == NULL)
        return;
    cm_safe_print(file, text, shown->columns);
    /* A character may have marks of no width behind it, as many as somebody likes. */
    if (fclose(file) == 0)
        snprintf(shown->to, shown->room, "%s", bytes < shown->room ? safe : "?");
    free(safe);
}

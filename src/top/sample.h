/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_SAMPLE_H
#define CM_TOP_SAMPLE_H

#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

/* What all servers have answered at one time, as they said it. */

enum cm_top_counter {
#define X(name, kind) CM_TOP_##name,
#include "top/counters.def"
#undef X
    CM_TOP_COUNTERS
};

const char *cm_top_counter_name(enum cm_top_counter counter);
/* Whether it only grows, so that two samples make a rate. */
bool cm_top_counter_grows(enum cm_top_counter counter);

/* How long requests have taken since the server started: half of them, 99 % of them, at most that. */
enum cm_top_latency {
    CM_TOP_GET_P50,
    CM_TOP_GET_P99,
    CM_TOP_SET_P50,
    CM_TOP_SET_P99,
    CM_TOP_LATENCIES
};

#define CM_TOP_NAME_BYTES  300
#define CM_TOP_LABEL_BYTES 256
#define CM_TOP_TEXT_BYTES  160

#define CM_TOP_HOT_KEYS 10 /* of one server */

/* One of the keys asked for most of late. */
struct cm_top_key {
    char label[CM_TOP_LABEL_BYTES];  /* harmless to terminals; "": none was told */
    double requests, writes, misses; /* aged */
    double share;                    /* of the server's requests, 0 to 1 */
    double per_s;
};

/* One server's answer. `label`, `version` and `reason` are harmless to terminals. */
struct cm_top_reading {
    char name[CM_TOP_NAME_BYTES]; /* as libcacheman has it, cut off if it is longer */
    char label[CM_TOP_LABEL_BYTES];
    char version[CM_TOP_TEXT_BYTES];
    char reason[CM_TOP_TEXT_BYTES]; /* of one that is down */
    uint32_t weight;
    bool up;
    uint64_t at_ns;   /* monotonic, when its statistics came */
    uint64_t ping_ns; /* a `version` and its answer; 0: not measured */
    uint64_t known;   /* a bit a counter */
    uint64_t counter[CM_TOP_COUNTERS];
    uint64_t evicted_age_s; /* how long what was evicted last had not been used, the shortest */
    bool evicted_age_known;
    uint64_t latency_ns[CM_TOP_LATENCIES]; /* 0: not told */
    bool keys_asked;
    struct cm_top_key keys[CM_TOP_HOT_KEYS]; /* the hottest first */
};

static inline bool cm_top_knows(const struct cm_top_reading *reading, enum cm_top_counter counter) {
    return (reading->known >> counter & 1) != 0;
}

struct cm_top_sample {
    struct cm_top_reading *readings; /* one for each server of the cluster */
    size_t count;
    int64_t wall_s; /* Unix time */
    uint64_t at_ns; /* monotonic, when it began */
    /* Of the cluster file or of etcd, harmless to terminals; "": none. */
    char problem[2 * CM_TOP_TEXT_BYTES];
};

void cm_top_sample_destroy(struct cm_top_sample *sample); /* NULL is allowed */

/* Takes over a line of `stats`, `stats items`, `stats latency` or `stats hotkeys`; what is no number is
 * not known. */
void cm_top_reading_take(struct cm_top_reading *reading, struct cm_slice line);

/* Whether the server is cachemand, whose index is within its memory limit. */
bool cm_top_is_cachemand(const struct cm_top_reading *reading);

/* `text` as it may be shown, in at most `columns` columns, "..." behind what is cut off; `to` has
 * `room` bytes, enough for four a column. */
struct cm_top_shown {
    char *to;
    size_t room, columns;
};
void cm_top_make_safe(const struct cm_top_shown *shown, struct cm_slice text);

#endif

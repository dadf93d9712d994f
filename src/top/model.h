/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_MODEL_H
#define CM_TOP_MODEL_H

#include "top/history.h"
#include "top/sample.h"
#include <cacheman/status.h>
#include <stddef.h>

/* What becomes of samples: rates, shares and their history, a server's and all servers'. What is
 * not known is NaN: in the first sample, after a restart, while a server is down, and where it does
 * not tell. */

enum cm_top_series {
    CM_TOP_OPS, /* requests a second, but for those of CAS and META, which are among the others */
    CM_TOP_GET,
    CM_TOP_SET,
    CM_TOP_CAS, /* of SET */
    CM_TOP_TOUCH,
    CM_TOP_DELETE,
    CM_TOP_INCR,
    CM_TOP_DECR,
    CM_TOP_META, /* of all of them, those in the meta protocol */
    CM_TOP_KINDS,
    CM_TOP_HIT = CM_TOP_KINDS, /* percent of keys asked for that were found */
    CM_TOP_EVICTED,            /* a second, as the next three */
    CM_TOP_EXPIRED,
    CM_TOP_IN, /* bytes */
    CM_TOP_OUT,
    CM_TOP_CPU, /* percent of one processor */
    CM_TOP_CONNS,
    CM_TOP_PING, /* nanoseconds; of all servers the slowest one's */
    CM_TOP_SERIES
};

const char *cm_top_series_name(enum cm_top_series series);

struct cm_top_host {
    unsigned id;                /* from 1, in the order in which servers were first seen */
    struct cm_top_reading last; /* of all servers: counters summed */
    int64_t down_since_s;       /* Unix time; while it is not up */
    double rate[CM_TOP_COUNTERS];
    double interval_s; /* that its rates are of, between its last two answers; NaN with them */
    double now[CM_TOP_SERIES];
    double found[CM_TOP_KINDS]; /* percent of a kind's requests that found their item */
    struct cm_history history[CM_TOP_SERIES];
    double items_bytes, index_bytes, limit_bytes; /* NaN: not told */
    double share;                                 /* of all requests, 0 to 1 */
    bool is_hot; /* its share is more than CM_TOP_HOT times what its weight makes fair */
};

#define CM_TOP_HOT       1.5
#define CM_TOP_HOT_OPS_S 10 /* below, shares are chance */

struct cm_top_model {
    struct cm_top_host **hosts; /* those of the last sample, in its order */
    size_t count, up;
    struct cm_top_host total;
    unsigned ids;
    int64_t wall_s;
    double interval_s; /* between the last two samples, NaN at first */
    uint64_t at_ns;    /* of the last sample */
    char problem[2 * CM_TOP_TEXT_BYTES];
};

/* A model starts as all zero. NO_MEMORY: it is as before. */
CM_MUST_CHECK enum cm_status cm_top_model_take(struct cm_top_model *model,
                                               const struct cm_top_sample *sample);
void cm_top_model_deinit(struct cm_top_model *model);

/* By its id; NULL if it is not, or no longer, there. */
const struct cm_top_host *cm_top_model_host(const struct cm_top_model *model, unsigned id);

/* In nanoseconds. */
double cm_top_latency(const struct cm_top_host *host, enum cm_top_latency which);

/* Its requests that found what they were for, in percent, since the server started. */
double cm_top_hit_since_start(const struct cm_top_host *host);

/* What the servers can be ordered by. */
enum cm_top_order {
    CM_TOP_BY_NAME,
    CM_TOP_BY_OPS,
    CM_TOP_BY_HIT, /* the worst first */
    CM_TOP_BY_MEMORY,
    CM_TOP_BY_EVICTED,
    CM_TOP_BY_CONNS,
    CM_TOP_BY_CPU,
    CM_TOP_BY_PING,
    CM_TOP_BY_GET, /* what 99 % of them take, as the next */
    CM_TOP_BY_SET,
    CM_TOP_ORDERS
};

/* Puts pointers to all servers into `sorted`, which has room for `count` of them; those that are
 * down come first, then the largest. */
void cm_top_model_sort(const struct cm_top_model *model, enum cm_top_order order,
                       const struct cm_top_host **sorted);

#endif

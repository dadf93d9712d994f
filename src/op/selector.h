/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_OP_SELECTOR_H
#define CM_OP_SELECTOR_H

/* The variants of ops: what stands in struct cm_op's `mode`, `selector` or, as a set, `number`. */

enum cm_store_mode { CM_MODE_SET, CM_MODE_ADD, CM_MODE_REPLACE, CM_MODE_APPEND, CM_MODE_PREPEND };

enum cm_reply_kind {
    CM_REPLY_PLAIN, /* no request by itself, or one that looks at nothing */
    CM_REPLY_ERROR, /* a request that cannot be done */
};

enum cm_arith {
    CM_ARITH_UNSIGNED, /* memcached's: wraps at 2^64, stops at 0 */
    CM_ARITH_SIGNED,   /* delta and initial are int64_t; what does not fit is refused */
};

enum cm_stats_group {
    CM_STATS_GENERAL,
    CM_STATS_SETTINGS,
    CM_STATS_ITEMS,
    CM_STATS_SLABS,
    CM_STATS_SIZES,
    CM_STATS_SIZES_ON, /* counting by size is allowed, or not, from now on */
    CM_STATS_SIZES_OFF,
    CM_STATS_CONNS,
    CM_STATS_DETAIL,
    CM_STATS_LATENCY,
    CM_STATS_HOT_KEYS, /* at most `number` */
    CM_STATS_CLUSTER,  /* the servers of the cluster, for clients that discover them */
    CM_STATS_WHY,      /* whether and how `key` is there, or why not */
};

/* How many hot keys are shown: unless a number is given, and at most. */
#define CM_HOT_KEYS_SHOWN     10u
#define CM_HOT_KEYS_SHOWN_MAX 1000u

enum cm_dump {
    CM_DUMP_META,  /* every item's metadata */
    CM_DUMP_KEYS,  /* every item's key, as requests */
    CM_DUMP_CACHE, /* keys, sizes and expiries of size class `number`, at most `initial` (0: all) */
};

enum cm_sasl { CM_SASL_LIST, CM_SASL_START, CM_SASL_STEP };

enum cm_watch_stream {
    CM_WATCH_FETCHERS = 1 << 0,
    CM_WATCH_MUTATIONS = 1 << 1,
    CM_WATCH_EVICTIONS = 1 << 2,
    CM_WATCH_CONNEVENTS = 1 << 3,
    CM_WATCH_DELETIONS = 1 << 4,
    CM_WATCH_SYSEVENTS = 1 << 5,
};

enum cm_crawler { CM_CRAWLER_ENABLE, CM_CRAWLER_DISABLE, CM_CRAWLER_RUN };

enum cm_time { CM_TIME_PAUSE, CM_TIME_RESUME, CM_TIME_MOVE /* by `number`, signed */ };

#endif

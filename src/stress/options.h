/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_OPTIONS_H
#define CM_STRESS_OPTIONS_H

#include "cli/where.h"

/* What the generator may be told. */

#define CM_STRESS_KEY_BYTES_MAX   250
#define CM_STRESS_VALUE_BYTES_MAX (1 << 30)
/* A log-normal size is cut here: with its key it still fits an item of 1 MiB. */
#define CM_STRESS_LOG_NORMAL_MAX (1000 << 10)

enum cm_stress_kind {
    CM_STRESS_GET,
    CM_STRESS_SET,
    CM_STRESS_ADD,
    CM_STRESS_DELETE,
    CM_STRESS_TOUCH,
    CM_STRESS_INCR,
    CM_STRESS_KINDS,                     /* what may be asked for ends here */
    CM_STRESS_COUNTER = CM_STRESS_KINDS, /* an add of a counter that an incr has missed */
    CM_STRESS_LOGIN,
};
const char *cm_stress_kind_name(enum cm_stress_kind kind);

enum cm_stress_protocol { CM_STRESS_TEXT, CM_STRESS_META, CM_STRESS_BINARY, CM_STRESS_RESP };
#define CM_STRESS_PROTOCOLS "text meta binary resp"

enum cm_stress_distribution {
    CM_STRESS_UNIFORM,
    CM_STRESS_ZIPF,
    CM_STRESS_SEQUENTIAL,
    CM_STRESS_HOT,
};
#define CM_STRESS_DISTRIBUTIONS "uniform zipf sequential hot"

/* "get=10,set=1": weights by kind. */
struct cm_stress_ratio {
    uint32_t weights[CM_STRESS_KINDS];
    uint32_t total; /* > 0 */
};
bool cm_stress_ratio_read(const char *text, struct cm_stress_ratio *out);

/* "100", "1k-10k" (each size as likely), "lognormal:MEDIAN:SIGMA" (of the sizes' logarithm). */
struct cm_stress_sizes {
    uint32_t min, max; /* equal: one size */
    double median;     /* > 0: log-normal */
    double sigma;
};
bool cm_stress_sizes_read(const char *text, struct cm_stress_sizes *out);

enum cm_stress_on_error { CM_STRESS_CONTINUE, CM_STRESS_STOP };

struct cm_stress_options {
    struct cm_cli_where where;
    const char *scenario; /* NULL: none */
    int64_t protocol, threads, connections, depth;
    int64_t keys, key_bytes;
    int64_t distribution, hot_keys;
    double zipf, hot_share; /* the exponent; of requests, in percent */
    const char *value_bytes, *ratio;
    int64_t multiget, ttl_us;
    bool load, fill, verify;
    int64_t rate; /* 0: as fast as answers come */
    int64_t duration_us, warmup_us, requests, seed;
    int64_t reconnect, read_pause_us, on_error;
    bool json, progress, quiet;
    int64_t pid;
    /* What follows from the texts among them. */
    struct cm_stress_sizes sizes;
    struct cm_stress_ratio ratios;
};

/* Reads the command line; false: there is nothing to do but to exit with *status. */
bool cm_stress_options_read(char **argv, struct cm_stress_options *out, int *status);

/* A preset of options, which explicit ones override; by number from 0, NULL past the last. */
struct cm_stress_scenario {
    const char *name, *text;
    const char *const *words; /* options, ended by NULL */
};
const struct cm_stress_scenario *cm_stress_scenario(size_t number);

#endif

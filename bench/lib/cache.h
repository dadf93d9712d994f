/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_CACHE_H
#define CM_BENCH_CACHE_H

#include "lib/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* What a trace is replayed against: the engine in this process, or an item-level reference. A cache dies with a message when it cannot go on. */
struct cm_bench_cache {
    void *state;
    /* True: the key is there, and the cache has taken note. */
    bool (*get)(struct cm_bench_cache *cache, uint32_t key);
    /* False: refused. */
    bool (*set)(struct cm_bench_cache *cache, uint32_t key, uint32_t value_bytes);
    void (*report)(struct cm_bench_cache *cache); /* prints name=value lines; may be NULL */
    void (*close)(struct cm_bench_cache *cache);
};

struct cm_bench_cache_options {
    const struct cm_bench_trace *trace;
    uint32_t value_bytes_max;
    const char *policy;    /* the engine's */
    const char *reference; /* the reference's */
    uint64_t memory;       /* bytes, of the engine and of the reference */
    double typical_bytes;  /* of an item, key included; for the reference */
};

void cm_bench_cache_open_store(struct cm_bench_cache *cache,
                               const struct cm_bench_cache_options *options);
void cm_bench_cache_open_reference(struct cm_bench_cache *cache,
                                   const struct cm_bench_cache_options *options);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/cache.h"
#include "lib/machine.h"
#include "reference/reference.h"

#include <stdlib.h>

/* A reference gets and sets in one request: a get that misses waits for its set. */
struct referee {
    struct cm_reference *reference;
    const struct cm_bench_trace *trace;
};

static uint32_t key_bytes(const struct referee *referee, uint32_t key) {
    size_t bytes;
    cm_bench_trace_name(referee->trace, key, &bytes);
    return (uint32_t)bytes;
}

static bool get(struct cm_bench_cache *cache, uint32_t key) {
    struct referee *referee = cache->state;
    return cm_reference_holds(referee->reference, key) &&
           cm_reference_request(referee->reference, key, 1);
}

static bool set(struct cm_bench_cache *cache, uint32_t key, uint32_t value_bytes) {
    struct referee *referee = cache->state;
    cm_reference_request(referee->reference, key, value_bytes + key_bytes(referee, key));
    return cm_reference_holds(referee->reference, key);
}

static void close_reference(struct cm_bench_cache *cache) {
    struct referee *referee = cache->state;
    cm_reference_destroy(referee->reference);
    free(referee);
}

void cm_bench_cache_open_reference(struct cm_bench_cache *cache,
                                   const struct cm_bench_cache_options *options) {
    struct referee *referee = cm_bench_alloc_zeroed(1, sizeof *referee);
    referee->trace = options->trace;
    referee->reference = cm_reference_create(&(struct cm_reference_options){
        .policy = options->reference,
        .capacity = options->memory,
        .keys = options->trace->keys,
        .typical_bytes = options->typical_bytes,
    });
    if (!referee->reference)
        cm_bench_die("--reference: there is no policy \"%s\"", options->reference);
    *cache =
        (struct cm_bench_cache){.state = referee, .get = get, .set = set, .close = close_reference};
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/cache.h"
#include "lib/machine.h"

#include <cacheman/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_OVERHEAD_BYTES 1024 /* more than key and header */

/* The engine in this process, without its maintenance thread: every replay goes the same way. */
struct engine {
    cmstore *store;
    cmstore_thread *thread;
    const struct cm_bench_trace *trace;
    char *value;
};

static struct cmstore_key key_of(const struct engine *engine, uint32_t key) {
    size_t bytes;
    const char *name = cm_bench_trace_name(engine->trace, key, &bytes);
    return cmstore_key(engine->store, name, bytes);
}

static bool get(struct cm_bench_cache *cache, uint32_t key) {
    struct engine *engine = cache->state;
    struct cmstore_key name = key_of(engine, key);
    struct cmstore_pin pin;
    enum cm_status status = cmstore_pin(engine->thread, &name, NULL, &pin);
    if (status != CM_OK)
        cm_bench_die("get: %s", cm_status_text(status));
    bool hit = pin.item.outcome == CMSTORE_HIT;
    cmstore_unpin(&pin);
    return hit;
}

static bool set(struct cm_bench_cache *cache, uint32_t key, uint32_t value_bytes) {
    struct engine *engine = cache->state;
    struct cmstore_key name = key_of(engine, key);
    struct cmstore_value value = {.data = engine->value, .bytes = value_bytes};
    return cmstore_store(engine->thread, &name, value, NULL, NULL) == CM_OK;
}

static void report(struct cm_bench_cache *cache) {
    const struct engine *engine = cache->state;
    struct cmstore_counters counters;
    cmstore_read_counters(engine->store, &counters);
#define PRINT(name, text) printf("store_" #name "=%llu\n", (unsigned long long)counters.name);
    CMSTORE_COUNTER_TABLE(PRINT)
#undef PRINT
}

static void close_store(struct cm_bench_cache *cache) {
    struct engine *engine = cache->state;
    cmstore_detach(engine->thread);
    cmstore_destroy(engine->store);
    free(engine->value);
    free(engine);
}

void cm_bench_cache_open_store(struct cm_bench_cache *cache,
                               const struct cm_bench_cache_options *options) {
    struct engine *engine = cm_bench_alloc_zeroed(1, sizeof *engine);
    uint64_t item_bytes = options->value_bytes_max + ITEM_OVERHEAD_BYTES;
    struct cmstore_options store_options = {
        .memory_bytes = options->memory,
        .item_bytes_max = item_bytes < CMSTORE_ITEM_DEFAULT ? 0 : item_bytes,
        .policy = options->policy,
        .no_background = true,
        .hash_seed = 1,
    };
    engine->trace = options->trace;
    engine->value = cm_bench_alloc(options->value_bytes_max, 1);
    memset(engine->value, 'x', options->value_bytes_max);
    enum cm_status status = cmstore_create(&store_options, &engine->store);
    if (status == CM_OK)
        status = cmstore_attach(engine->store, &engine->thread);
    if (status != CM_OK)
        cm_bench_die("cannot create the store: %s", cm_status_text(status));
    *cache = (struct cm_bench_cache){
        .state = engine, .get = get, .set = set, .report = report, .close = close_store};
}

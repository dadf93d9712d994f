/* SPDX-License-Identifier: BSD-3-Clause */

/* cm_replay: replays a trace cache-aside (get, and on a miss set) against the engine in this process
 * or an item-level reference, and counts the misses. Prints name=value lines. What replays against
 * servers is `cacheman replay`. */

#include "base/random.h"
#include "lib/cache.h"
#include "lib/machine.h"
#include "reference/reference.h"

#include <cacheman/store.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay_options {
    const char *path;
    const char *policy;
    const char *reference;
    uint64_t memory;
    double hold;          /* share of the data, in place of `memory` */
    uint32_t value_bytes; /* 0: the trace's own */
    double overwrite_share;
    double overwrite_resize; /* sizes vary by so much up and down */
    bool overwrite_skip;
    uint64_t seed;
    size_t limit;
};

struct replay {
    struct replay_options options;
    struct cm_bench_trace trace;
    struct cm_bench_cache cache;
    struct cm_random random;
    uint32_t *sizes; /* by key: value bytes of its first request */
    uint64_t data_bytes;
    uint64_t gets, misses, overwrites, refused;
};

/* ---- the trace ----------------------------------------------------------------------------- */

static void read_trace(struct replay *replay) {
    struct cm_bench_trace *trace = &replay->trace;
    uint32_t fixed = replay->options.value_bytes;
    cm_bench_trace_read(trace, replay->options.path);
    if (!fixed && !trace->bytes)
        cm_bench_die("%s tells no sizes: --value-bytes is needed", replay->options.path);
    if (replay->options.limit && replay->options.limit < trace->count)
        trace->count = replay->options.limit;
    replay->sizes = cm_bench_alloc_zeroed(trace->keys, sizeof *replay->sizes);
    for (size_t i = trace->count; i-- > 0;)
        replay->sizes[trace->requests[i]] = fixed ? fixed : trace->bytes[i];
    for (uint32_t key = 0; key < trace->keys; key++)
        replay->data_bytes += replay->sizes[key];
    replay->data_bytes += trace->name_at[trace->keys];
}

static uint32_t largest(const struct replay *replay) {
    uint32_t max = 1;
    for (uint32_t key = 0; key < replay->trace.keys; key++)
        if (replay->sizes[key] > max)
            max = replay->sizes[key];
    return (uint32_t)(max * (1 + replay->options.overwrite_resize)) + 1;
}

static void open_cache(struct replay *replay) {
    struct replay_options *options = &replay->options;
    if (options->hold > 0)
        options->memory = (uint64_t)(options->hold * (double)replay->data_bytes);
    struct cm_bench_cache_options cache_options = {
        .trace = &replay->trace,
        .value_bytes_max = largest(replay),
        .policy = options->policy,
        .reference = options->reference,
        .memory = options->memory,
        .typical_bytes = (double)replay->data_bytes / replay->trace.keys,
    };
    if (options->reference)
        cm_bench_cache_open_reference(&replay->cache, &cache_options);
    else
        cm_bench_cache_open_store(&replay->cache, &cache_options);
}

/* ---- replaying ----------------------------------------------------------------------------- */

static uint32_t size_of(struct replay *replay, uint32_t key) {
    double resize = replay->options.overwrite_resize;
    if (resize == 0)
        return replay->sizes[key];
    double factor = 1 + resize * (2 * cm_random_unit(&replay->random) - 1);
    return (uint32_t)(replay->sizes[key] * factor);
}

static void set(struct replay *replay, uint32_t key) {
    if (!replay->cache.set(&replay->cache, key, size_of(replay, key)))
        replay->refused++;
}

static void request(struct replay *replay, uint32_t key) {
    replay->gets++;
    if (replay->cache.get(&replay->cache, key))
        return;
    replay->misses++;
    set(replay, key);
}

/* Skipped, an overwrite of what is there is a get: a cache could do no better in place. */
static void overwrite(struct replay *replay, uint32_t key) {
    replay->overwrites++;
    if (!replay->options.overwrite_skip || !replay->cache.get(&replay->cache, key))
        set(replay, key);
}

static void run(struct replay *replay) {
    double share = replay->options.overwrite_share;
    struct cm_random choices;
    cm_random_init(&choices, replay->options.seed);
    cm_random_init(&replay->random, replay->options.seed + 1);
    for (size_t i = 0; i < replay->trace.count; i++) {
        uint32_t key = replay->trace.requests[i];
        if (share > 0 && cm_random_unit(&choices) < share)
            overwrite(replay, key);
        else
            request(replay, key);
    }
}

static void replay_optimum(struct replay *replay) {
    double item_bytes = (double)replay->data_bytes / replay->trace.keys;
    uint64_t objects = (uint64_t)((double)replay->options.memory / item_bytes);
    replay->gets = replay->trace.count;
    replay->misses = cm_reference_belady(replay->trace.requests, replay->trace.count,
                                         replay->trace.keys, objects);
}

static void print_result(const struct replay *replay, uint64_t ns) {
    printf("requests=%zu\nkeys=%u\ndata_bytes=%llu\nmemory=%llu\n", replay->trace.count,
           replay->trace.keys, (unsigned long long)replay->data_bytes,
           (unsigned long long)replay->options.memory);
    printf("gets=%llu\nmisses=%llu\nmiss_ratio=%.6f\n", (unsigned long long)replay->gets,
           (unsigned long long)replay->misses, (double)replay->misses / (double)replay->gets);
    printf("overwrites=%llu\nrefused=%llu\nseconds=%.2f\n", (unsigned long long)replay->overwrites,
           (unsigned long long)replay->refused, (double)ns / 1e9);
}

static void replay_trace(struct replay *replay) {
    read_trace(replay);
    uint64_t start_ns = cm_bench_now_ns();
    if (replay->options.reference && !strcmp(replay->options.reference, "belady")) {
        if (replay->options.hold > 0)
            replay->options.memory = (uint64_t)(replay->options.hold * (double)replay->data_bytes);
        replay_optimum(replay);
        print_result(replay, cm_bench_now_ns() - start_ns);
    } else {
        open_cache(replay);
        run(replay);
        print_result(replay, cm_bench_now_ns() - start_ns);
        if (replay->cache.report)
            replay->cache.report(&replay->cache);
        replay->cache.close(&replay->cache);
    }
    free(replay->sizes);
    cm_bench_trace_free(&replay->trace);
}

/* ---- options ------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: replay [options] TRACE\n"
    "against\n"
    "      --reference NAME           an item-level policy, or \"belady\", or\n"
    "      --policy NAME              the engine in this process (also without any of these)\n"
    "with\n"
    "  -m, --memory BYTES             of the engine or the reference\n"
    "      --hold SHARE               as much memory as this share of keys and values\n"
    "  -v, --value-bytes N            of every value; else the trace's own sizes\n"
    "      --overwrite-share SHARE    turns so many requests into sets of their key\n"
    "      --overwrite-resize SHARE   sizes vary by so much up and down\n"
    "      --overwrite-skip           an overwrite of a stored key is a get: the ideal\n"
    "      --seed N                   of what is overwritten, 1\n"
    "  -n, --limit N                  only the first N requests\n"
    "      --list-policies            names the engine's\n";

static void die_of_usage(int option) {
    fputs(usage, option == 'h' ? stdout : stderr);
    exit(option == 'h' ? 0 : 64);
}

static void list_policies(void) {
    const char *name;
    for (size_t i = 0; (name = cmstore_policy_name(i, NULL)); i++)
        puts(name);
}

static void set_option(struct replay_options *options, int option) {
    switch (option) {
    case 'r':
        options->reference = optarg;
        break;
    case 'p':
        options->policy = optarg;
        break;
    case 'm':
        options->memory = (uint64_t)cm_bench_number("--memory", optarg, 1, 1e15);
        break;
    case 'H':
        options->hold = cm_bench_number("--hold", optarg, 0, 1000);
        break;
    case 'v':
        options->value_bytes = (uint32_t)cm_bench_number("--value-bytes", optarg, 1, 1 << 30);
        break;
    case 'o':
        options->overwrite_share = cm_bench_number("--overwrite-share", optarg, 0, 1);
        break;
    case 'z':
        options->overwrite_resize = cm_bench_number("--overwrite-resize", optarg, 0, 0.99);
        break;
    case 'k':
        options->overwrite_skip = true;
        break;
    case 'S':
        options->seed = (uint64_t)cm_bench_number("--seed", optarg, 0, 1e15);
        break;
    case 'n':
        options->limit = (size_t)cm_bench_number("--limit", optarg, 1, 1e15);
        break;
    case 'l':
        list_policies();
        exit(0);
    default:
        die_of_usage(option);
    }
}

static struct replay_options read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"reference", 1, NULL, 'r'},
        {"policy", 1, NULL, 'p'},
        {"memory", 1, NULL, 'm'},
        {"hold", 1, NULL, 'H'},
        {"value-bytes", 1, NULL, 'v'},
        {"overwrite-share", 1, NULL, 'o'},
        {"overwrite-resize", 1, NULL, 'z'},
        {"overwrite-skip", 0, NULL, 'k'},
        {"seed", 1, NULL, 'S'},
        {"limit", 1, NULL, 'n'},
        {"list-policies", 0, NULL, 'l'},
        {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct replay_options options = {.seed = 1};
    int option;
    while ((option = getopt_long(argc, argv, "m:v:n:h", names, NULL)) != -1)
        set_option(&options, option);
    if (optind != argc - 1)
        die_of_usage('?');
    options.path = argv[optind];
    if (!options.memory && options.hold == 0)
        cm_bench_die("--memory or --hold is needed");
    return options;
}

int main(int argc, char **argv) {
    struct replay replay = {.options = read_options(argc, argv)};
    replay_trace(&replay);
    return 0;
}

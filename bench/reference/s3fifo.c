/* SPDX-License-Identifier: BSD-3-Clause */

/* S3-FIFO (Yang et al., SOSP 2023) in four forms:
 *
 *   s3fifo-fixed  as published: a tenth for the small queue, two hits to enter main
 *   s3fifo        the share adapts: the ghost that finds more misses says which queue is too short;
 *                 one hit enters main; main adopts what the small queue has too much
 *   s3fifo-size   the same, and an item pays rent by its size
 *
 * Adoption: while the cache fills, and when the share has shrunk, the oldest of the small queue
 * become main's newest without having earned it. Without, main is empty at first, and on a loop
 * longer than the cache it stays so. */

#include "reference/s3fifo.h"

#include <stdlib.h>

#define HIT           16 /* a hit, in the units of a counter */
#define HITS_MAX      3
#define HITS_MAX_SIZE 7
#define SHARE_MIN     0.01
#define SHARE_MAX     0.9
#define STEP_SHARE    128 /* an adjustment moves 1/128 of the capacity, */
#define STEP_FOUND    64  /* after as many misses found as 1/64 of the objects */
#define ADOPT_SLACK   1.02

static const struct cm_reference_tuning tuning_fixed = {.share = 0.1, .threshold = 2, .ghost = 0.9};
static const struct cm_reference_tuning tuning_adaptive = {
    .share = 0.1, .threshold = 1, .ghost = 0.9, .ghost_main = 1, .adapts = true};

bool cm_reference_s3fifo_init(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    cm_reference_list_init(&s3->small);
    cm_reference_list_init(&s3->main);
    s3->dropped_small_at = calloc(cache->options.keys + 1u, sizeof *s3->dropped_small_at);
    s3->dropped_main_at = calloc(cache->options.keys + 1u, sizeof *s3->dropped_main_at);
    cm_reference_s3fifo_tune(cache, &tuning_fixed);
    return s3->dropped_small_at && s3->dropped_main_at;
}

void cm_reference_s3fifo_deinit(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    free(s3->dropped_small_at);
    free(s3->dropped_main_at);
}

static void set_target(struct cm_reference *cache, double target) {
    struct cm_reference_s3fifo *s3 = cache->state;
    s3->target = target < cache->options.typical_bytes ? cache->options.typical_bytes : target;
}

void cm_reference_s3fifo_tune(struct cm_reference *cache,
                              const struct cm_reference_tuning *tuning) {
    struct cm_reference_s3fifo *s3 = cache->state;
    s3->tuning = *tuning;
    set_target(cache, tuning->share * (double)cache->options.capacity);
}

/* ---- requests ------------------------------------------------------------------------------ */

void cm_reference_s3fifo_hit(struct cm_reference *cache, uint32_t key) {
    const struct cm_reference_s3fifo *s3 = cache->state;
    unsigned usual = s3->pays_by_size ? HITS_MAX_SIZE : HITS_MAX;
    unsigned limit = HIT * (s3->tuning.hits_max ? s3->tuning.hits_max : usual);
    unsigned counter = cache->counter[key] + HIT;
    cache->counter[key] = (uint8_t)(counter < limit ? counter : limit);
}

static bool remembered(const struct cm_reference *cache, uint64_t dropped, uint64_t at,
                       double capacities) {
    return at && (double)(dropped - at) < capacities * (double)cache->options.capacity;
}

/* Twice the finds on one side move the border towards it. */
static void adapt(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    double capacity = (double)cache->options.capacity;
    if ((double)(s3->found_small + s3->found_main) < cm_reference_objects(cache) / STEP_FOUND + 4)
        return;
    double step = capacity / STEP_SHARE;
    if (step < cache->options.typical_bytes)
        step = cache->options.typical_bytes;
    double target = s3->target;
    if (s3->found_small > 2 * s3->found_main)
        target += step;
    else if (s3->found_main > 2 * s3->found_small)
        target -= step;
    if (target > SHARE_MAX * capacity)
        target = SHARE_MAX * capacity;
    set_target(cache, target < SHARE_MIN * capacity ? SHARE_MIN * capacity : target);
    s3->found_small = s3->found_main = 0;
}

static void adopt(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    double one = cache->options.typical_bytes;
    while ((double)s3->small.bytes >= s3->target + one &&
           ((double)cache->used + one <= (double)cache->options.capacity ||
            (double)s3->small.bytes > s3->target * ADOPT_SLACK + 2 * one))
        cm_reference_push(cache, &s3->main, cm_reference_pop(cache, &s3->small));
}

void cm_reference_s3fifo_miss(struct cm_reference *cache, uint32_t key) {
    struct cm_reference_s3fifo *s3 = cache->state;
    bool in_small =
        remembered(cache, s3->dropped_small, s3->dropped_small_at[key], s3->tuning.ghost);
    bool in_main =
        remembered(cache, s3->dropped_main, s3->dropped_main_at[key], s3->tuning.ghost_main);
    s3->to_main = in_small || in_main || s3->tuning.direct;
    s3->found_small += in_small;
    s3->found_main += in_main;
    if (s3->tuning.adapts)
        adapt(cache);
    if (s3->adopts)
        adopt(cache);
}

void cm_reference_s3fifo_insert(struct cm_reference *cache, uint32_t key) {
    struct cm_reference_s3fifo *s3 = cache->state;
    cache->counter[key] = 0;
    s3->dropped_small_at[key] = s3->dropped_main_at[key] = 0;
    cm_reference_push(cache, s3->to_main ? &s3->main : &s3->small, key);
}

/* ---- room ---------------------------------------------------------------------------------- */

/* Of a stay, in the units of a counter. */
static unsigned rent(const struct cm_reference *cache, uint32_t key) {
    const struct cm_reference_s3fifo *s3 = cache->state;
    if (!s3->pays_by_size)
        return HIT;
    double price = HIT * (double)cache->bytes[key] * cache->items / (double)cache->used;
    return price < 1 ? 1 : price > 255 ? 255 : (unsigned)price;
}

/* Drops the oldest of the small queue, or moves it up and answers false. */
static bool drop_small(struct cm_reference *cache, uint32_t *key) {
    struct cm_reference_s3fifo *s3 = cache->state;
    *key = cm_reference_pop(cache, &s3->small);
    if (cache->counter[*key] >= s3->tuning.threshold * rent(cache, *key)) {
        cache->counter[*key] = 0;
        cm_reference_push(cache, &s3->main, *key);
        return false;
    }
    s3->dropped_small += cache->bytes[*key];
    s3->dropped_small_at[*key] = s3->dropped_small;
    return true;
}

static bool drop_main(struct cm_reference *cache, uint32_t *key) {
    struct cm_reference_s3fifo *s3 = cache->state;
    *key = cm_reference_pop(cache, &s3->main);
    unsigned price = rent(cache, *key);
    if (cache->counter[*key] >= price) {
        cache->counter[*key] = (uint8_t)(cache->counter[*key] - price);
        cm_reference_push(cache, &s3->main, *key);
        return false;
    }
    s3->dropped_main += cache->bytes[*key];
    s3->dropped_main_at[*key] = s3->dropped_main;
    return true;
}

uint32_t cm_reference_s3fifo_evict(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    for (;;) {
        uint32_t key;
        bool small = s3->small.count && ((double)s3->small.bytes >= s3->target || !s3->main.count);
        if (small ? drop_small(cache, &key) : drop_main(cache, &key))
            return key;
    }
}

/* ---- the policies -------------------------------------------------------------------------- */

static bool init_adaptive(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    bool done = cm_reference_s3fifo_init(cache);
    s3->adopts = true;
    cm_reference_s3fifo_tune(cache, &tuning_adaptive);
    return done;
}

static bool init_size(struct cm_reference *cache) {
    struct cm_reference_s3fifo *s3 = cache->state;
    s3->pays_by_size = true;
    return init_adaptive(cache);
}

#define S3FIFO(text, init_form)                                                                    \
    {                                                                                              \
        .name = (text), .state_bytes = sizeof(struct cm_reference_s3fifo), .init = (init_form),    \
        .deinit = cm_reference_s3fifo_deinit, .hit = cm_reference_s3fifo_hit,                      \
        .miss = cm_reference_s3fifo_miss, .evict = cm_reference_s3fifo_evict,                      \
        .insert = cm_reference_s3fifo_insert,                                                      \
    }

const struct cm_reference_policy cm_reference_s3fifo_fixed =
    S3FIFO("s3fifo-fixed", cm_reference_s3fifo_init);
const struct cm_reference_policy cm_reference_s3fifo = S3FIFO("s3fifo", init_adaptive);
const struct cm_reference_policy cm_reference_s3fifo_size = S3FIFO("s3fifo-size", init_size);

/* SPDX-License-Identifier: BSD-3-Clause */

/* duel: s3fifo whose tuning is chosen by miniature simulation (Waldspurger et al., ATC 2017). A
 * sample of the keys is also requested from shadow caches, one per candidate, as much smaller as
 * the sample is; the tuning of the shadow that misses least lately is the cache's. */

#include "reference/s3fifo.h"

#define SHADOW_OBJECTS 512 /* the most a shadow holds */
#define SAMPLE_MAX     0.5
#define WINDOW         8     /* sampled requests per object of a shadow between choices */
#define DECAY          0.8   /* of the misses counted, per window */
#define BETTER         0.997 /* of the present choice's misses, to be chosen instead */

/* The first is s3fifo as it adapts by itself; the one without a small queue is a clock. */
static const struct cm_reference_tuning candidates[] = {
    {.share = 0.1, .threshold = 1, .ghost = 0.9, .ghost_main = 1, .adapts = true},
    {.share = 0, .threshold = 1, .hits_max = 2, .direct = true},
    {.share = 0.01, .threshold = 2, .ghost = 0.9},
    {.share = 0.01, .threshold = 2, .ghost = 0.3},
    {.share = 0.1, .threshold = 2, .ghost = 0.9},
    {.share = 0.3, .threshold = 1, .ghost = 0.3},
};

#define CANDIDATES (sizeof candidates / sizeof *candidates)

struct duel {
    struct cm_reference_s3fifo s3; /* first: cm_reference_s3fifo_* take it for their state */
    struct cm_reference *shadows[CANDIDATES];
    uint64_t misses[CANDIDATES]; /* of the window */
    double score[CANDIDATES];
    size_t chosen;
    uint64_t window; /* sampled requests */
    uint64_t seen;
    uint64_t sample; /* hashes below are sampled, of 2^32 */
};

static bool init_shadow(struct cm_reference *cache, size_t i, uint64_t objects) {
    struct duel *duel = cache->state;
    duel->shadows[i] = cm_reference_create(&(struct cm_reference_options){
        .policy = "s3fifo-fixed", .capacity = objects, .keys = cache->options.keys});
    if (!duel->shadows[i])
        return false;
    struct cm_reference_s3fifo *s3 = duel->shadows[i]->state;
    s3->adopts = true;
    cm_reference_s3fifo_tune(duel->shadows[i], &candidates[i]);
    return true;
}

static bool init(struct cm_reference *cache) {
    struct duel *duel = cache->state;
    double objects = cm_reference_objects(cache);
    double sample = SHADOW_OBJECTS / objects;
    sample = sample > SAMPLE_MAX ? SAMPLE_MAX : sample;
    uint64_t shadow_objects = (uint64_t)(objects * sample + 0.5);
    shadow_objects = shadow_objects < 2 ? 2 : shadow_objects;
    duel->sample = (uint64_t)(sample * 0x1p32);
    duel->window = WINDOW * shadow_objects;
    if (duel->window < 50)
        duel->window = 50;
    bool done = cm_reference_s3fifo_init(cache);
    duel->s3.adopts = true;
    cm_reference_s3fifo_tune(cache, &candidates[0]);
    for (size_t i = 0; i < CANDIDATES; i++)
        done = done && init_shadow(cache, i, shadow_objects);
    return done;
}

static void deinit(struct cm_reference *cache) {
    struct duel *duel = cache->state;
    for (size_t i = 0; i < CANDIDATES; i++)
        cm_reference_destroy(duel->shadows[i]);
    cm_reference_s3fifo_deinit(cache);
}

static void choose(struct cm_reference *cache) {
    struct duel *duel = cache->state;
    size_t best = duel->chosen;
    for (size_t i = 0; i < CANDIDATES; i++) {
        duel->score[i] = duel->score[i] * DECAY + (double)duel->misses[i];
        duel->misses[i] = 0;
    }
    for (size_t i = 0; i < CANDIDATES; i++)
        if (duel->score[i] < duel->score[best])
            best = i;
    if (duel->score[best] >= duel->score[duel->chosen] * BETTER)
        return;
    duel->chosen = best;
    cm_reference_s3fifo_tune(cache, &candidates[best]);
}

static void observe(struct cm_reference *cache, uint32_t key) {
    struct duel *duel = cache->state;
    uint64_t hash = ((key + 1u) * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    if (hash >= duel->sample)
        return;
    for (size_t i = 0; i < CANDIDATES; i++)
        duel->misses[i] += !cm_reference_request(duel->shadows[i], key, 1);
    if (++duel->seen < duel->window)
        return;
    duel->seen = 0;
    choose(cache);
}

static void hit(struct cm_reference *cache, uint32_t key) {
    cm_reference_s3fifo_hit(cache, key);
    observe(cache, key);
}

static void miss(struct cm_reference *cache, uint32_t key) {
    observe(cache, key);
    cm_reference_s3fifo_miss(cache, key);
}

const struct cm_reference_policy cm_reference_duel = {
    .name = "duel",
    .state_bytes = sizeof(struct duel),
    .init = init,
    .deinit = deinit,
    .hit = hit,
    .miss = miss,
    .evict = cm_reference_s3fifo_evict,
    .insert = cm_reference_s3fifo_insert,
};

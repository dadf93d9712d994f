/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/s3fifo.h"

#include <stdlib.h>

/* S3-FIFO on two logs, as in s3fifo.c and with rent by size, but with a tuning that is chosen by
 * trying them all: a sample of the keys is also requested from shadow caches, one a tuning, as much
 * smaller than the cache as the sample is. The tuning of the shadow that misses least lately is the
 * cache's. No single one is best: a loop wants a small log that is tiny, a database one that is
 * long, and where nearly everything is read again a clock keeps best.
 *
 * The sample is by hash: a request of a sampled key is put in a queue by whoever makes it, and the
 * shadows hear of it when a segment is to be emptied. What finds the queue full is forgotten.
 *
 * The shadows take up to one part in MEMORY_SHARE of the memory; they begin with the first eviction,
 * and are made anew when the cache holds so many or so few items that they should have another
 * size. */

#define SAMPLE_MAX   2u /* one key in so many at most */
#define MEMORY_SHARE 100u
#define WINDOW       8u /* sampled requests between choices, times the objects of a shadow */
#define WINDOW_MIN   50u
#define DECAY        5u    /* of the misses counted: one in so many a window */
#define BETTER       997u  /* thousandths of the present choice's misses, to be chosen instead */
#define QUEUE        4096u /* a power of two */
#define MISS         256u  /* in a score, so that decay rounds little */

/* The first, s3fifo-size itself, until the shadows know better. The one without a small log is a
 * clock. */
static const struct cm_tuning *const tunings[] = {
    &cm_s3fifo_adaptive,
    &(const struct cm_tuning){
        .small_percent = 0, .small_hits = 1, .main_hits = 2, .ghost_percent = 0},
    &(const struct cm_tuning){
        .small_percent = 1, .small_hits = 2, .main_hits = 3, .ghost_percent = 90},
    &(const struct cm_tuning){
        .small_percent = 1, .small_hits = 2, .main_hits = 3, .ghost_percent = 30},
    &(const struct cm_tuning){
        .small_percent = 10, .small_hits = 2, .main_hits = 3, .ghost_percent = 90},
    &(const struct cm_tuning){
        .small_percent = 30, .small_hits = 1, .main_hits = 3, .ghost_percent = 30},
};

#define TUNINGS (sizeof tunings / sizeof *tunings)

struct duel {
    struct cm_s3fifo s3fifo; /* first */
    _Atomic uint32_t sample; /* keys with a number below are sampled */
    uint32_t chosen;
    bool evicting;
    struct cm_shadow *shadows[TUNINGS]; /* all or none */
    uint32_t objects;                   /* of a shadow */
    uint64_t items;                     /* of the cache, when the sample was chosen */
    uint64_t score[TUNINGS];            /* misses, decaying */
    uint32_t seen;                      /* requests in the window */
    _Atomic uint32_t tail;              /* of the queue, where it is read */
    _Atomic uint32_t queue[QUEUE];      /* 0: not written yet */
    _Atomic uint32_t head;
};

static enum cm_status start(struct cm_policy *policy, uint64_t items_max) {
    return cm_s3fifo_start(policy, items_max, true);
}

static void end_shadows(struct duel *duel) {
    for (size_t i = 0; i < TUNINGS; i++) {
        cm_shadow_destroy(duel->shadows[i]);
        duel->shadows[i] = NULL;
    }
    duel->objects = 0;
}

static void stop(struct cm_policy *policy) {
    struct duel *duel = policy->state;
    end_shadows(duel);
    cm_s3fifo_stop(policy);
}

/* ---- the sample ---- */

/* A key's number in the sample; the tag first, so that whoever has only the tag can tell that a key is
 * not sampled. */
static uint32_t number_of(uint64_t hash) {
    return (uint32_t)(hash >> 48 << 16 | (hash >> 16 & UINT16_MAX));
}

static void observe(struct cm_policy *policy, uint64_t hash) {
    struct duel *duel = policy->state;
    if (number_of(hash) >= atomic_load_explicit(&duel->sample, memory_order_relaxed))
        return;
    uint32_t head = atomic_load_explicit(&duel->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&duel->tail, memory_order_relaxed) >= QUEUE)
        return;
    head = atomic_fetch_add_explicit(&duel->head, 1, memory_order_relaxed);
    uint32_t key = (uint32_t)hash | 1u;
    atomic_store_explicit(&duel->queue[head % QUEUE], key, memory_order_relaxed);
}

static void choose(struct duel *duel) {
    uint32_t best = duel->chosen;
    for (uint32_t i = 0; i < TUNINGS; i++) {
        if (duel->score[i] < duel->score[best])
            best = i;
    }
    if (duel->score[best] * 1000 < duel->score[duel->chosen] * BETTER) {
        duel->chosen = best;
        atomic_store_explicit(&duel->s3fifo.tuning, tunings[best], memory_order_relaxed);
    }
    for (uint32_t i = 0; i < TUNINGS; i++)
        duel->score[i] -= duel->score[i] / DECAY;
}

static void request_all(struct duel *duel, uint32_t key) {
    for (size_t i = 0; i < TUNINGS; i++) {
        if (!cm_shadow_request(duel->shadows[i], key))
            duel->score[i] += MISS;
    }
    uint32_t window = WINDOW * duel->objects;
    if (++duel->seen < (window > WINDOW_MIN ? window : WINDOW_MIN))
        return;
    duel->seen = 0;
    choose(duel);
}

static void drain(struct duel *duel) {
    uint32_t head = atomic_load_explicit(&duel->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&duel->tail, memory_order_relaxed);
    for (; tail != head; tail++) {
        uint32_t key =
            atomic_exchange_explicit(&duel->queue[tail % QUEUE], 0, memory_order_relaxed);
        if (key && duel->objects)
            request_all(duel, key);
    }
    atomic_store_explicit(&duel->tail, tail, memory_order_relaxed);
}

static bool create_shadows(struct duel *duel, uint32_t objects) {
    for (size_t i = 0; i < TUNINGS; i++) {
        duel->shadows[i] = cm_shadow_create(tunings[i], objects);
        duel->score[i] = 0;
        if (!duel->shadows[i]) {
            end_shadows(duel);
            return false;
        }
    }
    duel->objects = objects;
    duel->seen = 0;
    return true;
}

static uint32_t objects_wanted(const struct duel *duel, uint64_t items) {
    uint64_t share = items * duel->s3fifo.item_bytes / MEMORY_SHARE / TUNINGS;
    uint64_t objects = items / SAMPLE_MAX;
    if (objects > CM_SHADOW_OBJECTS_MAX)
        objects = CM_SHADOW_OBJECTS_MAX;
    while (objects > 0 && cm_shadow_bytes((uint32_t)objects) > share)
        objects /= 2;
    return objects < CM_SHADOW_OBJECTS_MIN ? 0 : (uint32_t)objects;
}

/* Follows the number of items once it is off by a quarter. */
static void follow(struct cm_policy *policy, uint64_t items) {
    struct duel *duel = policy->state;
    if (items >= duel->items / 4 * 3 && items <= duel->items / 4 * 5)
        return;
    uint32_t objects = objects_wanted(duel, items);
    if (objects != duel->objects) {
        end_shadows(duel);
        if (objects && !create_shadows(duel, objects))
            objects = 0;
    }
    uint64_t sample = objects ? ((uint64_t)objects << 32) / items : 0;
    duel->items = items;
    atomic_store_explicit(&duel->sample, (uint32_t)sample, memory_order_relaxed);
    atomic_store_explicit(&policy->sampled_tags, objects ? (uint32_t)(sample >> 16) + 1 : 0,
                          memory_order_relaxed);
}

/* ---- the policy ---- */

static uint8_t admit(struct cm_policy *policy, uint64_t hash) {
    if (cm_policy_samples(policy, hash))
        observe(policy, hash);
    return cm_s3fifo_admit(policy, hash);
}

static struct cm_verdict judge(struct cm_policy *policy, const struct cm_candidate *c) {
    struct duel *duel = policy->state;
    duel->evicting = true;
    return cm_s3fifo_judge(policy, c);
}

static uint64_t adjust(struct cm_policy *policy, const struct cm_log_view *view, uint64_t items) {
    struct duel *duel = policy->state;
    drain(duel);
    uint64_t bytes = cm_s3fifo_adjust(policy, view, items);
    if (duel->evicting)
        follow(policy, items);
    return bytes + (duel->objects ? TUNINGS * cm_shadow_bytes(duel->objects) : 0);
}

const struct cm_policy_kind cm_policy_duel = {
    .name = "duel",
    .text = "s3fifo-size, or what of its kind does better on a sample of the keys",
    .state_bytes = sizeof(struct duel),
    .start = start,
    .stop = stop,
    .admit = admit,
    .observe = observe,
    .victim_log = cm_s3fifo_victim_log,
    .judge = judge,
    .adopts = cm_s3fifo_adopts,
    .remembers = cm_s3fifo_remembers,
    .prefetch = cm_s3fifo_prefetch,
    .adjust = adjust,
};

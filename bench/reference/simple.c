/* SPDX-License-Identifier: BSD-3-Clause */

/* fifo, lru, clock: one list. */

#include "reference/internal.h"

#define CLOCK_COUNTER_MAX 3

static bool init(struct cm_reference *cache) {
    cm_reference_list_init(cache->state);
    return true;
}

static void insert(struct cm_reference *cache, uint32_t key) {
    cache->counter[key] = 0;
    cm_reference_push(cache, cache->state, key);
}

static uint32_t evict_oldest(struct cm_reference *cache) {
    return cm_reference_pop(cache, cache->state);
}

static void hit_nothing(struct cm_reference *cache, uint32_t key) {
    (void)cache;
    (void)key;
}

static void hit_to_newest(struct cm_reference *cache, uint32_t key) {
    cm_reference_remove(cache, cache->state, key);
    cm_reference_push(cache, cache->state, key);
}

static void hit_count(struct cm_reference *cache, uint32_t key) {
    if (cache->counter[key] < CLOCK_COUNTER_MAX)
        cache->counter[key]++;
}

static uint32_t evict_clock(struct cm_reference *cache) {
    for (;;) {
        uint32_t key = cm_reference_pop(cache, cache->state);
        if (!cache->counter[key])
            return key;
        cache->counter[key]--;
        cm_reference_push(cache, cache->state, key);
    }
}

const struct cm_reference_policy cm_reference_fifo = {
    .name = "fifo",
    .state_bytes = sizeof(struct cm_reference_list),
    .init = init,
    .hit = hit_nothing,
    .evict = evict_oldest,
    .insert = insert,
};

const struct cm_reference_policy cm_reference_lru = {
    .name = "lru",
    .state_bytes = sizeof(struct cm_reference_list),
    .init = init,
    .hit = hit_to_newest,
    .evict = evict_oldest,
    .insert = insert,
};

/* Second chance with two bits (Corbato 1969, generalised). */
const struct cm_reference_policy cm_reference_clock = {
    .name = "clock",
    .state_bytes = sizeof(struct cm_reference_list),
    .init = init,
    .hit = hit_count,
    .evict = evict_clock,
    .insert = insert,
};

/* SPDX-License-Identifier: BSD-3-Clause */

/* lfu with ageing: the least counted goes, of equals the one that reached its count first. Every
 * AGE_PER_OBJECT requests per object of capacity all counts are halved, or else what was popular
 * once would never leave. */

#include "reference/internal.h"

#define COUNT_MAX      15
#define AGE_PER_OBJECT 2

struct lfu {
    struct cm_reference_list lists[COUNT_MAX + 1]; /* by count */
    uint64_t requests;
};

static bool init(struct cm_reference *cache) {
    struct lfu *lfu = cache->state;
    for (unsigned i = 0; i <= COUNT_MAX; i++)
        cm_reference_list_init(&lfu->lists[i]);
    return true;
}

static void halve_list(struct cm_reference *cache, unsigned count) {
    struct lfu *lfu = cache->state;
    for (uint32_t left = lfu->lists[count].count; left; left--) {
        uint32_t key = cm_reference_pop(cache, &lfu->lists[count]);
        cache->counter[key] = (uint8_t)(count / 2);
        cm_reference_push(cache, &lfu->lists[count / 2], key);
    }
}

static void age(struct cm_reference *cache) {
    struct lfu *lfu = cache->state;
    if ((double)++lfu->requests < AGE_PER_OBJECT * cm_reference_objects(cache))
        return;
    lfu->requests = 0;
    for (unsigned i = 1; i <= COUNT_MAX; i++)
        halve_list(cache, i);
}

static void hit(struct cm_reference *cache, uint32_t key) {
    struct lfu *lfu = cache->state;
    cm_reference_remove(cache, &lfu->lists[cache->counter[key]], key);
    if (cache->counter[key] < COUNT_MAX)
        cache->counter[key]++;
    cm_reference_push(cache, &lfu->lists[cache->counter[key]], key);
    age(cache);
}

static uint32_t evict(struct cm_reference *cache) {
    struct lfu *lfu = cache->state;
    unsigned count = 0;
    while (!lfu->lists[count].count)
        count++;
    return cm_reference_pop(cache, &lfu->lists[count]);
}

static void insert(struct cm_reference *cache, uint32_t key) {
    struct lfu *lfu = cache->state;
    cache->counter[key] = 1;
    cm_reference_push(cache, &lfu->lists[1], key);
    age(cache);
}

const struct cm_reference_policy cm_reference_lfu = {
    .name = "lfu",
    .state_bytes = sizeof(struct lfu),
    .init = init,
    .hit = hit,
    .evict = evict,
    .insert = insert,
};

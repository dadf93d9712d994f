/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct cm_reference_policy *const policies[] = {
    &cm_reference_fifo,         &cm_reference_lru,    &cm_reference_clock,       &cm_reference_lfu,
    &cm_reference_s3fifo_fixed, &cm_reference_s3fifo, &cm_reference_s3fifo_size, &cm_reference_duel,
};

#define POLICIES (sizeof policies / sizeof *policies)

/* ---- lists --------------------------------------------------------------------------------- */

void cm_reference_list_init(struct cm_reference_list *list) {
    *list = (struct cm_reference_list){.newest = CM_REFERENCE_NONE, .oldest = CM_REFERENCE_NONE};
}

void cm_reference_push(struct cm_reference *cache, struct cm_reference_list *list, uint32_t key) {
    cache->older[key] = list->newest;
    cache->newer[key] = CM_REFERENCE_NONE;
    if (list->newest == CM_REFERENCE_NONE)
        list->oldest = key;
    else
        cache->newer[list->newest] = key;
    list->newest = key;
    list->bytes += cache->bytes[key];
    list->count++;
}

void cm_reference_remove(struct cm_reference *cache, struct cm_reference_list *list, uint32_t key) {
    uint32_t newer = cache->newer[key], older = cache->older[key];
    if (newer == CM_REFERENCE_NONE)
        list->newest = older;
    else
        cache->older[newer] = older;
    if (older == CM_REFERENCE_NONE)
        list->oldest = newer;
    else
        cache->newer[older] = newer;
    list->bytes -= cache->bytes[key];
    list->count--;
}

uint32_t cm_reference_pop(struct cm_reference *cache, struct cm_reference_list *list) {
    uint32_t key = list->oldest;
    cm_reference_remove(cache, list, key);
    return key;
}

double cm_reference_objects(const struct cm_reference *cache) {
    double objects = (double)cache->options.capacity / cache->options.typical_bytes;
    return objects < 1 ? 1 : objects;
}

/* ---- a cache ------------------------------------------------------------------------------- */

const char *cm_reference_name(size_t number) {
    return number < POLICIES ? policies[number]->name : NULL;
}

static const struct cm_reference_policy *find_policy(const char *name) {
    for (size_t i = 0; i < POLICIES; i++)
        if (!strcmp(policies[i]->name, name))
            return policies[i];
    return NULL;
}

static bool allocate(struct cm_reference *cache) {
    size_t keys = cache->options.keys ? cache->options.keys : 1;
    cache->newer = malloc(keys * sizeof *cache->newer);
    cache->older = malloc(keys * sizeof *cache->older);
    cache->bytes = calloc(keys, sizeof *cache->bytes);
    cache->counter = calloc(keys, sizeof *cache->counter);
    cache->state = calloc(1, cache->policy->state_bytes);
    return cache->newer && cache->older && cache->bytes && cache->counter && cache->state &&
           (!cache->policy->init || cache->policy->init(cache));
}

struct cm_reference *cm_reference_create(const struct cm_reference_options *options) {
    const struct cm_reference_policy *policy = find_policy(options->policy);
    struct cm_reference *cache = policy ? calloc(1, sizeof *cache) : NULL;
    if (!cache)
        return NULL;
    cache->policy = policy;
    cache->options = *options;
    if (cache->options.typical_bytes == 0)
        cache->options.typical_bytes = 1;
    if (!allocate(cache)) {
        cm_reference_destroy(cache);
        return NULL;
    }
    return cache;
}

void cm_reference_destroy(struct cm_reference *cache) {
    if (!cache)
        return;
    if (cache->state && cache->policy->deinit)
        cache->policy->deinit(cache);
    free(cache->state);
    free(cache->newer);
    free(cache->older);
    free(cache->bytes);
    free(cache->counter);
    free(cache);
}

static void evict_one(struct cm_reference *cache) {
    uint32_t victim = cache->policy->evict(cache);
    cache->used -= cache->bytes[victim];
    cache->bytes[victim] = 0;
    cache->items--;
}

bool cm_reference_request(struct cm_reference *cache, uint32_t key, uint32_t bytes) {
    const struct cm_reference_policy *policy = cache->policy;
    if (cache->bytes[key]) {
        policy->hit(cache, key);
        return true;
    }
    if (policy->miss)
        policy->miss(cache, key);
    if (bytes > cache->options.capacity || !bytes)
        return false;
    while (cache->used + bytes > cache->options.capacity)
        evict_one(cache);
    cache->bytes[key] = bytes;
    cache->used += bytes;
    cache->items++;
    policy->insert(cache, key);
    return false;
}

bool cm_reference_holds(const struct cm_reference *cache, uint32_t key) {
    return cache->bytes[key] != 0;
}

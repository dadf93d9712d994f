/* SPDX-License-Identifier: BSD-3-Clause */

/* Belady's optimum (1966): a heap of the resident keys, that of the latest next request on top. */

#include "reference/reference.h"

#include <stdlib.h>

#define NEVER UINT32_MAX

struct optimum {
    uint32_t *heap;     /* keys, heap_count of them */
    uint32_t *place;    /* by key: its index in the heap, NEVER: not resident */
    uint32_t *next_use; /* by key: index of its next request, NEVER: none */
    uint32_t heap_count;
};

static void put(struct optimum *optimum, uint32_t at, uint32_t key) {
    optimum->heap[at] = key;
    optimum->place[key] = at;
}

static void sift_up(struct optimum *optimum, uint32_t at) {
    uint32_t key = optimum->heap[at];
    while (at) {
        uint32_t parent = optimum->heap[(at - 1) / 2];
        if (optimum->next_use[parent] >= optimum->next_use[key])
            break;
        put(optimum, at, parent);
        at = (at - 1) / 2;
    }
    put(optimum, at, key);
}

static void sift_down(struct optimum *optimum, uint32_t at) {
    const uint32_t *next_use = optimum->next_use;
    uint32_t key = optimum->heap[at];
    for (uint32_t child; (child = 2 * at + 1) < optimum->heap_count; at = child) {
        if (child + 1 < optimum->heap_count &&
            next_use[optimum->heap[child + 1]] > next_use[optimum->heap[child]])
            child++;
        if (next_use[optimum->heap[child]] <= next_use[key])
            break;
        put(optimum, at, optimum->heap[child]);
    }
    put(optimum, at, key);
}

static void request(struct optimum *optimum, uint32_t key, uint64_t capacity, uint64_t *misses) {
    if (optimum->place[key] != NEVER) {
        sift_up(optimum, optimum->place[key]);
        return;
    }
    ++*misses;
    if (optimum->heap_count < capacity) {
        put(optimum, optimum->heap_count++, key);
        sift_up(optimum, optimum->heap_count - 1);
    } else if (capacity && optimum->next_use[optimum->heap[0]] > optimum->next_use[key]) {
        optimum->place[optimum->heap[0]] = NEVER;
        put(optimum, 0, key);
        sift_down(optimum, 0);
    }
}

/* Each request's successor: the index of the key's next request. */
static void find_next_uses(const uint32_t *requests, size_t count, uint32_t *latest,
                           uint32_t *next) {
    for (size_t i = count; i-- > 0;) {
        next[i] = latest[requests[i]];
        latest[requests[i]] = (uint32_t)i;
    }
}

uint64_t cm_reference_belady(const uint32_t *requests, size_t count, uint32_t keys,
                             uint64_t capacity_objects) {
    struct optimum optimum = {
        .heap = malloc(((size_t)keys + 1) * sizeof(uint32_t)),
        .place = malloc(((size_t)keys + 1) * sizeof(uint32_t)),
        .next_use = malloc(((size_t)keys + 1) * sizeof(uint32_t)),
    };
    uint32_t *next = malloc((count + 1) * sizeof(uint32_t));
    uint64_t misses = 0;
    if (!optimum.heap || !optimum.place || !optimum.next_use || !next)
        abort(); /* a bench or a test, nothing to save */
    for (uint32_t key = 0; key < keys; key++)
        optimum.place[key] = optimum.next_use[key] = NEVER;
    find_next_uses(requests, count, optimum.next_use, next);
    for (size_t i = 0; i < count; i++) {
        optimum.next_use[requests[i]] = next[i];
        request(&optimum, requests[i], capacity_objects, &misses);
    }
    free(optimum.heap);
    free(optimum.place);
    free(optimum.next_use);
    free(next);
    return misses;
}

/* SPDX-License-Identifier: BSD-3-Clause */

/* 32-bit FNV-1a of the key, modulo the number of servers; one with a weight of w counts w times.
 * With equal weights that is libmemcached's FNV1A_32 with its modula distribution, for keys of
 * ASCII. */

#include "ring/internal.h"

#include <stdlib.h>

#define FNV_OFFSET 2166136261u
#define FNV_PRIME  16777619u

static uint32_t fnv1a(struct cm_slice key) {
    uint32_t hash = FNV_OFFSET;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (uint8_t)key.data[i]) * FNV_PRIME;
    return hash;
}

static enum cm_status init(struct cm_ring *ring, const struct cm_ring_member *members) {
    uint32_t *ends = malloc(ring->count * sizeof *ends);
    if (ends == NULL)
        return CM_NO_MEMORY;
    uint32_t sum = 0;
    for (size_t i = 0; i < ring->count; i++)
        ends[i] = sum += ring->even ? 1 : members[i].weight;
    ring->modulo.ends = ring->memory = ends;
    return CM_OK;
}

/* The member whose share `slot` lies in. */
static uint32_t find(const struct cm_ring *ring, uint32_t slot) {
    size_t low = 0, high = ring->count - 1;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (slot < ring->modulo.ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint32_t)low;
}

static uint32_t pick(const struct cm_ring *ring, struct cm_slice key) {
    const uint32_t slot = fnv1a(key) % ring->modulo.ends[ring->count - 1];
    return ring->even ? slot : find(ring, slot);
}

static size_t order(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room) {
    const uint32_t first = pick(ring, key);
    for (size_t i = 0; i < room; i++)
        out[i] = (uint32_t)((first + i) % ring->count);
    return room;
}

const struct cm_ring_kind cm_ring_modulo = {init, pick, order};

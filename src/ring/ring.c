/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "ring/internal.h"

#include <stdlib.h>

static const struct {
    const char *name;
    const char *text;
    const struct cm_ring_kind *kind;
} distributions[] = {
    [CM_RENDEZVOUS] = {"rendezvous",
                       "highest of one hash a server: even, and only moves what must move",
                       &cm_ring_rendezvous},
    [CM_KETAMA] = {"ketama", "where libmemcached's weighted ketama places keys, with MD5",
                   &cm_ring_ketama},
    [CM_KETAMA_JENKINS] = {"ketama-jenkins",
                           "where libmemcached places them if given ketama but no hash",
                           &cm_ring_ketama},
    [CM_MODULO_FNV1A] = {"modulo-fnv1a",
                         "FNV-1a modulo the number of servers: a change of it moves nearly all",
                         &cm_ring_modulo},
};

#define DISTRIBUTION_COUNT (sizeof distributions / sizeof distributions[0])

const char *cm_distribution_name(size_t number, const char **text) {
    if (number >= DISTRIBUTION_COUNT)
        return NULL;
    if (text != NULL)
        *text = distributions[number].text;
    return distributions[number].name;
}

bool cm_distribution_by_name(struct cm_slice name, enum cm_distribution *out) {
    for (size_t i = 0; i < DISTRIBUTION_COUNT; i++) {
        const char *candidate = distributions[i].name;
        if (cm_slice_equal(name, cm_slice(candidate, strlen(candidate)))) {
            *out = (enum cm_distribution)i;
            return true;
        }
    }
    return false;
}

static bool is_even(const struct cm_ring_member *members, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (members[i].weight != members[0].weight)
            return false;
    }
    return true;
}

/* libmemcached's plain ketama turns to the weighted one as soon as it is given a weight above 1. */
static bool is_heavy(const struct cm_ring_member *members, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (members[i].weight > 1)
            return true;
    }
    return false;
}

enum cm_status cm_ring_create(enum cm_distribution distribution,
                              const struct cm_ring_member *members, size_t count,
                              struct cm_ring **out) {
    CM_CHECK(count >= 1 && count <= CM_RING_MEMBERS_MAX);
    struct cm_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return CM_NO_MEMORY;
    ring->kind = distributions[distribution].kind;
    ring->count = count;
    ring->even = is_even(members, count);
    if (ring->kind == &cm_ring_ketama) {
        ring->ketama.jenkins = distribution == CM_KETAMA_JENKINS;
        ring->ketama.weighted = !ring->ketama.jenkins || is_heavy(members, count);
    }
    enum cm_status status = ring->kind->init(ring, members);
    if (status != CM_OK) {
        cm_ring_destroy(ring);
        return status;
    }
    *out = ring;
    return CM_OK;
}

void cm_ring_destroy(struct cm_ring *ring) {
    if (ring != NULL)
        free(ring->memory);
    free(ring);
}

uint32_t cm_ring_pick(const struct cm_ring *ring, struct cm_slice key) {
    return ring->count == 1 ? 0 : ring->kind->pick(ring, key);
}

size_t cm_ring_order(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room) {
    if (room == 0)
        return 0;
    if (room > ring->count)
        room = ring->count;
    if (room == 1) {
        out[0] = cm_ring_pick(ring, key);
        return 1;
    }
    return ring->kind->order(ring, key, out, room);
}

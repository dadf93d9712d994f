/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_RING_INTERNAL_H
#define CM_RING_INTERNAL_H

#include "ring/ring.h"

struct cm_ring_kind {
    enum cm_status (*init)(struct cm_ring *ring, const struct cm_ring_member *members);
    uint32_t (*pick)(const struct cm_ring *ring, struct cm_slice key);
    size_t (*order)(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room);
};

struct cm_ring_point {
    uint32_t value;
    uint32_t member;
};

struct cm_ring {
    const struct cm_ring_kind *kind;
    size_t count;
    bool even; /* all weights are the same */
    union {
        struct {
            struct cm_ring_point *points; /* sorted by value, then by member */
            size_t point_count;
            bool weighted;
            bool jenkins; /* hash the keys with it, and the points if not weighted */
        } ketama;
        struct {
            uint64_t *seeds;
            double *shares; /* 1 / weight */
        } rendezvous;
        struct {
            uint32_t *ends; /* sums of the weights up to and with each member */
        } modulo;
    };
    void *memory; /* behind the pointers above */
};

extern const struct cm_ring_kind cm_ring_rendezvous, cm_ring_ketama, cm_ring_modulo;

#endif

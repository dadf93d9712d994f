/* SPDX-License-Identifier: BSD-3-Clause */

/* Rendezvous hashing: every server draws a number for the key, the best wins (D. G. Thaler, C. V.
 * Ravishankar, "Using name-based mappings to increase hit rates", 1998). A server that comes takes
 * exactly what it wins, one that goes leaves exactly what it had won.
 *
 * With weights, a draw u of (0, 1) counts as -ln(u) / weight and the least wins, which gives every
 * server a share in proportion to its weight, and a change of one weight moves keys to or from that
 * server alone. With equal weights the order is that of u, and no logarithm is needed. */

#include "base/hash.h"
#include "ring/internal.h"

#include <math.h>
#include <stdlib.h>

static enum cm_status init(struct cm_ring *ring, const struct cm_ring_member *members) {
    uint64_t *seeds = malloc(ring->count * (sizeof *seeds + sizeof(double)));
    if (seeds == NULL)
        return CM_NO_MEMORY;
    double *shares = (double *)(seeds + ring->count);
    for (size_t i = 0; i < ring->count; i++) {
        seeds[i] = cm_hash(members[i].name, strlen(members[i].name), 0);
        shares[i] = 1.0 / members[i].weight;
    }
    ring->rendezvous.seeds = ring->memory = seeds;
    ring->rendezvous.shares = shares;
    return CM_OK;
}

/* The server's number for the key: the finalizer of MurmurHash3 (A. Appleby) over both hashes. */
static uint64_t draw(uint64_t key_hash, uint64_t seed) {
    uint64_t x = key_hash ^ seed;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

/* The draw of a server as a number of which the least wins. */
static double score(const struct cm_ring *ring, uint64_t key_hash, size_t member) {
    const uint64_t drawn = draw(key_hash, ring->rendezvous.seeds[member]);
    const double u = ((double)(drawn >> 11) + 0.5) * 0x1p-53;
    return -log(u) * ring->rendezvous.shares[member];
}

static uint32_t pick_even(const struct cm_ring *ring, uint64_t key_hash) {
    uint32_t best = 0;
    uint64_t best_drawn = draw(key_hash, ring->rendezvous.seeds[0]);
    for (uint32_t i = 1; i < ring->count; i++) {
        const uint64_t drawn = draw(key_hash, ring->rendezvous.seeds[i]);
        if (drawn > best_drawn) {
            best = i;
            best_drawn = drawn;
        }
    }
    return best;
}

static uint32_t pick(const struct cm_ring *ring, struct cm_slice key) {
    const uint64_t key_hash = cm_hash(key.data, key.len, 0);
    if (ring->even)
        return pick_even(ring, key_hash);
    uint32_t best = 0;
    double best_score = score(ring, key_hash, 0);
    for (uint32_t i = 1; i < ring->count; i++) {
        const double mine = score(ring, key_hash, i);
        if (mine < best_score) {
            best = i;
            best_score = mine;
        }
    }
    return best;
}

/* Does `a` come before `b`? */
static bool precedes(const struct cm_ring *ring, uint64_t key_hash, uint32_t a, uint32_t b) {
    if (ring->even) {
        const uint64_t drawn_a = draw(key_hash, ring->rendezvous.seeds[a]);
        const uint64_t drawn_b = draw(key_hash, ring->rendezvous.seeds[b]);
        return drawn_a > drawn_b || (drawn_a == drawn_b && a < b);
    }
    const double score_a = score(ring, key_hash, a);
    const double score_b = score(ring, key_hash, b);
    return score_a < score_b || (!(score_b < score_a) && a < b);
}

/* Insertion into the best `room` so far. */
static size_t order(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room) {
    const uint64_t key_hash = cm_hash(key.data, key.len, 0);
    size_t count = 0;
    for (uint32_t i = 0; i < ring->count; i++) {
        size_t at = count;
        while (at > 0 && precedes(ring, key_hash, i, out[at - 1]))
            at--;
        if (at == room)
            continue;
        if (count < room)
            count++;
        memmove(out + at + 1, out + at, (count - at - 1) * sizeof *out);
        out[at] = i;
    }
    return count;
}

const struct cm_ring_kind cm_ring_rendezvous = {init, pick, order};

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_POLICY_GHOST_H
#define CM_STORE_POLICY_GHOST_H

/* Remembers lately evicted keys in two bytes each (after the ghost queue of S3-FIFO, Yang et al.,
 * SOSP 2023).
 *
 *   entry | fingerprint 10, not 0 | origin 1 | stamp 5 |, 0: empty
 *
 * An entry is forgotten once as many have been put as the ghost has room for; stamps count in
 * sixteenths of that. Sets of 16 entries, the oldest of a set is overwritten: about 1.5 % of unknown
 * keys are taken for known.
 *
 * Entries are relaxed atomics: put by one thread at a time, taken by any. */

#include "store/region.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cm_ghost {
    struct cm_region region;
    _Atomic uint64_t sets;
    uint64_t room;          /* entries remembered at most */
    uint64_t held;          /* entries there were to be when the memory was last changed */
    uint64_t puts_in_stamp; /* since the stamp last moved */
    _Atomic uint32_t stamp;
    _Atomic bool used; /* something has been put */
};

enum cm_ghost_origin { CM_GHOST_UNKNOWN = -1, CM_GHOST_SMALL = 0, CM_GHOST_MAIN = 1 };

CM_MUST_CHECK enum cm_status cm_ghost_init(struct cm_ghost *ghost, uint64_t entries_max);
void cm_ghost_deinit(struct cm_ghost *ghost);

/* Follows `entries` once it is off by a quarter; a change forgets part of what was known. Keeps
 * what it has if there is no memory. Returns the bytes held. */
uint64_t cm_ghost_resize(struct cm_ghost *ghost, uint64_t entries);

void cm_ghost_put(struct cm_ghost *ghost, uint64_t hash, enum cm_ghost_origin origin);
/* Where the key was evicted from, if it is remembered; then it is no longer. */
enum cm_ghost_origin cm_ghost_take(struct cm_ghost *ghost, uint64_t hash);
/* Likewise, as if the ghost had room only for `stamps` / CM_GHOST_STAMPS of what it has. */
#define CM_GHOST_STAMPS 16u
enum cm_ghost_origin cm_ghost_take_within(struct cm_ghost *ghost, uint64_t hash, uint32_t stamps);
/* Whether the key is remembered; it still is then. */
bool cm_ghost_knows(const struct cm_ghost *ghost, uint64_t hash);
void cm_ghost_prefetch(const struct cm_ghost *ghost, uint64_t hash);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_RING_RING_H
#define CM_RING_RING_H

/* Which server a key belongs to. A ring is immutable once made and may be used by any number of
 * threads. The same members give the same places in every process and on every machine. */

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdint.h>

#define CM_RING_MEMBERS_MAX 1024
#define CM_RING_WEIGHT_MAX  1000

enum cm_distribution {
    CM_RENDEZVOUS,
    CM_KETAMA,
    CM_KETAMA_JENKINS,
    CM_MODULO_FNV1A,
};

/* By number from 0; NULL past the last. *text, if not NULL, gets a line about it. */
const char *cm_distribution_name(size_t number, const char **text);
bool cm_distribution_by_name(struct cm_slice name, enum cm_distribution *out);

struct cm_ring_member {
    const char *name; /* HOST:PORT or unix:PATH: what rendezvous places by */
    const char *host; /* or path: what ketama places by, with */
    uint16_t port;    /*   the port, 0 for a path */
    uint32_t weight;  /* 1 to CM_RING_WEIGHT_MAX */
};

struct cm_ring;

/* From 1 to CM_RING_MEMBERS_MAX members, which are borrowed for the call only. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_ring_create(enum cm_distribution distribution,
                                            const struct cm_ring_member *members, size_t count,
                                            struct cm_ring **out);
void cm_ring_destroy(struct cm_ring *ring); /* NULL is allowed */

/* The member that a key belongs to. */
uint32_t cm_ring_pick(const struct cm_ring *ring, struct cm_slice key);
/* The members in the order in which a key would belong to them if those before were not there (for
 * modulo: the neighbours), at most `room`; returns how many. The first is cm_ring_pick()'s. */
size_t cm_ring_order(const struct cm_ring *ring, struct cm_slice key, uint32_t *out, size_t room);

#endif

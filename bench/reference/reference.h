/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REFERENCE_H
#define CM_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exact, item-level forms of the eviction policies: what the engine's, which act on segments, are
 * held against. Nothing is shared with the engine.
 *
 * Keys are numbers from 0 to keys - 1; a cache holds no values, only what a policy knows. */

struct cm_reference_options {
    const char *policy; /* a name from cm_reference_name() */
    uint64_t capacity;  /* in the unit of `bytes` of a request; 1 each: objects */
    uint32_t keys;
    double typical_bytes; /* of a request, for what policies count in objects; 0: 1 */
};

struct cm_reference;

/* NULL: no such policy, or out of memory. */
struct cm_reference *cm_reference_create(const struct cm_reference_options *options);
void cm_reference_destroy(struct cm_reference *cache); /* NULL is allowed */

/* A cache-aside request: true is a hit; after a miss the key is stored, unless it is larger than
 * the capacity. The size of a stored key stays. */
bool cm_reference_request(struct cm_reference *cache, uint32_t key, uint32_t bytes);
/* True if the key is stored; the cache takes no note. */
bool cm_reference_holds(const struct cm_reference *cache, uint32_t key);

/* The policies by number from 0, NULL past the last. */
const char *cm_reference_name(size_t number);

/* Misses of Belady's optimum: the resident key that is requested last goes; a key requested later
 * than all of them is not stored. Exact for objects of equal size. `requests` are key numbers. */
uint64_t cm_reference_belady(const uint32_t *requests, size_t count, uint32_t keys,
                             uint64_t capacity_objects);

#endif

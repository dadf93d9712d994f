/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_POLICY_SHADOW_H
#define CM_STORE_POLICY_SHADOW_H

/* A miniature of the cache under one tuning: S3-FIFO over keys alone, fed a sample of the requests,
 * to learn how often it would miss (miniature simulation: Waldspurger et al., "Cache modeling and
 * optimization using miniature simulations", ATC 2017). Items count the same, whatever their size.
 *
 * Not locked; the owner is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be chosen about the two logs. */
struct cm_tuning {
    bool adapts;           /* the small log's share follows what comes back, from where it starts */
    uint8_t small_percent; /* of the cache; 0: all items enter main, which makes it a clock */
    uint8_t small_hits;    /* that earn a place in main */
    uint8_t main_hits;     /* that count in main at most */
    uint8_t ghost_percent; /* of the cache's items remembered when they leave the small log */
};

#define CM_SHADOW_OBJECTS_MIN 2u
#define CM_SHADOW_OBJECTS_MAX 512u

struct cm_shadow;

/* NULL if there is no memory. `tuning` is kept. */
struct cm_shadow *cm_shadow_create(const struct cm_tuning *tuning, uint32_t objects);
void cm_shadow_destroy(struct cm_shadow *shadow); /* NULL is allowed */
/* Bytes a shadow of so many objects takes, whatever its tuning. */
size_t cm_shadow_bytes(uint32_t objects);

/* True is a hit; what is missed is stored. */
bool cm_shadow_request(struct cm_shadow *shadow, uint32_t key);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_METRICS_HOT_H
#define CM_METRICS_HOT_H

/* The keys that are asked for most of late: a bounded list a thread, merged on reading.
 *
 * Filtered Space-Saving (Homem and Carvalho, "Finding top-k elements in data streams", 2010): the
 * list of Space-Saving (Metwally, Agrawal and El Abbadi 2005), whose last key makes room for one
 * that comes oftener, behind a filter: cells by hash that count what is not in the list, so that keys
 * asked for once pass by it. Counts halve every CM_HOT_HALF_LIFE_S: all in proportion, so that
 * what follows holds of aged counts as it does of the papers' (Cormode and others, "Forward
 * decay", 2009).
 *
 * T1. A thread's list is written by that thread alone, and read while it is: what is in it is
 *     atomic, stored in order, and an entry's version is odd while its key is being replaced.
 * T2. Of an entry's requests at most its error were other keys'. A key that is not in the list was
 *     asked for at most as often as its cell says. Both but for what sampling adds.
 * T3. A thread takes every request while they are few, and one in `gap` at random intervals once
 *     they are many: between half of CM_HOT_TAKEN_MAX and all of it a second, however many there are. */

#include "base/check.h"
#include "base/slice.h"
#include <cacheman/status.h>
#include <stdint.h>

#define CM_HOT_KEY_BYTES   250
#define CM_HOT_HALF_LIFE_S 30
#define CM_HOT_TAKEN_MAX   4096u

/* A list of one thread. */
struct cm_hot;
/* Those of all threads. */
struct cm_hot_group;

/* Each list has room for `keys`, up to 65535; 0: nothing is followed. NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_hot_group_create(unsigned keys, struct cm_hot_group **out);
/* NULL is allowed. */
void cm_hot_group_destroy(struct cm_hot_group *group);

/* ---- counting; the list's thread ---- */

/* What a thread keeps at hand. All zero: nothing is followed. */
struct cm_hot_turn {
    struct cm_hot *hot;
    uint32_t left;    /* requests until the next is taken, itself included */
    uint32_t clock_s; /* as of the last cm_hot_begin_second() */
};

struct cm_hot_request {
    struct cm_slice key;
    uint64_t hash; /* the key's: 64 bits, seeded, the same in all threads */
    uint64_t value_bytes;
    bool writes, misses;
};

/* A list more, the group's own. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_hot_join(struct cm_hot_group *group, uint32_t clock_s,
                                         struct cm_hot_turn *turn);
/* When turn->clock_s is not the time any more. Cold, as what follows: it is not to become part of what
 * every request goes through. */
__attribute__((cold)) void cm_hot_begin_second(struct cm_hot_turn *turn, uint32_t clock_s);
/* A request is under way. True: it is to be taken. */
static inline bool cm_hot_is_due(struct cm_hot_turn *turn) {
    return CM_UNLIKELY(--turn->left == 0);
}
/* NULL: it is not for a key. */
__attribute__((cold)) void cm_hot_take(struct cm_hot_turn *turn,
                                       const struct cm_hot_request *request);

/* ---- reading; any thread ---- */

/* Counts as they are now: what was half a life ago counts half. */
struct cm_hot_key {
    char key[CM_HOT_KEY_BYTES];
    uint8_t key_bytes;
    double requests;
    double error; /* the true number of requests is at most so far away */
    double writes, misses, value_bytes;
};

struct cm_hot_list {
    double requests; /* for any key */
    double seconds;  /* that all this happened in, aged as counts are: a rate is a count by it */
    unsigned count;
    struct cm_hot_key keys[]; /* the hottest first */
};

bool cm_hot_is_on(const struct cm_hot_group *group);
/* The `max` hottest keys. A key is hot that was certainly asked for more than once, in one of a
 * thousand requests or more, and whose requests are its own for the better part. `out` is to be
 * destroyed. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_hot_read(struct cm_hot_group *group, uint32_t clock_s, unsigned max,
                                         struct cm_hot_list **out);
/* NULL is allowed. */
void cm_hot_list_destroy(struct cm_hot_list *list);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_POLICY_POLICY_H
#define CM_STORE_POLICY_POLICY_H

/* What an eviction policy is to the engine: one file, one struct cm_policy_kind.
 *
 * A policy has eight bits an item, in its index slot, and one or two logs of segments, which are
 * emptied from their old end. It decides into which log a new item goes (admit), what a hit does to
 * the bits (a table, so that a hit costs one load), which log gives its oldest segment
 * (victim_log), and which of that segment's items are copied to the new end of which log (judge).
 *
 * Threads: admit is called by any thread at any time, all else with the keeper's mutex held. */

#include "store/arena.h"
#include "store/policy/ghost.h"

#include <stdatomic.h>
#include <stdint.h>

#define CM_LOG_ONLY  0u /* of policies with one log */
#define CM_LOG_SMALL 0u
#define CM_LOG_MAIN  1u

struct cm_policy;

struct cm_candidate {
    uint64_t hash;
    uint32_t bytes; /* the whole item */
    uint8_t bits;
    uint8_t log; /* where it lies */
};

struct cm_verdict {
    bool keep;
    uint8_t bits;
    uint8_t log; /* where it goes */
};

/* How full the logs are, in segments. */
struct cm_log_view {
    uint32_t small, main;
    uint32_t item_bytes; /* mean of the items in the table, at least 1 */
    uint32_t slack;      /* segments the reserve may have let the small log grow by */
    bool small_older;    /* the oldest segment of the small log is older than that of main */
};

struct cm_policy_kind {
    const char *name;
    const char *text;
    size_t state_bytes; /* zeroed memory for the policy's own use */
    enum cm_status (*start)(struct cm_policy *policy, uint64_t items_max);
    void (*stop)(struct cm_policy *policy);
    uint8_t (*admit)(struct cm_policy *policy, uint64_t hash);
    /* Told of a hit if cm_policy_samples() its key; by any thread. NULL: it samples none. */
    void (*observe)(struct cm_policy *policy, uint64_t hash);
    unsigned (*victim_log)(struct cm_policy *policy, const struct cm_log_view *view);
    struct cm_verdict (*judge)(struct cm_policy *policy, const struct cm_candidate *candidate);
    /* Whether the small log is so long that its oldest segment should become main's newest, as it
     * is. NULL: never. */
    bool (*adopts)(struct cm_policy *policy, const struct cm_log_view *view);
    /* Whether it has dropped the key lately, as far as it knows; by any thread. NULL: it remembers
     * none. */
    bool (*remembers)(const struct cm_policy *policy, uint64_t hash);
    /* Has the processor fetch what that looks at. NULL: nothing. */
    void (*prefetch)(const struct cm_policy *policy, uint64_t hash);
    /* The policy's chance to follow the table's size; called before a segment is emptied. Returns
     * how many bytes its bookkeeping holds now. */
    uint64_t (*adjust)(struct cm_policy *policy, const struct cm_log_view *view, uint64_t items);
};

struct cm_policy {
    const struct cm_policy_kind *kind;
    void *state;
    _Atomic uint32_t sampled_tags; /* hits of keys with a tag below are observed */
    _Atomic uint8_t first_bits;    /* of a new item */
    _Atomic uint8_t on_hit[256];   /* bits before -> bits after */
    _Atomic uint64_t ghost_hits;   /* admissions of keys the policy remembered */
};

/* Of a hash, or of an index slot, which begins with the same tag. */
static inline bool cm_policy_samples(const struct cm_policy *policy, uint64_t tagged) {
    return tagged >> 48 < atomic_load_explicit(&policy->sampled_tags, memory_order_relaxed);
}

/* The bits of an item once it has been hit. */
static inline uint8_t cm_policy_after_hit(const struct cm_policy *policy, uint8_t bits) {
    return atomic_load_explicit(&policy->on_hit[bits], memory_order_relaxed);
}

CM_MUST_CHECK enum cm_status cm_policy_create(const struct cm_policy_kind *kind, uint64_t items_max,
                                              struct cm_policy **out);
void cm_policy_destroy(struct cm_policy *policy); /* NULL is allowed */

/* NULL if there is none of that name. The default for NULL. */
const struct cm_policy_kind *cm_policy_find(const char *name);
/* NULL past the last. */
const struct cm_policy_kind *cm_policy_nth(size_t number);

/* For policies. A hit adds `step` up to `top`. */
void cm_policy_count_hits(struct cm_policy *policy, unsigned step, unsigned top);
/* Xorshift (Marsaglia, 2003); *state is never 0. */
#define CM_POLICY_RANDOM_START 2463534242u
uint32_t cm_policy_random(uint32_t *state);
unsigned cm_policy_older_log(struct cm_policy *policy, const struct cm_log_view *view);
uint8_t cm_policy_admit_only(struct cm_policy *policy, uint64_t hash);
uint64_t cm_policy_no_adjust(struct cm_policy *policy, const struct cm_log_view *view,
                             uint64_t items);

extern const struct cm_policy_kind cm_policy_fifo, cm_policy_clock, cm_policy_lru, cm_policy_lfu,
    cm_policy_s3fifo, cm_policy_s3fifo_size, cm_policy_duel;

#endif

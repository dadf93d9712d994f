/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

/* Least recently used, by a clock of its own: a hit stamps the item with the present hundredth of
 * the log's turnover, and an item that comes to the log's old end is kept if it was used within
 * nine tenths of a turnover. The textbook's LRU keeps a total order; this keeps one in hundredths,
 * and evicts an item between nine tenths of a turnover and one more than that after its last use.
 * Keeping less copies less and evicts with less regard to order; with a whole turnover even what
 * was never used again might stay.
 *
 * Stamps are modulo 256; an item is judged every 100 stamps, so ages never wrap. */

#define TURNOVER_STAMPS 100u
#define KEPT_STAMPS     90u

struct lru {
    uint8_t stamp;
    uint32_t emptied; /* segments since the stamp last moved, times TURNOVER_STAMPS */
};

static void set_stamp(struct cm_policy *policy, uint8_t stamp) {
    atomic_store_explicit(&policy->first_bits, stamp, memory_order_relaxed);
    for (unsigned i = 0; i < 256; i++) {
        atomic_store_explicit(&policy->on_hit[i], stamp, memory_order_relaxed);
    }
}

static enum cm_status start_lru(struct cm_policy *policy, uint64_t items_max) {
    (void)items_max;
    set_stamp(policy, 0);
    return CM_OK;
}

static uint64_t adjust_lru(struct cm_policy *policy, const struct cm_log_view *view,
                           uint64_t items) {
    (void)items;
    struct lru *lru = policy->state;
    uint32_t length = view->small + view->main;
    lru->emptied += TURNOVER_STAMPS;
    uint32_t steps = length ? lru->emptied / length : 0;
    if (steps == 0)
        return 0;
    lru->emptied -= steps * length;
    lru->stamp = (uint8_t)(lru->stamp + steps);
    set_stamp(policy, lru->stamp);
    return 0;
}

static struct cm_verdict judge_lru(struct cm_policy *policy, const struct cm_candidate *c) {
    const struct lru *lru = policy->state;
    uint8_t age = (uint8_t)(lru->stamp - c->bits);
    return (struct cm_verdict){.keep = age < KEPT_STAMPS, .bits = c->bits, .log = CM_LOG_ONLY};
}

const struct cm_policy_kind cm_policy_lru = {
    .name = "lru",
    .text = "least recently used, in hundredths of the cache's turnover",
    .state_bytes = sizeof(struct lru),
    .start = start_lru,
    .admit = cm_policy_admit_only,
    .victim_log = cm_policy_older_log,
    .judge = judge_lru,
    .adjust = adjust_lru,
};

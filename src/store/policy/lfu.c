/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

/* Least frequently used, with ageing: plain LFU never forgets and nobody should run it. Hits are
 * counted up to TOP, and halved every time an item is kept, that is once a turnover of the log. Of
 * the items at the log's old end the less used three fifths are dropped: a decaying histogram of what was
 * judged lately says which counts those are. The textbook's LFU compares with all items at once,
 * this with those of about the last HISTOGRAM_ITEMS judged. */

#define TOP             7u
#define DROP_PERCENT    60u
#define HISTOGRAM_ITEMS 8192u

struct lfu {
    uint32_t seen[TOP + 1];
    uint32_t total;
    uint32_t random;
};

static enum cm_status start_lfu(struct cm_policy *policy, uint64_t items_max) {
    (void)items_max;
    struct lfu *lfu = policy->state;
    lfu->random = CM_POLICY_RANDOM_START;
    cm_policy_count_hits(policy, 1, TOP);
    return CM_OK;
}

static void note(struct lfu *lfu, unsigned count) {
    lfu->seen[count]++;
    if (++lfu->total < HISTOGRAM_ITEMS)
        return;
    lfu->total = 0;
    for (unsigned i = 0; i <= TOP; i++)
        lfu->total += lfu->seen[i] /= 2;
}

/* Whether a count is among the least used share: all below the share's edge, and of those on the
 * edge as many as fill it up. */
static bool is_dropped(struct lfu *lfu, unsigned count) {
    uint32_t below = 0;
    for (unsigned i = 0; i < count; i++)
        below += lfu->seen[i];
    uint32_t edge = lfu->total / 100 * DROP_PERCENT + 1;
    if (below >= edge)
        return false;
    uint32_t left = edge - below;
    return left >= lfu->seen[count] || cm_policy_random(&lfu->random) % lfu->seen[count] < left;
}

static struct cm_verdict judge_lfu(struct cm_policy *policy, const struct cm_candidate *c) {
    struct lfu *lfu = policy->state;
    unsigned count = c->bits < TOP ? c->bits : TOP;
    note(lfu, count);
    bool keep = !is_dropped(lfu, count);
    return (struct cm_verdict){.keep = keep, .bits = (uint8_t)(count / 2), .log = CM_LOG_ONLY};
}

const struct cm_policy_kind cm_policy_lfu = {
    .name = "lfu",
    .text = "least frequently used, counts halved once a turnover",
    .state_bytes = sizeof(struct lfu),
    .start = start_lfu,
    .admit = cm_policy_admit_only,
    .victim_log = cm_policy_older_log,
    .judge = judge_lfu,
    .adjust = cm_policy_no_adjust,
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

/* First in, first out; and the same with a second chance (CLOCK: Corbato, 1968). On segments a
 * second chance is a copy to the new end of the log. */

#define CLOCK_TOP 3u /* two bits */

static struct cm_verdict judge_fifo(struct cm_policy *policy, const struct cm_candidate *c) {
    (void)policy;
    (void)c;
    return (struct cm_verdict){.keep = false};
}

const struct cm_policy_kind cm_policy_fifo = {
    .name = "fifo",
    .text = "first in, first out",
    .admit = cm_policy_admit_only,
    .victim_log = cm_policy_older_log,
    .judge = judge_fifo,
    .adjust = cm_policy_no_adjust,
};

static enum cm_status start_clock(struct cm_policy *policy, uint64_t items_max) {
    (void)items_max;
    cm_policy_count_hits(policy, 1, CLOCK_TOP);
    return CM_OK;
}

static struct cm_verdict judge_clock(struct cm_policy *policy, const struct cm_candidate *c) {
    (void)policy;
    unsigned bits = c->bits < CLOCK_TOP ? c->bits : CLOCK_TOP;
    if (bits == 0)
        return (struct cm_verdict){.keep = false};
    return (struct cm_verdict){.keep = true, .bits = (uint8_t)(bits - 1), .log = CM_LOG_ONLY};
}

const struct cm_policy_kind cm_policy_clock = {
    .name = "clock",
    .text = "first in, first out, with up to three more rounds for what was read",
    .start = start_clock,
    .admit = cm_policy_admit_only,
    .victim_log = cm_policy_older_log,
    .judge = judge_clock,
    .adjust = cm_policy_no_adjust,
};

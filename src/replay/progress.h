/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_PROGRESS_H
#define CM_REPLAY_PROGRESS_H

#include "replay/target.h"

/* A bar on standard error, if that is a terminal: how far, how fast, and the miss ratios so far. */

struct cm_progress {
    bool shown;
    uint64_t begin_ns, last_ns;
};

struct cm_progress_state {
    double part; /* of the trace, 0 to 1; negative: unknown */
    uint64_t requests;
    const struct cm_target *targets;
    size_t target_count;
};

void cm_progress_begin(struct cm_progress *progress);
/* Draws it a few times a second at most. */
void cm_progress_show(struct cm_progress *progress, const struct cm_progress_state *state);
/* Clears the line, for what else is to be said; the next cm_progress_show() draws it again. */
void cm_progress_clear(struct cm_progress *progress);

#endif

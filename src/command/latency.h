/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_LATENCY_H
#define CM_COMMAND_LATENCY_H

#include "command/stats.h"
#include "metrics/durations.h"

/* What is told of how long a command's requests took, in microseconds. */
#define CM_LATENCY_FIGURES 7
struct cm_latency_figure {
    const char *name; /* static: "count", "p50_us" */
    char text[32];    /* a number, with a fraction perhaps */
};
void cm_latency_figures(const struct cm_duration_sums *sums,
                        struct cm_latency_figure figures[CM_LATENCY_FIGURES]);

/* Visits all commands in the order in which they are shown: start with `other`, which comes last; it
 * is returned again at the end. */
static inline enum cm_command_kind cm_latency_next(enum cm_command_kind command) {
    return command + 1 == CM_COMMANDS ? CM_COMMAND_other : (enum cm_command_kind)(command + 1);
}

/* The lines of `stats latency`: those of commands that have been seen. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_latency_put(const struct cm_command *command,
                                            struct cm_stat_sink *sink);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_REPORT_H
#define CM_REPLAY_REPORT_H

#include "replay/series.h"
#include "replay/target.h"
#include <stdio.h>

/* What a replay came to, for people and for machines. */

struct cm_report {
    const char *trace; /* its name */
    const struct cm_target *targets;
    size_t target_count;
    const struct cm_series *series;
    uint64_t requests; /* read and replayed */
    uint64_t windows;
    size_t window;           /* the largest */
    const char *input_error; /* why the trace was not read to its end; NULL: it was */
};

/* The head of the rows below. */
void cm_report_head(FILE *to, const struct cm_report *report);
/* A row: the miss ratio of each target since `before`, which has a place a target. */
void cm_report_row(FILE *to, const struct cm_report *report, const struct cm_counts *before);

void cm_report_table(FILE *to, const struct cm_report *report);
/* False: no memory, or it cannot be written. */
CM_MUST_CHECK bool cm_report_json(FILE *to, const struct cm_report *report);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_HISTORY_H
#define CM_TOP_HISTORY_H

/* The latest values of one number, a ring. What was not known is NaN, all zero is empty. */

#define CM_HISTORY_LENGTH 240

struct cm_history {
    float values[CM_HISTORY_LENGTH];
    unsigned next, count;
};

void cm_history_push(struct cm_history *history, double value);
/* The value `back` pushes ago, the latest at 0; NaN if there is none. */
double cm_history_at(const struct cm_history *history, unsigned back);
/* The largest of the latest `count` values, 0 if none is known. */
double cm_history_top(const struct cm_history *history, unsigned count);

/* How many of `levels` steps show `value` where `top` fills all of them: 0 for what is not known, at
 * least 1 for everything else. */
unsigned cm_history_level(double value, double top, unsigned levels);

#endif

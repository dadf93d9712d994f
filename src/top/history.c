/* SPDX-License-Identifier: BSD-3-Clause */
#include "top/history.h"

#include <math.h>

void cm_history_push(struct cm_history *history, double value) {
    history->values[history->next] = (float)value;
    history->next = (history->next + 1) % CM_HISTORY_LENGTH;
    if (history->count < CM_HISTORY_LENGTH)
        history->count++;
}

double cm_history_at(const struct cm_history *history, unsigned back) {
    if (back >= history->count)
        return NAN;
    return history->values[(history->next + CM_HISTORY_LENGTH - 1 - back) % CM_HISTORY_LENGTH];
}

double cm_history_top(const struct cm_history *history, unsigned count) {
    double top = 0;
    for (unsigned i = 0; i < count && i < history->count; i++)
        top = fmax(top, cm_history_at(history, i)); /* which passes NaN over */
    return top;
}

unsigned cm_history_level(double value, double top, unsigned levels) {
    if (isnan(value))
        return 0;
    if (!(top > 0) || value <= 0)
        return 1;
    const double level = ceil(value / top * levels);
    return level >= levels ? levels : level < 1 ? 1 : (unsigned)level;
}

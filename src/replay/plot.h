/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_PLOT_H
#define CM_REPLAY_PLOT_H

#include "replay/series.h"
#include <stdio.h>

/* A line chart of miss ratio over requests as an SVG file that needs nothing else, in light or dark
 * as whoever looks at it has chosen. */

struct cm_plot {
    const char *title;
    const struct cm_series *series;
    const char *const *names; /* of the targets */
    const double *totals;     /* their miss ratios over all of it */
};

/* Names may hold any bytes. */
void cm_plot_write(FILE *to, const struct cm_plot *plot);

#endif

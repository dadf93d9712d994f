/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_REPORT_H
#define CM_TOP_REPORT_H

#include "top/view.h"
#include <stdio.h>

/* What is printed where there is no screen. */

/* One line: an object with the time, the servers and their total. False: no memory. */
CM_MUST_CHECK bool cm_top_print_json(FILE *to, const struct cm_top_model *model);

/* A snapshot for people, 100 columns wide. False: no memory. */
CM_MUST_CHECK bool cm_top_print_plain(FILE *to, const struct cm_top_model *model,
                                      struct cm_top_state *state);

/* A grid as text, without spaces at the ends of lines. */
void cm_top_print_grid(FILE *to, const struct cm_grid *grid);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_TOP_H
#define CM_TOP_TOP_H

#include "cli/options.h"

extern const struct cm_cli cm_top_cli;

/* The main program of `cacheman top`, on words that end with NULL; returns its exit status, see
 * cli/exit.h. */
int cm_top_main(char **argv);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_STRESS_H
#define CM_STRESS_STRESS_H

#include "cli/options.h"

extern const struct cm_cli cm_stress_cli;

/* The load generator's main program, on words that end with NULL; returns its exit status, see
 * cli/exit.h. */
int cm_stress_main(char **argv);

#endif

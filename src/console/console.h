/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_CONSOLE_H
#define CM_CONSOLE_CONSOLE_H

#include "cli/options.h"

extern const struct cm_cli cm_console_cli;

/* The console's main program, on words that end with NULL; returns its exit status, see cli/exit.h. */
int cm_console_main(char **argv);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_MAN_H
#define CM_CLI_MAN_H

#include "cli/options.h"

/* The man page of several programs that are one, the first of which is meant if none is named. */
void cm_cli_print_man(FILE *to, const struct cm_cli *const *programs, size_t count);

#endif

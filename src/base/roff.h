/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_ROFF_H
#define CM_BASE_ROFF_H

#include <stdio.h>

/* Pieces of man pages. */

/* Text with what roff would take for a command made harmless. */
void cm_roff_text(FILE *to, const char *text);

/* "--name=ARGUMENT" of an option, or "-n ARGUMENT"; an argument that begins with '[' may be left
 * out and stands behind a space. NULL: it has none. */
struct cm_roff_option {
    const char *dashes, *name, *argument;
};
void cm_roff_option(FILE *to, const struct cm_roff_option *option);

#endif

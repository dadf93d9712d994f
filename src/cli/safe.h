/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_SAFE_H
#define CM_CLI_SAFE_H

#include "base/slice.h"
#include <stdio.h>

/* Bytes from elsewhere, harmless to a terminal: characters that the locale can print stay; all else
 * (control characters, escape sequences, what is no character, what reorders or hides text) and the
 * backslash become \n, \t, \\ or \xNN, as the console reads them between double quotes. */

/* Prints on one line, in at most `columns` columns (0: however long it is); what is longer ends with
 * "...". Returns the columns used. */
size_t cm_safe_print(FILE *to, struct cm_slice bytes, size_t columns);
/* The same between double quotes, which makes it a word that the console reads back. */
size_t cm_safe_print_quoted(FILE *to, struct cm_slice bytes, size_t columns);

/* The columns that cm_safe_print() would need for all of it. */
size_t cm_safe_columns(struct cm_slice bytes);

/* Whether people can read it: every character prints, or is a tab or the end of a line. */
bool cm_safe_is_text(struct cm_slice bytes);

/* As a word for the console: between double quotes only if it needs them. */
size_t cm_safe_print_word(FILE *to, struct cm_slice bytes);

#endif

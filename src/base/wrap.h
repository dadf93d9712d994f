/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_WRAP_H
#define CM_BASE_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* A column of a help text, counted in characters from 0. */
struct cm_wrap {
    size_t indent; /* where every line begins */
    size_t width;  /* where the next word goes to the next line */
};

/* Prints `text` and a newline to a line that has `column` characters already; one that reaches into
 * the column is ended first. Words are what is between single spaces. */
void cm_print_wrapped(FILE *to, const struct cm_wrap *wrap, size_t column, const char *text);

#endif

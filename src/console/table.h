/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_TABLE_H
#define CM_CONSOLE_TABLE_H

#include "console/internal.h"

/* Columns side by side: for people aligned, with a heading and no wider than the screen; for scripts
 * with tabs between, and no heading. */

/* What becomes of a column if the screen is too narrow. */
enum cm_way {
    CM_WAY_NARROWS, /* first these become narrower, */
    CM_WAY_GOES,    /* then these are left out, the leftmost first, */
    CM_WAY_LAST,    /* then these become narrower; */
    CM_WAY_STAYS,   /* these never */
};

struct cm_column {
    const char *title;
    bool is_number; /* aligned at its end */
    enum cm_way way;
};

struct cm_table;

/* NULL: no memory. `columns` is borrowed. */
struct cm_table *cm_table_create(const struct cm_column *columns, size_t count);
void cm_table_destroy(struct cm_table *table);

/* The next cell, row by row. Out of memory it is left empty. */
void cm_table_add(struct cm_table *table, struct cm_slice text);
void cm_table_add_text(struct cm_table *table, const char *text);
/* The colour of the cell added last. */
void cm_table_colour(struct cm_table *table, enum cm_colour colour);

/* Rows that are not whole are left out. */
void cm_table_print(const struct cm_table *table, const struct cm_console *console);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_GRID_H
#define CM_TOP_GRID_H

#include "base/format.h"
#include "top/history.h"
#include <cacheman/status.h>
#include <stdbool.h>
#include <wchar.h>

/* A screen as characters in memory. Whatever is written outside of it is cut off, and no cell ever
 * holds what does not print. */

enum cm_style {
    CM_STYLE_PLAIN,
    CM_STYLE_DIM,
    CM_STYLE_BOLD,
    CM_STYLE_TITLE,
    CM_STYLE_HEAD,
    CM_STYLE_SORTED, /* the heading that the table is sorted by */
    CM_STYLE_KEY,
    CM_STYLE_SELECTED,
    CM_STYLE_CHART,
    CM_STYLE_ITEMS, /* of the bar of memory */
    CM_STYLE_INDEX,
    CM_STYLE_GOOD,
    CM_STYLE_HOT,
    CM_STYLE_DOWN,
    CM_STYLES
};

struct cm_cell {
    wchar_t glyph; /* 0: the right half of the one before */
    enum cm_style style;
};

struct cm_grid {
    unsigned columns, rows;
    bool ascii;     /* the terminal has no blocks */
    bool no_charts; /* draws none */
    struct cm_cell *cells;
};

/* Where to write: from `column` on, `width` columns. */
struct cm_spot {
    unsigned row, column, width;
    enum cm_style style;
    bool right; /* ends at the last column instead of beginning at the first */
};

/* Makes it that size, and blank. A grid starts as all zero. NO_MEMORY: it is as before. */
CM_MUST_CHECK enum cm_status cm_grid_resize(struct cm_grid *grid, unsigned columns, unsigned rows);
void cm_grid_deinit(struct cm_grid *grid);

/* Text of the locale's; one that is too long ends with '~'. Returns the columns used. */
unsigned cm_grid_put(struct cm_grid *grid, struct cm_spot spot, const char *text);
CM_PRINTF(3, 4)
unsigned cm_grid_printf(struct cm_grid *grid, struct cm_spot spot, const char *format, ...);

/* Changes how the spot looks, not what it says. */
void cm_grid_style(struct cm_grid *grid, struct cm_spot spot);

/* The latest values, the last one rightmost, `height` rows high from the spot's row on. `top` is
 * what reaches the top, 0: the largest of those shown. */
struct cm_chart {
    const struct cm_history *history;
    unsigned height;
    double top;
};
void cm_grid_chart(struct cm_grid *grid, struct cm_spot spot, const struct cm_chart *chart);

/* `first` and `second` out of `whole`, a bar. */
struct cm_bar {
    double first, second, whole;
};
void cm_grid_bar(struct cm_grid *grid, struct cm_spot spot, const struct cm_bar *bar);

#endif

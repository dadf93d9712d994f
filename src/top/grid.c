/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/grid.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum { LEVELS = 8, TEXT_BYTES = 512 };

static const wchar_t blocks[LEVELS + 1] = L" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
static const wchar_t ascii_blocks[LEVELS + 1] = L" _.-:=+*#";

enum cm_status cm_grid_resize(struct cm_grid *grid, unsigned columns, unsigned rows) {
    const size_t count = (size_t)columns * rows;
    if (count >= PTRDIFF_MAX / sizeof *grid->cells)
        return CM_NO_MEMORY;
    struct cm_cell *cells = realloc(grid->cells, (count + 1) * sizeof *cells);
    if (cells == NULL)
        return CM_NO_MEMORY;
    grid->cells = cells;
    grid->columns = columns;
    grid->rows = rows;
    for (size_t i = 0; i < count; i++)
        cells[i] = (struct cm_cell){L' ', CM_STYLE_PLAIN};
    return CM_OK;
}

void cm_grid_deinit(struct cm_grid *grid) {
    free(grid->cells);
    *grid = (struct cm_grid){0};
}

static void set(struct cm_grid *grid, unsigned row, unsigned column, struct cm_cell cell) {
    if (row < grid->rows && column < grid->columns)
        grid->cells[(size_t)row * grid->columns + column] = cell;
}

/* As much of the spot as is on the grid. */
static unsigned width_of(const struct cm_grid *grid, const struct cm_spot *spot) {
    if (spot->column >= grid->columns)
        return 0;
    const unsigned left = grid->columns - spot->column;
    return spot->width < left ? spot->width : left;
}

/* ---- text ---------------------------------------------------------------------------------- */

/* The text's characters, what does not print as '?'; returns how many. */
static size_t decode(const char *text, wchar_t *to, size_t room) {
    mbstate_t state = {0};
    const size_t bytes = strlen(text);
    size_t count = 0;
    for (size_t at = 0; at < bytes && count < room; count++) {
        size_t used = mbrtowc(&to[count], text + at, bytes - at, &state);
        if (used == 0 || used > bytes - at) {
            memset(&state, 0, sizeof state);
            to[count] = L'?';
            used = 1;
        } else if (wcwidth(to[count]) < 1) {
            to[count] = L'?';
        }
        at += used;
    }
    return count;
}

static unsigned columns_of(const wchar_t *text, size_t count) {
    unsigned columns = 0;
    for (size_t i = 0; i < count; i++)
        columns += (unsigned)wcwidth(text[i]);
    return columns;
}

unsigned cm_grid_put(struct cm_grid *grid, struct cm_spot spot, const char *text) {
    wchar_t wide[TEXT_BYTES];
    const size_t count = decode(text, wide, TEXT_BYTES);
    const unsigned width = width_of(grid, &spot), needed = columns_of(wide, count);
    const bool cut = needed > width;
    unsigned column = spot.column + (spot.right && !cut ? width - needed : 0);
    unsigned left = cut && width > 0 ? width - 1 : width;
    for (size_t i = 0; i < count; i++) {
        const unsigned columns = (unsigned)wcwidth(wide[i]);
        if (columns > left)
            break;
        set(grid, spot.row, column, (struct cm_cell){wide[i], spot.style});
        for (unsigned half = 1; half < columns; half++)
            set(grid, spot.row, column + half, (struct cm_cell){0, spot.style});
        column += columns;
        left -= columns;
    }
    if (cut && width > 0)
        set(grid, spot.row, column, (struct cm_cell){L'~', spot.style});
    return cut ? width : needed;
}

unsigned cm_grid_printf(struct cm_grid *grid, struct cm_spot spot, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cm_grid_put(grid, spot, text);
}

void cm_grid_style(struct cm_grid *grid, struct cm_spot spot) {
    const unsigned width = width_of(grid, &spot);
    for (unsigned i = 0; i < width && spot.row < grid->rows; i++)
        grid->cells[(size_t)spot.row * grid->columns + spot.column + i].style = spot.style;
}

/* ---- pictures ------------------------------------------------------------------------------ */

/* One value, from the bottom up: full blocks, and what is left of it. */
static void put_pillar(struct cm_grid *grid, struct cm_spot spot, unsigned level, unsigned height) {
    const wchar_t *glyphs = grid->ascii ? ascii_blocks : blocks;
    for (unsigned row = height; row-- > 0 && level > 0;) {
        const unsigned part = level < LEVELS ? level : LEVELS;
        set(grid, spot.row + row, spot.column, (struct cm_cell){glyphs[part], spot.style});
        level -= part;
    }
}

void cm_grid_chart(struct cm_grid *grid, struct cm_spot spot, const struct cm_chart *chart) {
    const unsigned width = width_of(grid, &spot);
    const double top = chart->top > 0 ? chart->top : cm_history_top(chart->history, width);
    for (unsigned i = 0; i < width && !grid->no_charts; i++) {
        const double value = cm_history_at(chart->history, width - 1 - i);
        const unsigned level = cm_history_level(value, top, LEVELS * chart->height);
        const struct cm_spot pillar = {spot.row, spot.column + i, 1,
                                       value > 0 ? spot.style : CM_STYLE_DIM, false};
        put_pillar(grid, pillar, level, chart->height);
    }
}

static unsigned part_of(double part, double whole, unsigned width) {
    const double columns = part / whole * width;
    return columns >= width ? width : columns > 0 ? (unsigned)lround(columns) : 0;
}

void cm_grid_bar(struct cm_grid *grid, struct cm_spot spot, const struct cm_bar *bar) {
    const unsigned width = width_of(grid, &spot);
    const unsigned first = part_of(bar->first, bar->whole, width);
    const unsigned both = part_of(bar->first + fmax(bar->second, 0), bar->whole, width);
    for (unsigned i = 0; i < width; i++) {
        struct cm_cell cell = {grid->ascii ? L'.' : L'\u00b7', CM_STYLE_DIM};
        if (i < first)
            cell = (struct cm_cell){grid->ascii ? L'#' : L'\u2588', CM_STYLE_ITEMS};
        else if (i < both)
            cell = (struct cm_cell){grid->ascii ? L'=' : L'\u2592', CM_STYLE_INDEX};
        set(grid, spot.row, spot.column + i, cell);
    }
}

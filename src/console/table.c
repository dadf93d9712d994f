/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/table.h"

#include "cli/safe.h"
#include <stdlib.h>

enum { GAP = 2, NARROWEST = 8 };
#define LEFT_OUT SIZE_MAX /* the width of a column that is not shown */

struct cell {
    struct cm_slice text; /* owned */
    size_t columns;       /* as it is shown */
    enum cm_colour colour;
};

struct cm_table {
    const struct cm_column *columns;
    size_t width;
    struct cell *cells;
    size_t count, room;
};

struct cm_table *cm_table_create(const struct cm_column *columns, size_t count) {
    struct cm_table *table = calloc(1, sizeof *table);
    if (table != NULL)
        *table = (struct cm_table){.columns = columns, .width = count};
    return table;
}

void cm_table_destroy(struct cm_table *table) {
    for (size_t i = 0; table != NULL && i < table->count; i++)
        free((char *)table->cells[i].text.data);
    if (table != NULL)
        free(table->cells);
    free(table);
}

static bool make_room(struct cm_table *table) {
    if (table->count < table->room)
        return true;
    const size_t room = table->room == 0 ? 64 : 2 * table->room;
    struct cell *grown = realloc(table->cells, room * sizeof *grown);
    if (grown == NULL)
        return false;
    table->cells = grown;
    table->room = room;
    return true;
}

void cm_table_add(struct cm_table *table, struct cm_slice text) {
    if (!make_room(table))
        return;
    char *copy = malloc(text.len + 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.data, text.len);
    const struct cm_slice kept = cm_slice(copy, copy == NULL ? 0 : text.len);
    table->cells[table->count++] = (struct cell){kept, cm_safe_columns(kept), CM_PLAIN};
}

void cm_table_add_text(struct cm_table *table, const char *text) {
    cm_table_add(table, cm_slice(text, strlen(text)));
}

void cm_table_colour(struct cm_table *table, enum cm_colour colour) {
    if (table->count > 0)
        table->cells[table->count - 1].colour = colour;
}

static size_t rows_of(const struct cm_table *table) {
    return table->count / table->width;
}

static const struct cell *cell_at(const struct cm_table *table, size_t row, size_t column) {
    return &table->cells[row * table->width + column];
}

static void print_scripted(const struct cm_table *table, FILE *to) {
    for (size_t i = 0; i < rows_of(table) * table->width; i++) {
        const struct cell *cell = &table->cells[i];
        (void)cm_safe_print(to, cell->text, 0);
        fputc((i + 1) % table->width == 0 ? '\n' : '\t', to);
    }
}

/* The widest column of those that may still be made narrower; NULL: none. */
static size_t *find_widest(const struct cm_table *table, size_t *widths, enum cm_way way) {
    size_t *widest = NULL;
    for (size_t i = 0; i < table->width; i++) {
        if (table->columns[i].way == way && widths[i] > NARROWEST &&
            (widest == NULL || widths[i] > *widest))
            widest = &widths[i];
    }
    return widest;
}

/* The column to be left out next; NULL: none. */
static size_t *find_going(const struct cm_table *table, size_t *widths) {
    for (size_t i = 0; i < table->width; i++) {
        if (table->columns[i].way == CM_WAY_GOES && widths[i] != LEFT_OUT)
            return &widths[i];
    }
    return NULL;
}

/* Columns give way until all fit, or none can any more. */
static void fit(const struct cm_table *table, size_t *widths, size_t all, size_t screen) {
    while (all > screen) {
        size_t *widest = find_widest(table, widths, CM_WAY_NARROWS);
        size_t *going = widest == NULL ? find_going(table, widths) : NULL;
        if (going != NULL) {
            all -= *going + GAP;
            *going = LEFT_OUT;
            continue;
        }
        if (widest == NULL)
            widest = find_widest(table, widths, CM_WAY_LAST);
        if (widest == NULL)
            return;
        --*widest;
        all--;
    }
}

/* What each column needs; then they give way. */
static void measure(const struct cm_table *table, size_t *widths, size_t screen) {
    size_t all = 0;
    for (size_t column = 0; column < table->width; column++) {
        widths[column] = strlen(table->columns[column].title);
        for (size_t row = 0; row < rows_of(table); row++) {
            const size_t columns = cell_at(table, row, column)->columns;
            if (columns > widths[column])
                widths[column] = columns;
        }
        all += widths[column] + (column > 0 ? GAP : 0);
    }
    fit(table, widths, all, screen);
}

static void pad(FILE *to, size_t columns) {
    fprintf(to, "%*s", (int)columns, "");
}

struct place {
    size_t width;
    bool is_last, is_number;
};

static void print_cell(const struct cm_console *console, const struct cell *cell,
                       struct place place) {
    FILE *to = console->out;
    const size_t columns = cell->columns < place.width ? cell->columns : place.width;
    if (place.is_number)
        pad(to, place.width - columns);
    if (cell->colour != CM_PLAIN)
        fputs(cm_colour(console, cell->colour), to);
    const size_t used = columns == 0 ? 0 : cm_safe_print(to, cell->text, place.width);
    if (cell->colour != CM_PLAIN)
        fputs(cm_colour(console, CM_PLAIN), to);
    if (!place.is_last)
        pad(to, GAP + (place.is_number || used >= place.width ? 0 : place.width - used));
}

static struct place place_of(const struct cm_table *table, const size_t *widths, size_t column) {
    size_t next = column + 1;
    while (next < table->width && widths[next] == LEFT_OUT)
        next++;
    return (struct place){widths[column], next == table->width, table->columns[column].is_number};
}

static void print_heading(const struct cm_table *table, const struct cm_console *console,
                          const size_t *widths) {
    for (size_t i = 0; i < table->width; i++) {
        const char *title = table->columns[i].title;
        const struct cell cell = {cm_slice(title, strlen(title)), strlen(title),
                                  *title == '\0' ? CM_PLAIN : CM_BOLD};
        if (widths[i] != LEFT_OUT)
            print_cell(console, &cell, place_of(table, widths, i));
    }
    fputc('\n', console->out);
}

void cm_table_print(const struct cm_table *table, const struct cm_console *console) {
    if (!cm_for_people(console)) {
        print_scripted(table, console->out);
        return;
    }
    size_t *widths = calloc(table->width, sizeof *widths);
    if (widths == NULL)
        return;
    measure(table, widths, console->term.columns);
    print_heading(table, console, widths);
    for (size_t row = 0; row < rows_of(table); row++) {
        for (size_t i = 0; i < table->width; i++) {
            if (widths[i] != LEFT_OUT)
                print_cell(console, cell_at(table, row, i), place_of(table, widths, i));
        }
        fputc('\n', console->out);
    }
    free(widths);
}

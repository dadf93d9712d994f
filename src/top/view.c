/* SPDX-License-Identifier: BSD-3-Clause */

/* The whole screen: what goes where, and what is left out where there is no room. */

#include "top/view.h"

#include "cli/units.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    GUTTER = 8, /* before the large chart */
    CHART_MAX = 12,
    TABLE_MIN = 4, /* with its heading: what panels may not take */
    TALL = 24,     /* from so many rows on charts and memory have more than one */
};

static struct cm_spot at(unsigned row, unsigned column, unsigned width, enum cm_style style) {
    return (struct cm_spot){row, column, width, style, false};
}

/* ---- the first two rows ---------------------------------------------------------------------- */

static void draw_clock(struct cm_grid *grid, const struct cm_top_model *model,
                       const struct cm_top_state *state) {
    char text[64], interval[CM_UNITS_BYTES];
    struct tm tm;
    const time_t now = (time_t)model->wall_s;
    if (grid->columns < 60 || localtime_r(&now, &tm) == NULL)
        return;
    struct cm_spot spot = at(0, grid->columns - 30, 29, CM_STYLE_TITLE);
    spot.right = true;
    snprintf(text, sizeof text, "%s%s  %02d:%02d:%02d", state->paused ? "PAUSED" : "every ",
             state->paused ? "" : cm_top_show_interval(interval, state->interval_us), tm.tm_hour,
             tm.tm_min, tm.tm_sec);
    cm_grid_put(grid, spot, text);
}

static void draw_title(struct cm_grid *grid, const struct cm_top_model *model,
                       const struct cm_top_state *state) {
    char age[CM_UNITS_BYTES], down[32] = "";
    const struct cm_top_host *host = cm_top_model_host(model, state->single);
    const unsigned width = grid->columns >= 60 ? grid->columns - 32 : grid->columns;
    const struct cm_spot spot = at(0, 1, width - 1, CM_STYLE_TITLE);
    cm_grid_style(grid, at(0, 0, grid->columns, CM_STYLE_TITLE));
    if (model->at_ns == 0)
        cm_grid_put(grid, spot, "cacheman top  asking ...");
    else if (host != NULL && host->last.up)
        cm_grid_printf(grid, spot, "%s  %s%s%s", host->last.label, host->last.version,
                       cm_top_knows(&host->last, CM_TOP_uptime) ? "  up " : "",
                       cm_top_knows(&host->last, CM_TOP_uptime)
                           ? cm_units_age(age, host->last.counter[CM_TOP_uptime])
                           : "");
    else if (host != NULL)
        cm_grid_printf(grid, spot, "%s  down: %s", host->last.label, host->last.reason);
    else {
        if (model->up < model->count)
            snprintf(down, sizeof down, ", %zu down", model->count - model->up);
        cm_grid_printf(grid, spot, "cacheman top  %zu server%s%s", model->count,
                       model->count == 1 ? "" : "s", down);
    }
    draw_clock(grid, model, state);
}

/* "12.3k ops/s  98.3 % found  ..." as far as there is room. */
static void draw_numbers(struct cm_grid *grid, const struct cm_top_host *host, unsigned row) {
    char texts[5][CM_UNITS_BYTES];
    const double items = cm_top_knows(&host->last, CM_TOP_curr_items)
                             ? (double)host->last.counter[CM_TOP_curr_items]
                             : NAN;
    const struct {
        const char *value, *name;
    } numbers[] = {
        {cm_top_show_rate(texts[0], host->now[CM_TOP_OPS]), " ops/s"},
        {cm_top_show_percent(texts[1], host->now[CM_TOP_HIT]), " % hits"},
        {cm_top_show_count(texts[2], items), " items"},
        {cm_top_show_count(texts[3], host->now[CM_TOP_CONNS]), " conns"},
        {cm_top_show_rate(texts[4], host->now[CM_TOP_EVICTED]), " evicted/s"},
    };
    unsigned column = 1;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const size_t needed = strlen(numbers[i].value) + strlen(numbers[i].name);
        if (column + needed > grid->columns)
            return;
        column += cm_grid_put(grid, at(row, column, 40, CM_STYLE_BOLD), numbers[i].value);
        column += cm_grid_put(grid, at(row, column, 40, CM_STYLE_PLAIN), numbers[i].name) + 3;
    }
}

/* ---- the large chart, and memory -------------------------------------------------------------- */

static void draw_chart(struct cm_grid *grid, const struct cm_top_host *host, unsigned row,
                       unsigned height) {
    char text[CM_UNITS_BYTES];
    const struct cm_history *history = &host->history[CM_TOP_OPS];
    const unsigned width = grid->columns - GUTTER - 1;
    struct cm_spot label = at(row, 0, GUTTER - 1, CM_STYLE_DIM);
    label.right = true;
    cm_grid_put(grid, label,
                height > 1 ? cm_top_show_rate(text, cm_history_top(history, width)) : "ops/s");
    if (height > 1) {
        label.row = row + height - 1;
        cm_grid_put(grid, label, "ops/s");
    }
    cm_grid_chart(grid, at(row, GUTTER, width, CM_STYLE_CHART),
                  &(struct cm_chart){.history = history, .height = height});
}

static void draw_memory_bar(struct cm_grid *grid, const struct cm_top_host *host, unsigned row) {
    char limit[CM_UNITS_BYTES];
    const double used = host->items_bytes + (isnan(host->index_bytes) ? 0 : host->index_bytes);
    const double percent = 100 * used / host->limit_bytes;
    struct cm_spot label = at(row, 0, GUTTER - 1, CM_STYLE_DIM);
    struct cm_spot end = at(row, grid->columns - 22, 21, CM_STYLE_PLAIN);
    label.right = end.right = true;
    cm_grid_put(grid, label, "memory");
    if (!(host->limit_bytes > 0) || isnan(used)) {
        cm_grid_put(grid, end, "-");
        return;
    }
    cm_grid_bar(grid, at(row, GUTTER, grid->columns - GUTTER - 23, CM_STYLE_PLAIN),
                &(struct cm_bar){host->items_bytes, host->index_bytes, host->limit_bytes});
    cm_grid_printf(grid, end, "%.0f %% of %s", percent, cm_top_show_size(limit, host->limit_bytes));
}

static void draw_memory_text(struct cm_grid *grid, const struct cm_top_host *host, unsigned row) {
    char items[CM_UNITS_BYTES], index[CM_UNITS_BYTES], each[CM_UNITS_BYTES];
    const double count = (double)host->last.counter[CM_TOP_curr_items];
    unsigned column = GUTTER;
    const struct {
        const char *name;
        const char *value;
        enum cm_style style;
    } parts[] = {
        {"items ", cm_top_show_size(items, host->items_bytes), CM_STYLE_ITEMS},
        {"index ", isnan(host->index_bytes) ? NULL : cm_top_show_size(index, host->index_bytes),
         CM_STYLE_INDEX},
        {"an item ", count > 0 ? cm_top_show_size(each, host->items_bytes / count) : NULL,
         CM_STYLE_PLAIN},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].value == NULL)
            continue;
        column += cm_grid_put(grid, at(row, column, 12, parts[i].style), parts[i].name);
        column += cm_grid_put(grid, at(row, column, 16, CM_STYLE_PLAIN), parts[i].value) + 3;
    }
}

/* ---- the last row ----------------------------------------------------------------------------- */

static void draw_keys(struct cm_grid *grid, const struct cm_top_model *model,
                      const struct cm_top_state *state) {
    static const struct {
        const char *key, *text;
    } keys[] = {{"q", "quit"},      {"?", "help"},      {"Enter", "server"}, {"p", "pause"},
                {"+-", "interval"}, {"ohmecn", "sort"}, {"k", "keys"},       {"l", "time"}};
    const unsigned row = grid->rows - 1;
    unsigned column = 1;
    if (model->problem[0] != '\0') {
        cm_grid_put(grid, at(row, 0, grid->columns, CM_STYLE_HOT), model->problem);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = keys[i].text;
        if (keys[i].key[0] == 'E' && state->single != 0)
            text = "all servers";
        else if (keys[i].key[0] == 'p' && state->paused)
            text = "go on";
        if (column + strlen(keys[i].key) + strlen(text) + 1 > grid->columns)
            return;
        column += cm_grid_put(grid, at(row, column, 40, CM_STYLE_KEY), keys[i].key) + 1;
        column += cm_grid_put(grid, at(row, column, 40, CM_STYLE_DIM), text) + 2;
    }
}

/* ---- what goes where -------------------------------------------------------------------------- */

/* How many rows each part gets. */
struct rows {
    unsigned chart, memory, panels, rest;
    bool beside; /* the panels are beside each other */
};

static struct rows divide(const struct cm_grid *grid, const struct cm_top_state *state,
                          unsigned wanted) {
    struct rows rows = {.chart = grid->rows >= TALL ? 3 : 1,
                        .memory = grid->rows >= TALL ? 2 : 1,
                        .beside = grid->columns >= 2 * CM_TOP_PANEL_COLUMNS + 2};
    unsigned left = grid->rows - 3; /* title, numbers, keys */
    if (state->plain)
        rows = (struct rows){.memory = 2, .beside = rows.beside};
    left -= rows.chart + rows.memory;
    if (left >= CM_TOP_PANEL_ROWS + TABLE_MIN || state->plain)
        rows.panels = CM_TOP_PANEL_ROWS;
    if (!rows.beside && left >= 2 * CM_TOP_PANEL_ROWS + TABLE_MIN)
        rows.panels = 2 * CM_TOP_PANEL_ROWS;
    rows.rest = left - rows.panels;
    while (!state->plain && grid->rows >= TALL && rows.rest > wanted && rows.chart < CHART_MAX) {
        rows.rest--;
        rows.chart++;
    }
    return rows;
}

static void draw_panels(struct cm_grid *grid, const struct cm_top_host *host, unsigned row,
                        const struct rows *rows) {
    struct cm_spot left = at(row, 1, grid->columns - 2, CM_STYLE_PLAIN), second = left;
    if (rows->beside) {
        left.width = (grid->columns - 5) / 2;
        second = at(row, left.width + 3, grid->columns - left.width - 4, CM_STYLE_PLAIN);
    } else {
        second.row += CM_TOP_PANEL_ROWS;
    }
    if (rows->panels > 0)
        cm_top_draw_kinds(grid, left, host);
    if (rows->panels > CM_TOP_PANEL_ROWS || (rows->panels > 0 && rows->beside))
        cm_top_draw_load(grid, second, host);
}

static void draw_all(struct cm_grid *grid, const struct cm_top_model *model,
                     struct cm_top_state *state) {
    const struct cm_top_host *single = cm_top_model_host(model, state->single);
    const struct cm_top_host *host = single != NULL ? single : &model->total;
    const bool shows_keys = state->view == CM_TOP_VIEW_KEYS;
    const unsigned wanted = shows_keys       ? CM_TOP_HOT_KEYS + 1
                            : single == NULL ? (unsigned)model->count + 1
                            : isnan(cm_top_latency(single, CM_TOP_GET_P50)) ? 10
                                                                            : 12;
    const struct rows rows = divide(grid, state, wanted);
    unsigned row = 1;
    draw_numbers(grid, host, row++);
    if (rows.chart > 0)
        draw_chart(grid, host, row, rows.chart);
    row += rows.chart;
    draw_memory_bar(grid, host, row);
    if (rows.memory > 1)
        draw_memory_text(grid, host, row + 1);
    row += rows.memory;
    draw_panels(grid, host, row, &rows);
    row += rows.panels;
    const struct cm_spot rest = at(row, 1, grid->columns - 2, CM_STYLE_PLAIN);
    if (shows_keys)
        cm_top_draw_hot_keys(grid, rest, &(struct cm_top_table){model, state, rows.rest});
    else if (single != NULL)
        cm_top_draw_details(grid, rest, single, rows.rest);
    else
        cm_top_draw_table(grid, rest, &(struct cm_top_table){model, state, rows.rest});
}

void cm_top_draw(struct cm_grid *grid, const struct cm_top_model *model,
                 struct cm_top_state *state) {
    if (grid->columns < CM_TOP_COLUMNS_MIN || grid->rows < CM_TOP_ROWS_MIN) {
        cm_grid_printf(grid, at(0, 0, grid->columns, CM_STYLE_PLAIN), "too small: %ux%u",
                       grid->columns, grid->rows);
        cm_grid_printf(grid, at(1, 0, grid->columns, CM_STYLE_PLAIN), "at least %dx%d",
                       CM_TOP_COLUMNS_MIN, CM_TOP_ROWS_MIN);
        return;
    }
    draw_title(grid, model, state);
    if (state->help)
        cm_top_draw_help(grid);
    else
        draw_all(grid, model, state);
    if (!state->plain)
        draw_keys(grid, model, state);
}

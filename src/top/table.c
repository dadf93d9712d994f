/* SPDX-License-Identifier: BSD-3-Clause */

/* The table of servers. */

#include "top/view.h"

#include "cli/units.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_COLUMNS = 4,
    NAME_MIN = 14,
    NAME_FIRST = 22,
    NAME_MAX = 44,
    CHART_MIN = 8,
    CHART_MAX = 60
};

/* ---- cells ---------------------------------------------------------------------------------- */

static char *show_ops(char *to, const struct cm_top_host *host) {
    return cm_top_show_rate(to, host->now[CM_TOP_OPS]);
}

static char *show_share(char *to, const struct cm_top_host *host) {
    if (isnan(host->share))
        snprintf(to, CM_UNITS_BYTES, "-");
    else
        snprintf(to, CM_UNITS_BYTES, "%.0f%s", 100 * host->share, host->is_hot ? "!" : "");
    return to;
}

static char *show_hit(char *to, const struct cm_top_host *host) {
    return cm_top_show_percent(to, host->now[CM_TOP_HIT]);
}

static char *show_memory(char *to, const struct cm_top_host *host) {
    const double used = host->items_bytes + (isnan(host->index_bytes) ? 0 : host->index_bytes);
    const double percent = 100 * used / host->limit_bytes;
    if (isnan(percent) || isinf(percent))
        snprintf(to, CM_UNITS_BYTES, "-");
    else
        snprintf(to, CM_UNITS_BYTES, "%.0f", percent);
    return to;
}

static char *show_evicted(char *to, const struct cm_top_host *host) {
    return cm_top_show_rate(to, host->now[CM_TOP_EVICTED]);
}

static char *show_conns(char *to, const struct cm_top_host *host) {
    return cm_top_show_count(to, host->now[CM_TOP_CONNS]);
}

static char *show_cpu(char *to, const struct cm_top_host *host) {
    const double cpu = host->now[CM_TOP_CPU];
    if (isnan(cpu))
        snprintf(to, CM_UNITS_BYTES, "-");
    else
        snprintf(to, CM_UNITS_BYTES, "%.0f", cpu);
    return to;
}

static char *show_ping(char *to, const struct cm_top_host *host) {
    return cm_top_show_time(to, host->now[CM_TOP_PING]);
}

static char *show_in(char *to, const struct cm_top_host *host) {
    return cm_top_show_size(to, host->now[CM_TOP_IN]);
}

static char *show_out(char *to, const struct cm_top_host *host) {
    return cm_top_show_size(to, host->now[CM_TOP_OUT]);
}

static char *show_get_p50(char *to, const struct cm_top_host *host) {
    return cm_top_show_time(to, cm_top_latency(host, CM_TOP_GET_P50));
}

static char *show_get_p99(char *to, const struct cm_top_host *host) {
    return cm_top_show_time(to, cm_top_latency(host, CM_TOP_GET_P99));
}

static char *show_set_p50(char *to, const struct cm_top_host *host) {
    return cm_top_show_time(to, cm_top_latency(host, CM_TOP_SET_P50));
}

static char *show_set_p99(char *to, const struct cm_top_host *host) {
    return cm_top_show_time(to, cm_top_latency(host, CM_TOP_SET_P99));
}

struct column {
    const char *title;
    unsigned width;
    int order; /* what sorts by it, -1: nothing */
    char *(*show)(char *to, const struct cm_top_host *host);
};

/* In the order in which they are given up where the terminal is narrow, the last one first. */
static const struct column load_columns[] = {
    {"ops/s", 7, CM_TOP_BY_OPS, show_ops},
    {"share%", 7, -1, show_share},
    {"hit%", 6, CM_TOP_BY_HIT, show_hit},
    {"mem%", 5, CM_TOP_BY_MEMORY, show_memory},
    {"evict/s", 8, CM_TOP_BY_EVICTED, show_evicted},
    {"conns", 6, CM_TOP_BY_CONNS, show_conns},
    {"cpu%", 5, CM_TOP_BY_CPU, show_cpu},
    {"ping", 8, CM_TOP_BY_PING, show_ping},
    {"in/s", 9, -1, show_in},
    {"out/s", 9, -1, show_out},
};

/* The same, with how long requests take. */
static const struct column time_columns[] = {
    {"get p99", 9, CM_TOP_BY_GET, show_get_p99},
    {"set p99", 9, CM_TOP_BY_SET, show_set_p99},
    {"get p50", 9, -1, show_get_p50},
    {"set p50", 9, -1, show_set_p50},
    {"ops/s", 7, CM_TOP_BY_OPS, show_ops},
    {"ping", 8, CM_TOP_BY_PING, show_ping},
    {"cpu%", 5, CM_TOP_BY_CPU, show_cpu},
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- layout --------------------------------------------------------------------------------- */

/* How a row is divided: number, name, as many columns as fit, and a chart if there is room. */
struct layout {
    const struct column *columns;
    unsigned name, count, chart;
};

/* What all names need, at least NAME_MIN and at most NAME_MAX. */
static unsigned name_columns(const struct cm_top_model *model) {
    size_t longest = NAME_MIN - 1;
    for (size_t i = 0; i < model->count; i++) {
        const size_t length = strlen(model->hosts[i]->last.label);
        longest = length > longest ? length : longest;
    }
    return longest < NAME_MAX ? (unsigned)longest + 1 : NAME_MAX;
}

/* First come names, as long as an IPv4 address with its port, then the columns, then longer names,
 * then the chart. */
static struct layout lay_out(const struct cm_top_table *table, unsigned width) {
    const unsigned wanted = name_columns(table->model);
    const bool is_of_times = table->state->view == CM_TOP_VIEW_TIMES;
    const struct column *columns = is_of_times ? time_columns : load_columns;
    const size_t most = is_of_times ? COUNT_OF(time_columns) : COUNT_OF(load_columns);
    struct layout layout = {.columns = columns, .name = wanted < NAME_FIRST ? wanted : NAME_FIRST};
    unsigned used = NUMBER_COLUMNS + layout.name;
    while (layout.count < most && used + columns[layout.count].width <= width)
        used += columns[layout.count++].width;
    unsigned left = width > used ? width - used : 0;
    const unsigned more = wanted - layout.name < left ? wanted - layout.name : left;
    layout.name += more;
    left -= more;
    if (left >= CHART_MIN + 2 && !table->state->plain)
        layout.chart = left - 2 < CHART_MAX ? left - 2 : CHART_MAX;
    return layout;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static struct cm_spot cell(struct cm_spot row, unsigned column, unsigned width,
                           enum cm_style style) {
    return (struct cm_spot){row.row, row.column + column, width, style, false};
}

static void draw_heading(struct cm_grid *grid, struct cm_spot row, const struct layout *layout,
                         enum cm_top_order order) {
    const struct column *columns = layout->columns;
    unsigned column = NUMBER_COLUMNS + layout->name;
    cm_grid_style(grid, cell(row, 0, row.width, CM_STYLE_HEAD));
    cm_grid_put(grid,
                cell(row, NUMBER_COLUMNS, layout->name,
                     order == CM_TOP_BY_NAME ? CM_STYLE_SORTED : CM_STYLE_HEAD),
                "server");
    for (unsigned i = 0; i < layout->count; column += columns[i++].width) {
        const bool sorted = columns[i].order == (int)order;
        struct cm_spot spot =
            cell(row, column, columns[i].width, sorted ? CM_STYLE_SORTED : CM_STYLE_HEAD);
        spot.right = true;
        cm_grid_put(grid, spot, columns[i].title);
    }
    if (layout->chart > 0)
        cm_grid_put(grid, cell(row, column + 2, layout->chart, CM_STYLE_HEAD), "ops/s");
}

static void draw_down(struct cm_grid *grid, struct cm_spot row, const struct cm_top_host *host,
                      int64_t wall_s) {
    char age[CM_UNITS_BYTES];
    const int64_t since = wall_s > host->down_since_s ? wall_s - host->down_since_s : 0;
    row.style = CM_STYLE_DOWN;
    cm_grid_printf(grid, row, "down %s: %s", cm_units_age(age, (uint64_t)since), host->last.reason);
}

static void draw_cells(struct cm_grid *grid, struct cm_spot row, const struct layout *layout,
                       const struct cm_top_host *host) {
    char text[CM_UNITS_BYTES];
    const struct column *columns = layout->columns;
    unsigned column = NUMBER_COLUMNS + layout->name;
    for (unsigned i = 0; i < layout->count; column += columns[i++].width) {
        const bool hot = host->is_hot && (columns[i].show == show_share);
        struct cm_spot spot =
            cell(row, column, columns[i].width, hot ? CM_STYLE_HOT : CM_STYLE_PLAIN);
        spot.right = true;
        cm_grid_put(grid, spot, columns[i].show(text, host));
    }
    if (layout->chart > 0)
        cm_grid_chart(grid, cell(row, column + 2, layout->chart, CM_STYLE_CHART),
                      &(struct cm_chart){.history = &host->history[CM_TOP_OPS], .height = 1});
}

static unsigned number_of(const struct cm_top_model *model, const struct cm_top_host *host) {
    unsigned number = 0;
    while (number < model->count && model->hosts[number] != host)
        number++;
    return number + 1;
}

static void draw_server(struct cm_grid *grid, struct cm_spot row, const struct cm_top_table *table,
                        const struct cm_top_host *host) {
    const struct layout layout = lay_out(table, row.width);
    const bool selected = host->id == table->state->selected;
    const unsigned rest = NUMBER_COLUMNS + layout.name + 2;
    cm_grid_printf(grid, cell(row, 0, NUMBER_COLUMNS, CM_STYLE_DIM), "%3u",
                   number_of(table->model, host));
    cm_grid_put(
        grid, cell(row, NUMBER_COLUMNS, layout.name, host->is_hot ? CM_STYLE_HOT : CM_STYLE_PLAIN),
        host->last.label);
    if (host->last.up)
        draw_cells(grid, row, &layout, host);
    else if (row.width > rest)
        draw_down(grid, cell(row, rest, row.width - rest, CM_STYLE_DOWN), host,
                  table->model->wall_s);
    if (selected)
        cm_grid_style(grid, cell(row, 0, row.width, CM_STYLE_SELECTED));
}

/* Keeps the selected server within `shown` rows, and the rows filled. */
static void scroll(const struct cm_top_table *table, const struct cm_top_host **sorted,
                   size_t shown) {
    struct cm_top_state *state = table->state;
    const size_t count = table->model->count;
    for (size_t i = 0; i < count && state->selected != 0; i++) {
        if (sorted[i]->id != state->selected)
            continue;
        if (i < state->scroll)
            state->scroll = i;
        else if (i >= state->scroll + shown)
            state->scroll = i - shown + 1;
    }
    const size_t last = count > shown ? count - shown : 0;
    if (state->scroll > last)
        state->scroll = last;
}

void cm_top_draw_table(struct cm_grid *grid, struct cm_spot spot,
                       const struct cm_top_table *table) {
    const size_t count = table->model->count;
    const size_t shown = table->height > 0 ? table->height - 1 : 0;
    const struct cm_top_host **sorted = calloc(count + 1, sizeof(struct cm_top_host *));
    if (sorted == NULL || shown == 0) {
        free(sorted);
        return;
    }
    const struct layout layout = lay_out(table, spot.width);
    cm_top_model_sort(table->model, table->state->order, sorted);
    scroll(table, sorted, shown);
    draw_heading(grid, spot, &layout, table->state->order);
    for (size_t i = table->state->scroll; i < count && i < table->state->scroll + shown; i++) {
        spot.row++;
        draw_server(grid, spot, table, sorted[i]);
    }
    free(sorted);
}

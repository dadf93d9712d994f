/* SPDX-License-Identifier: BSD-3-Clause */

/* Requests by kind, and what else keeps a server busy. */

#include "top/view.h"

#include "cli/units.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

char *cm_top_show_count(char *to, double count) {
    if (isnan(count))
        snprintf(to, CM_UNITS_BYTES, "-");
    else
        cm_units_count(to, count);
    return to;
}

char *cm_top_show_rate(char *to, double rate) {
    if (rate > 0 && rate < 9.95)
        snprintf(to, CM_UNITS_BYTES, "%.1f", rate);
    else
        cm_top_show_count(to, rate);
    return to;
}

char *cm_top_show_size(char *to, double bytes) {
    if (isnan(bytes))
        snprintf(to, CM_UNITS_BYTES, "-");
    else /* the double next to 2^64 is no uint64_t */
        cm_units_size(to, bytes < 1.8e19 ? (uint64_t)bytes : UINT64_MAX);
    return to;
}

char *cm_top_show_percent(char *to, double percent) {
    if (isnan(percent))
        snprintf(to, CM_UNITS_BYTES, "-");
    else if (percent < 99.95)
        snprintf(to, CM_UNITS_BYTES, "%.1f", percent);
    else /* of the processors, more than 100; and 99.97 of hits is not all of them */
        snprintf(to, CM_UNITS_BYTES, "%.*f", percent < 100 ? 2 : 0, floor(percent * 100) / 100);
    return to;
}

char *cm_top_show_time(char *to, double ns) {
    if (isnan(ns))
        snprintf(to, CM_UNITS_BYTES, "-");
    else
        cm_units_duration(to, ns < 1.8e19 ? (uint64_t)ns : UINT64_MAX);
    return to;
}

char *cm_top_show_interval(char *to, int64_t us) {
    if (us % 1000000 == 0)
        snprintf(to, CM_UNITS_BYTES, "%" PRId64 " s", us / 1000000);
    else
        snprintf(to, CM_UNITS_BYTES, "%" PRId64 " ms", us / 1000);
    return to;
}

static struct cm_spot at(struct cm_spot panel, unsigned row, unsigned column, unsigned width) {
    return (struct cm_spot){panel.row + row, panel.column + column, width, CM_STYLE_PLAIN, false};
}

static struct cm_spot right(struct cm_spot spot, enum cm_style style) {
    spot.right = true;
    spot.style = style;
    return spot;
}

static struct cm_spot styled(struct cm_spot spot, enum cm_style style) {
    spot.style = style;
    return spot;
}

/* What idles is dimmed, so that what does not stands out. */
static enum cm_style style_of(double value) {
    return value > 0 ? CM_STYLE_BOLD : CM_STYLE_DIM;
}

/* The rest of the panel's row, behind `column`. */
static void draw_chart(struct cm_grid *grid, struct cm_spot row, unsigned column,
                       const struct cm_chart *chart) {
    if (row.width <= column + 2)
        return;
    row.column += column;
    row.width -= column;
    cm_grid_chart(grid, styled(row, CM_STYLE_CHART), chart);
}

/* ---- requests by kind ----------------------------------------------------------------------- */

void cm_top_draw_kinds(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host) {
    char text[CM_UNITS_BYTES];
    cm_grid_printf(grid, at(spot, 0, 0, spot.width), "%-8s%8s%8s", "requests", "/s", "found %");
    cm_grid_style(grid, styled(at(spot, 0, 0, spot.width), CM_STYLE_HEAD));
    for (unsigned i = CM_TOP_GET; i < CM_TOP_KINDS; i++) {
        const bool is_part = i == CM_TOP_CAS || i == CM_TOP_META;
        const unsigned row = i - CM_TOP_GET + 1;
        const double value = host->now[i];
        cm_grid_printf(grid, at(spot, row, 0, 8), "%s%s", is_part ? " " : "",
                       cm_top_series_name((enum cm_top_series)i));
        cm_grid_put(grid, right(at(spot, row, 8, 8), style_of(value)),
                    cm_top_show_rate(text, value));
        if (!isnan(host->found[i]))
            cm_grid_put(grid, right(at(spot, row, 16, 8), CM_STYLE_PLAIN),
                        cm_top_show_percent(text, host->found[i]));
        draw_chart(grid, at(spot, row, 0, spot.width), 26,
                   &(struct cm_chart){.history = &host->history[i], .height = 1});
    }
}

/* ---- what they make the server do ------------------------------------------------------------ */

struct line {
    enum cm_top_series series;
    const char *name, *unit;
    char *(*show)(char *to, double value);
};

static void draw_line(struct cm_grid *grid, struct cm_spot row, const struct cm_top_host *host,
                      const struct line *line) {
    char text[CM_UNITS_BYTES];
    const double value = host->now[line->series];
    cm_grid_put(grid, at(row, 0, 0, 8), line->name);
    cm_grid_printf(grid, right(at(row, 0, 8, 14), style_of(value)), "%s%s", line->show(text, value),
                   isnan(value) ? "" : line->unit);
    draw_chart(grid, at(row, 0, 0, row.width), 24,
               &(struct cm_chart){.history = &host->history[line->series], .height = 1});
}

/* How old what was evicted was, where that is known, and how much of it was never of use. */
static void draw_evicted(struct cm_grid *grid, struct cm_spot row, const struct cm_top_host *host) {
    char text[CM_UNITS_BYTES];
    const double evicted = host->rate[CM_TOP_evictions];
    const double unread = host->rate[CM_TOP_evicted_unfetched];
    cm_grid_put(grid, at(row, 0, 0, 8), " unread");
    cm_grid_printf(grid, right(at(row, 0, 8, 14), style_of(unread)), "%s%s",
                   cm_top_show_percent(text, evicted > 0 ? fmin(100, 100 * unread / evicted) : NAN),
                   evicted > 0 ? " %" : "");
    if (host->last.evicted_age_known && row.width > 26)
        cm_grid_printf(grid, styled(at(row, 0, 23, row.width - 23), CM_STYLE_DIM), "idle %s",
                       cm_units_age(text, host->last.evicted_age_s));
}

void cm_top_draw_load(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host) {
    static const struct line lines[] = {
        {CM_TOP_EVICTED, "evicted", " /s", cm_top_show_rate},
        {CM_TOP_EXPIRED, "expired", " /s", cm_top_show_rate},
        {CM_TOP_IN, "in", "/s", cm_top_show_size},
        {CM_TOP_OUT, "out", "/s", cm_top_show_size},
        {CM_TOP_CPU, "cpu", " %", cm_top_show_percent},
        {CM_TOP_CONNS, "conns", "", cm_top_show_count},
        {CM_TOP_PING, "ping", "", cm_top_show_time},
    };
    cm_grid_printf(grid, at(spot, 0, 0, spot.width), "%-8s%14s", "load", "now");
    cm_grid_style(grid, styled(at(spot, 0, 0, spot.width), CM_STYLE_HEAD));
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        draw_line(grid, at(spot, i + (i == 0 ? 1 : 2), 0, spot.width), host, &lines[i]);
    draw_evicted(grid, at(spot, 2, 0, spot.width), host);
}

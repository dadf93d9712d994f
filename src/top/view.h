/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_VIEW_H
#define CM_TOP_VIEW_H

#include "top/grid.h"
#include "top/model.h"

/* What is seen of a model. */

/* What is below the panels. */
enum cm_top_view { CM_TOP_VIEW_SERVERS, CM_TOP_VIEW_TIMES, CM_TOP_VIEW_KEYS };

struct cm_top_state {
    enum cm_top_view view;
    enum cm_top_order order;
    unsigned selected, single; /* ids of servers; 0: none, all */
    size_t scroll;             /* of the table, rows */
    int64_t interval_us;
    bool help, paused;
    bool plain; /* for no terminal: no charts, no keys */
};

#define CM_TOP_COLUMNS_MIN 40
#define CM_TOP_ROWS_MIN    10

/* Draws all of it; scrolls so that the selected server is seen. */
void cm_top_draw(struct cm_grid *grid, const struct cm_top_model *model,
                 struct cm_top_state *state);

/* ---- the pieces ---------------------------------------------------------------------------- */

#define CM_TOP_PANEL_ROWS    9
#define CM_TOP_PANEL_COLUMNS 38

/* Requests by kind, and what they make the server do; each CM_TOP_PANEL_ROWS high, from the spot on.
 * The spot's style says nothing. */
void cm_top_draw_kinds(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host);
void cm_top_draw_load(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host);

/* `height` rows of the table of servers, its heading included. */
struct cm_top_table {
    const struct cm_top_model *model;
    struct cm_top_state *state;
    unsigned height;
};
void cm_top_draw_table(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_table *table);

/* The keys asked for most of all servers, or of the one looked at, in as many rows. */
void cm_top_draw_hot_keys(struct cm_grid *grid, struct cm_spot spot,
                          const struct cm_top_table *table);

/* What else a server tells, in `height` rows. */
void cm_top_draw_details(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host,
                         unsigned height);

void cm_top_draw_help(struct cm_grid *grid);

/* Numbers as they stand in tables, "-" for what is not known. Each writes at most CM_UNITS_BYTES and
 * returns `to`. */
char *cm_top_show_count(char *to, double count);
char *cm_top_show_rate(char *to, double rate); /* a second; with a decimal if it is small */
char *cm_top_show_size(char *to, double bytes);
char *cm_top_show_percent(char *to, double percent); /* "98.3" */
char *cm_top_show_time(char *to, double ns);

/* "1 s", "250 ms" */
char *cm_top_show_interval(char *to, int64_t us);

#endif

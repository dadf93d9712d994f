/* SPDX-License-Identifier: BSD-3-Clause */

/* The keys asked for most. */

#include "top/view.h"

#include "cli/units.h"
#include <math.h>
#include <stdlib.h>

enum { RATE = 7, PERCENT = 7, SERVER_MIN = 14, SERVER_MAX = 24, KEY_MIN = 20 };

struct spot {
    const struct cm_top_key *key;
    const struct cm_top_host *host;
};

static struct cm_spot cell(struct cm_spot row, unsigned column, unsigned width) {
    return (struct cm_spot){row.row, row.column + column, width, row.style, false};
}

static int compare(const void *left, const void *right) {
    const struct spot *a = left, *b = right;
    if (a->key->per_s > b->key->per_s || a->key->per_s < b->key->per_s)
        return a->key->per_s > b->key->per_s ? -1 : 1;
    return a->host->id < b->host->id ? -1 : a->host->id > b->host->id;
}

/* Of all servers, or of the one that is looked at. */
static size_t collect(const struct cm_top_table *table, struct spot *spots) {
    const struct cm_top_model *model = table->model;
    const struct cm_top_host *single = cm_top_model_host(model, table->state->single);
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct cm_top_host *host = model->hosts[i];
        for (unsigned k = 0; k < CM_TOP_HOT_KEYS && (single == NULL || single == host); k++) {
            if (host->last.up && host->last.keys[k].label[0] != '\0')
                spots[count++] = (struct spot){&host->last.keys[k], host};
        }
    }
    qsort(spots, count, sizeof *spots, compare);
    return count;
}

static double percent_of(double part, double whole) {
    return whole > 0 ? fmin(100, 100 * part / whole) : NAN;
}

/* The server's name is left out where there is no room for it, or only one. */
static unsigned server_columns(const struct cm_top_table *table, unsigned width) {
    const unsigned left = width - RATE - 3 * PERCENT - 4;
    if (table->model->count < 2 || table->state->single != 0 || left < KEY_MIN + SERVER_MIN)
        return 0;
    return left - KEY_MIN < SERVER_MAX ? left - KEY_MIN : SERVER_MAX;
}

static void draw_key(struct cm_grid *grid, struct cm_spot row, const struct spot *spot,
                     unsigned server) {
    const struct cm_top_key *key = spot->key;
    const double percents[] = {100 * key->share, percent_of(key->writes, key->requests),
                               percent_of(key->misses, key->requests)};
    const unsigned key_at = RATE + 3 * PERCENT + 2;
    char text[CM_UNITS_BYTES];
    struct cm_spot number = cell(row, 0, RATE);
    number.right = true;
    cm_grid_put(grid, number, cm_top_show_rate(text, key->per_s));
    for (unsigned i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        number.column = row.column + RATE + i * PERCENT;
        number.width = PERCENT;
        cm_grid_put(grid, number, cm_top_show_percent(text, percents[i]));
    }
    if (server > 0)
        cm_grid_put(grid, cell(row, key_at, server), spot->host->last.label);
    const unsigned behind = key_at + (server > 0 ? server + 2 : 0);
    cm_grid_put(grid, cell(row, behind, row.width - behind), key->label);
}

static void draw_heading(struct cm_grid *grid, struct cm_spot row, unsigned server) {
    row.style = CM_STYLE_HEAD;
    cm_grid_style(grid, row);
    cm_grid_printf(grid, row, "%*s%*s%*s%*s  %-*s%s", RATE, "/s", PERCENT, "share%", PERCENT,
                   "write%", PERCENT, "miss%", server > 0 ? (int)server + 2 : 0,
                   server > 0 ? "server" : "", "key");
}

static const char *why_none(const struct cm_top_model *model) {
    for (size_t i = 0; i < model->count; i++) {
        if (model->hosts[i]->last.keys_asked)
            return "none told: nobody asks for any, or it is memcached, --hot-keys=0 or -X";
    }
    return "asking ...";
}

void cm_top_draw_hot_keys(struct cm_grid *grid, struct cm_spot spot,
                          const struct cm_top_table *table) {
    struct spot *spots = calloc(table->model->count * CM_TOP_HOT_KEYS + 1, sizeof *spots);
    const unsigned server = server_columns(table, spot.width);
    if (spots == NULL || table->height == 0) {
        free(spots);
        return;
    }
    const size_t count = collect(table, spots);
    draw_heading(grid, spot, server);
    if (count == 0 && table->height > 1) {
        spot.row++;
        cm_grid_put(grid, spot, why_none(table->model));
    }
    for (size_t i = 0; i < count && i + 1 < table->height; i++) {
        spot.row++;
        draw_key(grid, spot, &spots[i], server);
    }
    free(spots);
}

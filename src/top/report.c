/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/report.h"

#include <jansson.h>
#include <langinfo.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_COLUMNS = 100, PLAIN_ROWS_BESIDES = 15 };

/* ---- JSON ---------------------------------------------------------------------------------- */

/* What is not known is null. */
static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *counter(const struct cm_top_host *host, enum cm_top_counter which) {
    if (!cm_top_knows(&host->last, which))
        return json_null();
    const uint64_t value = host->last.counter[which];
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Texts are in the locale's characters, JSON in UTF-8. */
static json_t *text(const char *value) {
    json_t *made = json_string(value);
    return made != NULL ? made : json_string("?");
}

static json_t *rates(const struct cm_top_host *host) {
    json_t *object = json_object();
    for (unsigned i = 0; i < CM_TOP_SERIES; i++) {
        if (i != CM_TOP_HIT && i != CM_TOP_CONNS && i != CM_TOP_PING && i != CM_TOP_CPU)
            json_object_set_new(object, cm_top_series_name((enum cm_top_series)i),
                                number(host->now[i]));
    }
    return object;
}

static json_t *found(const struct cm_top_host *host) {
    json_t *object = json_object();
    for (unsigned i = CM_TOP_GET; i < CM_TOP_KINDS; i++) {
        if (!isnan(host->found[i]))
            json_object_set_new(object, cm_top_series_name((enum cm_top_series)i),
                                number(host->found[i] / 100));
    }
    return object;
}

static json_t *memory(const struct cm_top_host *host) {
    json_t *object = json_object();
    json_object_set_new(object, "limit", number(host->limit_bytes));
    json_object_set_new(object, "items", number(host->items_bytes));
    json_object_set_new(object, "index", number(host->index_bytes));
    return object;
}

/* What a server and their total have in common. */
static json_t *numbers(const struct cm_top_host *host) {
    json_t *object = json_object();
    json_object_set_new(object, "per_second", rates(host));
    json_object_set_new(object, "found", found(host));
    json_object_set_new(object, "cpu", number(host->now[CM_TOP_CPU] / 100));
    json_object_set_new(object, "ping_us", number(host->now[CM_TOP_PING] / 1000));
    json_object_set_new(object, "connections", counter(host, CM_TOP_curr_connections));
    json_object_set_new(object, "items", counter(host, CM_TOP_curr_items));
    json_object_set_new(object, "memory_bytes", memory(host));
    return object;
}

static json_t *latency_pair(const struct cm_top_host *host, enum cm_top_latency half,
                            enum cm_top_latency most) {
    json_t *object = json_object();
    json_object_set_new(object, "p50", number(cm_top_latency(host, half) / 1000));
    json_object_set_new(object, "p99", number(cm_top_latency(host, most) / 1000));
    return object;
}

static json_t *latencies(const struct cm_top_host *host) {
    json_t *object = json_object();
    json_object_set_new(object, "get", latency_pair(host, CM_TOP_GET_P50, CM_TOP_GET_P99));
    json_object_set_new(object, "set", latency_pair(host, CM_TOP_SET_P50, CM_TOP_SET_P99));
    return object;
}

static json_t *server(const struct cm_top_host *host) {
    json_t *object = host->last.up ? numbers(host) : json_object();
    json_object_set_new(object, "server", text(host->last.label));
    json_object_set_new(object, "up", json_boolean(host->last.up));
    if (!host->last.up) {
        json_object_set_new(object, "down_since", json_integer(host->down_since_s));
        json_object_set_new(object, "reason", text(host->last.reason));
        return object;
    }
    json_object_set_new(object, "interval", number(host->interval_s));
    json_object_set_new(object, "version", text(host->last.version));
    json_object_set_new(object, "uptime", counter(host, CM_TOP_uptime));
    json_object_set_new(object, "latency_us", latencies(host));
    json_object_set_new(object, "share", number(host->share));
    json_object_set_new(object, "hot", json_boolean(host->is_hot));
    return object;
}

bool cm_top_print_json(FILE *to, const struct cm_top_model *model) {
    json_t *object = json_object(), *servers = json_array();
    json_object_set_new(object, "time", json_integer(model->wall_s));
    json_object_set_new(object, "interval", number(model->interval_s));
    json_object_set_new(object, "total", numbers(&model->total));
    for (size_t i = 0; i < model->count; i++)
        json_array_append_new(servers, server(model->hosts[i]));
    json_object_set_new(object, "servers", servers);
    char *line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (line != NULL)
        fprintf(to, "%s\n", line);
    free(line);
    return line != NULL;
}

/* ---- text ---------------------------------------------------------------------------------- */

void cm_top_print_grid(FILE *to, const struct cm_grid *grid) {
    for (unsigned row = 0; row < grid->rows; row++) {
        const struct cm_cell *cells = &grid->cells[(size_t)row * grid->columns];
        unsigned columns = grid->columns;
        while (columns > 0 && cells[columns - 1].glyph == L' ')
            columns--;
        for (unsigned i = 0; i < columns; i++) {
            char bytes[MB_LEN_MAX];
            const int count = cells[i].glyph == 0 ? 0 : wctomb(bytes, cells[i].glyph);
            fwrite(bytes, 1, count > 0 ? (size_t)count : 0, to);
        }
        fputc('\n', to);
    }
}

bool cm_top_print_plain(FILE *to, const struct cm_top_model *model, struct cm_top_state *state) {
    struct cm_grid grid = {.no_charts = true, .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0};
    const size_t rows = model->count < 10000 ? model->count : 10000;
    const bool made =
        cm_grid_resize(&grid, PLAIN_COLUMNS, PLAIN_ROWS_BESIDES + (unsigned)rows) == CM_OK;
    if (made) {
        cm_top_draw(&grid, model, state);
        grid.rows--; /* where keys are told */
        cm_top_print_grid(to, &grid);
    }
    cm_grid_deinit(&grid);
    return made;
}

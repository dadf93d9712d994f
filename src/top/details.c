/* SPDX-License-Identifier: BSD-3-Clause */

/* What a single server tells besides. */

#include "top/view.h"

#include "cli/units.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static struct cm_spot part(struct cm_spot row, unsigned column, unsigned width,
                           enum cm_style style) {
    return (struct cm_spot){row.row, row.column + column, width, style, false};
}

struct detail {
    const char *name;
    char text[64];
};

static void tell_count(struct detail *detail, const struct cm_top_host *host, const char *name,
                       enum cm_top_counter counter) {
    *detail = (struct detail){.name = name, .text = "-"};
    if (cm_top_knows(&host->last, counter))
        snprintf(detail->text, sizeof detail->text, "%" PRIu64, host->last.counter[counter]);
}

static void tell_percent(struct detail *detail, const char *name, double percent) {
    char text[CM_UNITS_BYTES];
    *detail = (struct detail){.name = name};
    snprintf(detail->text, sizeof detail->text, "%s%s", cm_top_show_percent(text, percent),
             isnan(percent) ? "" : " %");
}

static const struct {
    const char *name;
    enum cm_top_counter counter;
} told[] = {
    {"items stored", CM_TOP_total_items},
    {"worker threads", CM_TOP_threads},
    {"evictions", CM_TOP_evictions},
    {"connections, limit", CM_TOP_max_connections},
    {"evicted unread", CM_TOP_evicted_unfetched},
    {"connections, total", CM_TOP_total_connections},
    {"evicted within 1 min", CM_TOP_evicted_active},
    {"connections refused", CM_TOP_rejected_connections},
    {"expired unread", CM_TOP_expired_unfetched},
    {"accepting stopped", CM_TOP_listen_disabled_num},
    {"gets of expired items", CM_TOP_get_expired},
    {"logins failed", CM_TOP_auth_errors},
    {"refused: too large", CM_TOP_store_too_large},
    {"flush_all", CM_TOP_cmd_flush},
    {"refused: no room", CM_TOP_store_no_memory},
    {"process id", CM_TOP_pid},
    {"stores that waited", CM_TOP_direct_reclaims},
};
enum { TOLD = sizeof told / sizeof told[0], DETAILS = TOLD + 1 + CM_TOP_LATENCIES };

/* Where it is told; returns how many details. */
static unsigned tell_latencies(struct detail *details, const struct cm_top_host *host) {
    static const char *const names[CM_TOP_LATENCIES] = {
        [CM_TOP_GET_P50] = "half of gets took",
        [CM_TOP_GET_P99] = "99 % of gets took",
        [CM_TOP_SET_P50] = "half of sets took",
        [CM_TOP_SET_P99] = "99 % of sets took",
    };
    unsigned count = 0;
    for (unsigned i = 0; i < CM_TOP_LATENCIES; i++) {
        const double ns = cm_top_latency(host, (enum cm_top_latency)i);
        if (isnan(ns))
            continue;
        details[count] = (struct detail){.name = names[i]};
        cm_top_show_time(details[count++].text, ns);
    }
    return count;
}

void cm_top_draw_details(struct cm_grid *grid, struct cm_spot spot, const struct cm_top_host *host,
                         unsigned height) {
    struct detail details[DETAILS];
    const unsigned across = spot.width >= 70 ? 2 : 1;
    const unsigned width = spot.width / across;
    unsigned count = tell_latencies(details, host);
    tell_percent(&details[count++], "found since start", cm_top_hit_since_start(host));
    for (unsigned i = 0; i < TOLD; i++)
        tell_count(&details[count++], host, told[i].name, told[i].counter);
    cm_grid_put(grid, part(spot, 0, spot.width, CM_STYLE_HEAD), "since the server started");
    cm_grid_style(grid, part(spot, 0, spot.width, CM_STYLE_HEAD));
    for (unsigned i = 0; i < count && i / across + 1 < height; i++) {
        struct cm_spot row = spot;
        row.row += 1 + i / across;
        row.column += i % across * width;
        cm_grid_put(grid, part(row, 0, 22, CM_STYLE_PLAIN), details[i].name);
        struct cm_spot value = part(row, 22, width > 38 ? 14 : width - 23, CM_STYLE_BOLD);
        value.right = true;
        cm_grid_put(grid, value, details[i].text);
    }
}

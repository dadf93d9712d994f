/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/pages.h"
#include "admin/print.h"
#include "base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* What one answer holds at most, so that many of them at once are not much memory. */
enum { ROWS_MAX = 240 };

/* Most are 0, and %g takes long. */
static void put_value(struct cm_admin_printer *out, float value) {
    if (isnan(value))
        cm_admin_print(out, "null");
    else if (value == 0)
        cm_admin_print(out, "0");
    else
        cm_admin_print(out, "%.7g", (double)value);
}

static void put_column(struct cm_admin_printer *out, const struct cm_history_row *rows,
                       size_t count, size_t series) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            cm_admin_print(out, ",");
        put_value(out, rows[i].values[series]);
    }
}

static void put_rows(struct cm_admin_printer *out, const struct cm_history_row *rows,
                     size_t count) {
    static const char *const names[] = {
#define CM_SERIES(name, kind, value) #name,
#define CM_PERCENTILE(name, share)   #name,
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
    };
    cm_admin_print(out, "\"times\":[");
    for (size_t i = 0; i < count; i++)
        cm_admin_print(out, "%s%" PRId64, i > 0 ? "," : "", rows[i].time_s);
    cm_admin_print(out, "],\n\"series\":{");
    for (size_t i = 0; i < CM_SERIES_COUNT; i++) {
        cm_admin_print(out, "%s\n\"%s\":[", i > 0 ? "," : "", names[i]);
        put_column(out, rows, count, i);
        cm_admin_print(out, "]");
    }
    cm_admin_print(out, "}}\n");
}

enum cm_status cm_admin_put_history(struct cm_history *history,
                                    const struct cm_admin_history_query *asked, struct cm_buf *to) {
    struct cm_admin_printer out = {.to = to};
    struct cm_history_row *rows = malloc(ROWS_MAX * sizeof *rows);
    if (rows == NULL)
        return CM_NO_MEMORY;
    const struct cm_history_query query = {
        .step = asked->step,
        .since_s = asked->since_s < 0 ? asked->now_s + asked->since_s : asked->since_s,
        .rows = rows,
        .room = ROWS_MAX,
    };
    bool more;
    size_t count = cm_history_copy(history, &query, &more);
    cm_admin_print(&out, "{\"now\":%" PRId64 ",", asked->now_s);
    cm_admin_print(&out, "\"step\":%d,", asked->step == CM_HISTORY_BY_SECOND ? 1 : 60);
    cm_admin_print(&out, "\"more\":%s,\n", more ? "true" : "false");
    put_rows(&out, rows, count);
    free(rows);
    return out.status;
}

const char *cm_admin_parse_history(const char *step, const char *since,
                                   struct cm_admin_history_query *asked) {
    asked->step = CM_HISTORY_BY_SECOND;
    asked->since_s = 0;
    if (step != NULL && strcmp(step, "60") == 0)
        asked->step = CM_HISTORY_BY_MINUTE;
    else if (step != NULL && strcmp(step, "1") != 0)
        return "step is 1 or 60, seconds\n";
    if (since != NULL &&
        (!cm_num_i64(cm_slice(since, strlen(since)), &asked->since_s) ||
         asked->since_s > CM_ADMIN_SINCE_MAX || asked->since_s < -CM_ADMIN_SINCE_MAX))
        return "since is a Unix time in seconds, or, below 0, how many seconds ago\n";
    return NULL;
}

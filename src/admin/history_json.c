/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/pages.h"
#include "base/format.h"
#include "base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What one answer holds at most, so that many of them at once are not much memory. */
enum { ROWS_MAX = 720, PIECE_BYTES = 64 };

struct writer {
    struct cm_buf *to;
    enum cm_status status; /* the first that was not OK; nothing is written then */
};

CM_PRINTF(2, 3)
static void put(struct writer *writer, const char *format, ...) {
    if (writer->status == CM_OK)
        writer->status = cm_buf_reserve(writer->to, PIECE_BYTES);
    if (writer->status != CM_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(cm_buf_tail(writer->to), PIECE_BYTES, format, arguments);
    va_end(arguments);
    CM_CHECK(bytes >= 0 && bytes < PIECE_BYTES); /* our own literals, names and numbers */
    cm_buf_wrote(writer->to, (size_t)bytes);
}

/* Most are 0, and %g takes long. */
static void put_value(struct writer *writer, float value) {
    if (isnan(value))
        put(writer, "null");
    else if (value == 0)
        put(writer, "0");
    else
        put(writer, "%.7g", (double)value);
}

static void put_column(struct writer *writer, const struct cm_history_row *rows, size_t count,
                       size_t series) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(writer, ",");
        put_value(writer, rows[i].values[series]);
    }
}

static void put_rows(struct writer *writer, const struct cm_history_row *rows, size_t count) {
    static const char *const names[] = {
#define CM_SERIES(name, kind, value) #name,
#define CM_PERCENTILE(name, share)   #name,
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
    };
    put(writer, "\"times\":[");
    for (size_t i = 0; i < count; i++)
        put(writer, "%s%" PRId64, i > 0 ? "," : "", rows[i].time_s);
    put(writer, "],\n\"series\":{");
    for (size_t i = 0; i < CM_SERIES_COUNT; i++) {
        put(writer, "%s\n\"%s\":[", i > 0 ? "," : "", names[i]);
        put_column(writer, rows, count, i);
        put(writer, "]");
    }
    put(writer, "}}\n");
}

enum cm_status cm_admin_put_history(struct cm_history *history,
                                    const struct cm_admin_history_query *asked, struct cm_buf *to) {
    struct writer writer = {.to = to};
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
    put(&writer, "{\"now\":%" PRId64 ",", asked->now_s);
    put(&writer, "\"step\":%d,", asked->step == CM_HISTORY_BY_SECOND ? 1 : 60);
    put(&writer, "\"more\":%s,\n", more ? "true" : "false");
    put_rows(&writer, rows, count);
    free(rows);
    return writer.status;
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

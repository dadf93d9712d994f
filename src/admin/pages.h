/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_PAGES_H
#define CM_ADMIN_PAGES_H

#include "admin/history.h"
#include "base/buf.h"

#define CM_ADMIN_HOT_KEYS 20

/* What is on the pages, appended to `to`. NO_MEMORY: some of it. */

/* What the pages are made of: much for a stack. */
struct cm_admin_readings {
    struct cm_stats_readings stats;
    struct cm_duration_sums durations[CM_COMMANDS];
};

/* tables/metrics.def in the text format of Prometheus 0.0.4, or as OpenMetrics 1.0. */
CM_MUST_CHECK enum cm_status cm_admin_put_metrics(const struct cm_admin_readings *readings,
                                                  bool open_metrics, struct cm_buf *to);
/* The lines of `stats`, in one object: numbers as such, what else there is as texts. And "latency",
 * which has an object for each command, and "hot_keys", if any are to be shown (not NULL). */
CM_MUST_CHECK enum cm_status cm_admin_put_json(const struct cm_admin_readings *readings,
                                               const struct cm_hot_list *hot_keys,
                                               struct cm_buf *to);

/* What /history.json was asked for. */
struct cm_admin_history_query {
    enum cm_history_step step;
    int64_t since_s; /* below 0: so long before now_s */
    int64_t now_s;
};

#define CM_ADMIN_SINCE_MAX (INT64_C(1) << 40)

/* Rows after a time, column by column: the oldest of them, as many as one answer may hold. */
CM_MUST_CHECK enum cm_status cm_admin_put_history(struct cm_history *history,
                                                  const struct cm_admin_history_query *asked,
                                                  struct cm_buf *to);
/* The parameters as they came, NULL: not given. NULL, or what is wrong, a line for people. */
const char *cm_admin_parse_history(const char *step, const char *since,
                                   struct cm_admin_history_query *asked);

/* Whether the value of a header Accept asks for OpenMetrics; NULL: there is none. */
bool cm_admin_wants_open_metrics(const char *accept);

#endif

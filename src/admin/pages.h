/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_PAGES_H
#define CM_ADMIN_PAGES_H

#include "base/buf.h"
#include "command/stats.h"

/* What is on the pages, appended to `to`. NO_MEMORY: some of it. */

/* tables/metrics.def in the text format of Prometheus 0.0.4, or as OpenMetrics 1.0. */
CM_MUST_CHECK enum cm_status cm_admin_put_metrics(const struct cm_stats_readings *readings,
                                                  bool open_metrics, struct cm_buf *to);
/* The lines of `stats`, in one object: numbers as such, what else there is as texts. */
CM_MUST_CHECK enum cm_status cm_admin_put_json(const struct cm_stats_readings *readings,
                                               struct cm_buf *to);

/* Whether the value of a header Accept asks for OpenMetrics; NULL: there is none. */
bool cm_admin_wants_open_metrics(const char *accept);

#endif

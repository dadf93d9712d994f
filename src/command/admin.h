/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_ADMIN_H
#define CM_COMMAND_ADMIN_H

#include <cacheman/status.h>

struct cm_metrics_group;

/* What commands of all connections share besides the store: the counters of all threads, the
 * per-prefix statistics of `stats detail`, the switches of `lru_crawler`. Any thread. */
struct cm_admin;

/* `metrics` is borrowed until destroyed. NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_admin_create(struct cm_metrics_group *metrics,
                                             struct cm_admin **out);
/* NULL is allowed. */
void cm_admin_destroy(struct cm_admin *admin);

#endif

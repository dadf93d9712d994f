/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_ADMIN_H
#define CM_COMMAND_ADMIN_H

#include <cacheman/status.h>
#include <stdbool.h>
#include <stdint.h>

struct cm_hot_group;
struct cm_metrics_group;
struct cm_watch;

/* What commands of all connections share besides the store: the counters of all threads, their
 * hot keys, the per-prefix statistics of `stats detail`, the switches of `lru_crawler`. Any thread. */
struct cm_admin;

/* `metrics` is borrowed until destroyed. NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_admin_create(struct cm_metrics_group *metrics,
                                             struct cm_admin **out);
/* The Unix time of the store's clock second 0, which follows the time of day when that is set. Any
 * thread. */
void cm_admin_set_wall_zero(struct cm_admin *admin, int64_t wall_zero_s);
int64_t cm_admin_wall_zero(const struct cm_admin *admin);
/* What ends a key's prefix, a colon at first. Before any command is executed. */
void cm_admin_set_prefix_delimiter(struct cm_admin *admin, char delimiter);
/* How many keys each thread follows to find the hot ones, 128 at first; 0: none. Before any session's
 * worker is made. As cm_admin_create(). */
CM_MUST_CHECK enum cm_status cm_admin_set_hot_keys(struct cm_admin *admin, unsigned keys);
/* The admin's own. */
struct cm_hot_group *cm_admin_hot_keys(const struct cm_admin *admin);
/* Whether keys are counted by prefix. */
bool cm_admin_detail_is_on(const struct cm_admin *admin);
void cm_admin_set_detail(struct cm_admin *admin, bool on);

/* NULL is allowed. */
void cm_admin_destroy(struct cm_admin *admin);
/* Who watches all that; the admin's own. */
struct cm_watch *cm_admin_watch(const struct cm_admin *admin);

#endif

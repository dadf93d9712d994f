/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_HISTOGRAM_H
#define CM_COMMAND_HISTOGRAM_H

#include "command/control.h"
#include <cacheman/store.h>

/* Items counted by size, for the statistics that memcached keeps by class of memory. */
struct cm_histogram;

/* NULL: no memory. */
struct cm_histogram *cm_histogram_create(void);
/* NULL is allowed. */
void cm_histogram_destroy(struct cm_histogram *histogram);
void cm_histogram_add(struct cm_histogram *histogram, const struct cmstore_item *item);

/* The lines of `stats items`, `slabs` and `sizes`. */
void cm_histogram_items(const struct cm_histogram *histogram, uint32_t now_s,
                        struct cm_stat_sink *sink);
void cm_histogram_slabs(const struct cm_histogram *histogram, struct cm_stat_sink *sink);
void cm_histogram_sizes(const struct cm_histogram *histogram, struct cm_stat_sink *sink);

#endif

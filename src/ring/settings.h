/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_RING_SETTINGS_H
#define CM_RING_SETTINGS_H

#include "base/format.h"
#include "ring/cluster.h"

/* Writes the error and returns INVALID. `column` from 1, 0 if it is about no place. */
CM_PRINTF(3, 4)
enum cm_status cm_cluster_fail(struct cm_cluster_error *error, size_t column, const char *format,
                               ...);

/* Replaces %XX by its byte, and ends with a zero. False: too long for `room`, a '%' without its
 * digits, or a byte of zero. */
bool cm_cluster_decode(struct cm_slice text, char *to, size_t room);

/* One option; the columns are those of name and value. */
struct cm_setting_value {
    struct cm_slice name, value;
    size_t name_column, value_column;
};
CM_MUST_CHECK enum cm_status cm_setting_set(struct cm_settings *settings,
                                            const struct cm_setting_value *value,
                                            struct cm_cluster_error *error);
void cm_settings_init(struct cm_settings *settings);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_RECORD_H
#define CM_CONSOLE_RECORD_H

#include "base/slice.h"

/* The file of the lines typed: $XDG_STATE_HOME/cacheman/history, readable by its owner alone. Each
 * line is added at once, so that nothing is lost and several consoles share it. */

#define CM_RECORD_LINES_MAX 1000

typedef void cm_record_visitor(void *context, const char *line);

/* Visits the last lines, oldest first. */
void cm_record_read(cm_record_visitor *visit, void *context);
/* A line that holds a password, or begins with a space, is left out. */
bool cm_record_wants(struct cm_slice line);
void cm_record_add(struct cm_slice line);

#endif

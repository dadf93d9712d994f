/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_LOG_H
#define CM_BASE_LOG_H

#include "base/format.h"
#include <stdbool.h>
#include <stdio.h>

/* Messages for the people who run the program: one line each, plain text. */

enum cm_log_level {
    CM_LOG_ERROR,   /* the program cannot do what it was asked to */
    CM_LOG_WARNING, /* it can, but somebody should look */
    CM_LOG_INFO,    /* what it does, once per event of its life */
    CM_LOG_DEBUG,   /* what its clients do */
};

/* Both borrowed. Not changed once threads use it. */
struct cm_log {
    FILE *to;
    const char *program;         /* whose name each line begins with */
    enum cm_log_level level_max; /* the most talkative level that is written */
};

/* The longest line, its end included; longer ones are cut. */
#define CM_LOG_LINE_BYTES 1024

static inline bool cm_log_wants(const struct cm_log *log, enum cm_log_level level) {
    return level <= log->level_max;
}

/* Writes one line, whole, from any thread. Control characters in the text come out as '?', so that
 * nothing a client sends can forge a line or move a terminal's cursor. */
void cm_log(const struct cm_log *log, enum cm_log_level level, const char *format, ...)
    CM_PRINTF(3, 4);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_LOG_H
#define CM_BASE_LOG_H

#include "base/format.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Messages for the people who run the program: one line each, in one write, from any thread. */

enum cm_log_level {
    CM_LOG_ERROR,   /* the program cannot do what it was asked to */
    CM_LOG_WARNING, /* it can, but somebody should look */
    CM_LOG_INFO,    /* what it does, once per event of its life */
    CM_LOG_DEBUG,   /* what its clients do, once per connection */
    CM_LOG_TRACE,   /* every read */
};

enum cm_log_format {
    CM_LOG_TEXT, /* "program: message" */
    CM_LOG_JSON, /* an object with time, level, program, message */
};

enum {
    CM_LOG_MESSAGE_BYTES = 1600, /* with its end; longer ones are cut */
    CM_LOG_BURST = 20,           /* lines a second that clients cause at one place in the code */
    CM_LOG_SLOTS = 16,           /* of places; those that share one share its lines */
};

struct cm_log_slot {
    _Atomic uint64_t second;
    _Atomic uint32_t count, left_out;
};

/* `to` and `program` are borrowed; level_max and format may be changed at any time. */
struct cm_log {
    FILE *to;
    const char *program;
    bool to_journal;       /* which reads a level in front of a line */
    _Atomic int level_max; /* the most talkative level that is written */
    _Atomic int format;
    struct cm_log_slot slots[CM_LOG_SLOTS];
};

static inline bool cm_log_wants(const struct cm_log *log, enum cm_log_level level) {
    return (int)level <= atomic_load_explicit(&log->level_max, memory_order_relaxed);
}

/* Writes one line. Control characters in the text come out as '?', so that nothing a client sends
 * can forge a line or move a terminal's cursor. */
CM_PRINTF(3, 4)
void cm_log(struct cm_log *log, enum cm_log_level level, const char *format, ...);
CM_PRINTF(3, 0)
void cm_log_list(struct cm_log *log, enum cm_log_level level, const char *format,
                 va_list arguments);
/* For what clients cause: past CM_LOG_BURST lines a second of one format they are only counted, and
 * told of with the next one that is written. DEBUG and TRACE were asked for, and are written all. */
CM_PRINTF(3, 4)
void cm_log_often(struct cm_log *log, enum cm_log_level level, const char *format, ...);

/* What a message tells beside its words: as " name=text" behind them, or as members of the object. A
 * field whose text is empty is left out. */
struct cm_log_field {
    const char *name;
    const char *text; /* visible ASCII, without quotes and backslashes; all fields fit 1 KiB */
    bool is_number;
};
struct cm_log_event {
    const char *message; /* static */
    const struct cm_log_field *fields;
    size_t field_count;
};
/* As cm_log_often(). */
void cm_log_event(struct cm_log *log, enum cm_log_level level, const struct cm_log_event *event);

/* "warning". Static. */
const char *cm_log_level_name(enum cm_log_level level);

#endif

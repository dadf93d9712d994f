/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_LINE_H
#define CM_CONSOLE_LINE_H

#include "base/slice.h"
#include <cacheman/status.h>

/* A line of the console, cut into words as a shell would:
 *
 *     set 'as it is' "with\n \x00 and so on" or\x20so    blanks divide; \ also outside of quotes
 *     get key > FILE       get key >> FILE       set key < FILE
 *     # a comment, if it is the first thing in a line */

struct cm_word {
    struct cm_slice bytes; /* a zero follows that is not counted */
    bool is_bare;          /* begins neither with a quote nor with \: may be an option */
};

struct cm_line {
    struct cm_word *words;
    size_t count;
    const char *input, *output; /* names of files, NULL: none */
    bool appends;               /* to `output` */
    char *text;                 /* what the words and names point into */
};

struct cm_line_error {
    char text[128];
    size_t column; /* from 1 */
};

/* INVALID with the reason, NO_MEMORY. A line without words is fine. On success the caller gives
 * *line back with cm_line_deinit(). */
CM_MUST_CHECK enum cm_status cm_line_parse(struct cm_slice text, struct cm_line *line,
                                           struct cm_line_error *error);
void cm_line_deinit(struct cm_line *line);

#endif

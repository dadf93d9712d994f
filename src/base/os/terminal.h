/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_TERMINAL_H
#define CM_BASE_OS_TERMINAL_H

/* The operating-system seam for asking whoever sits in front of the program. */

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether standard input is a terminal. */
bool cm_os_terminal_is_input(void);
/* Whether a standard stream is one: 0 for input, 1 for output, 2 for errors. */
bool cm_os_terminal_is(int stream);
/* The size of the terminal that a standard stream is; false if it is none or does not tell. */
bool cm_os_terminal_size(int stream, unsigned *columns, unsigned *rows);

/* Writes `prompt` to standard error and reads a line from the terminal without showing it. The
 * line, without its end, goes to `to`, which has room for `room` bytes; *bytes of it were there,
 * which may be more. SYSTEM: interrupted, or no terminal; whatever was typed is forgotten, and the
 * terminal shows again what is typed. */
CM_MUST_CHECK enum cm_status cm_os_terminal_read_hidden(const char *prompt, char *to, size_t room,
                                                        size_t *bytes);

/* One key from standard input, without waiting for the end of a line and without showing it; Ctrl-C
 * is a key like any other, '\003', unless it came just before. SYSTEM: the end of the input, no terminal, or a signal that the
 * program is to be ended by or to stop for; it is delivered before this returns. */
CM_MUST_CHECK enum cm_status cm_os_terminal_read_key(char *key);

/* From now on Ctrl-C (SIGINT) does not end the program: it is held back from this thread and those
 * it starts, until somebody asks. */
void cm_os_interrupt_hold(void);
/* Whether there was one since this was last asked. */
bool cm_os_interrupt_take(void);

#endif

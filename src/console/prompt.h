/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_PROMPT_H
#define CM_CONSOLE_PROMPT_H

#include "base/slice.h"
#include <stdio.h>

struct cm_console;

/* The prompt, on libedit: editing, history, completion by TAB. Ctrl-C begins a new line, Ctrl-D on an
 * empty one ends the console. */
struct cm_prompt;

/* NULL: no memory, or no terminal that libedit can use. */
struct cm_prompt *cm_prompt_create(struct cm_console *console);
void cm_prompt_destroy(struct cm_prompt *prompt);

/* The next line, good until the next call; empty after Ctrl-C. False: the end. */
bool cm_prompt_read(struct cm_prompt *prompt, struct cm_slice *line);
void cm_prompt_print_history(struct cm_prompt *prompt, FILE *to, size_t count);

#endif

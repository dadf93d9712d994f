/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_COMPLETE_H
#define CM_CONSOLE_COMPLETE_H

#include "base/slice.h"

struct cm_console;

/* What the last word of a line may become. */
struct cm_completions {
    char **words; /* sorted, each once */
    size_t count, room;
    size_t typed;  /* bytes of the word that are there already */
    size_t common; /* bytes that all of them begin with */
};

/* `text` is what stands before the cursor. The caller ends with cm_completions_deinit(). */
void cm_complete(const struct cm_console *console, struct cm_slice text,
                 struct cm_completions *completions);
void cm_completions_deinit(struct cm_completions *completions);

#endif

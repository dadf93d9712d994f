/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_GUESS_H
#define CM_BASE_GUESS_H

#include "base/slice.h"
#include <stdint.h>

/* Which of the known names somebody meant who has mistyped one: the nearest, if it is near. */
struct cm_guess {
    struct cm_slice typed; /* borrowed */
    const char *nearest;   /* of those tried; NULL: none is near */
    size_t apart;          /* from it: bytes put in, left out, changed, or swapped with the next */
};

static inline struct cm_guess cm_guess(struct cm_slice typed) {
    return (struct cm_guess){typed, NULL, SIZE_MAX};
}

/* `name` is borrowed, in lower case; what was typed may be in any. */
void cm_guess_try(struct cm_guess *guess, const char *name);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/term.h"

#include "base/os/terminal.h"
#include <stdlib.h>
#include <string.h>

enum { OUTPUT = 1 };

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0';
}

void cm_term_look(struct cm_term *term) {
    const char *kind = getenv("TERM");
    *term = (struct cm_term){.columns = 80, .rows = 24};
    term->is_tty = cm_os_terminal_is(OUTPUT);
    if (!term->is_tty)
        return;
    (void)cm_os_terminal_size(OUTPUT, &term->columns, &term->rows);
    term->has_colours =
        kind != NULL && *kind != '\0' && strcmp(kind, "dumb") != 0 && !is_set("NO_COLOR");
}

const char *cm_term_colour(const struct cm_term *term, enum cm_colour colour) {
    static const char *const codes[] = {
        [CM_PLAIN] = "\033[0m", [CM_BOLD] = "\033[1m",   [CM_DIM] = "\033[2m",
        [CM_RED] = "\033[31m",  [CM_GREEN] = "\033[32m", [CM_YELLOW] = "\033[33m",
        [CM_CYAN] = "\033[36m"};
    return term->has_colours ? codes[colour] : "";
}

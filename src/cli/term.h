/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_TERM_H
#define CM_CLI_TERM_H

#include <stdbool.h>

/* What output goes to. */
struct cm_term {
    bool is_tty;
    bool has_colours;       /* is_tty, TERM is not "dumb", and NO_COLOR is not set */
    unsigned columns, rows; /* 80 by 24 if nobody knows */
};

/* Looks at standard output; again whenever its size may have changed. */
void cm_term_look(struct cm_term *term);

enum cm_colour { CM_PLAIN, CM_BOLD, CM_DIM, CM_RED, CM_GREEN, CM_YELLOW, CM_CYAN };

/* What switches to a colour, and with CM_PLAIN back; "" where there are none. */
const char *cm_term_colour(const struct cm_term *term, enum cm_colour colour);

#endif

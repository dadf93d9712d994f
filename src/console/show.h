/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_SHOW_H
#define CM_CONSOLE_SHOW_H

#include "base/slice.h"
#include <stdio.h>

/* Bytes from a user or a server inside a message: harmless, and cut if they are long. errno stays as
 * it is, so that the message can go on with it. */
struct cm_shown {
    char text[320];
};
const char *cm_show(struct cm_shown *shown, struct cm_slice bytes);
const char *cm_show_text(struct cm_shown *shown, const char *text);

/* A message of the client or of a server, whole. */
struct cm_told {
    char text[1100]; /* four bytes for each of struct cacheman_error */
};
const char *cm_tell(struct cm_told *told, const char *text);

/* A value for people: text as it is but for what could do harm, anything else as a hex dump; at most
 * so much that it fits a screen. Returns how many of the bytes were shown. */
struct cm_show_room {
    size_t columns, rows;
};
size_t cm_show_value(FILE *to, struct cm_slice value, struct cm_show_room room);

#endif

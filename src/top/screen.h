/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TOP_SCREEN_H
#define CM_TOP_SCREEN_H

#include "top/grid.h"

/* The terminal, by ncurses, which has one at a time: what is below is about the one that is open. */

/* NULL: the terminal cannot do it, and nothing was changed. */
struct screen *cm_top_screen_open(bool colours);
/* The terminal is as it was before. */
void cm_top_screen_close(struct screen *screen);

/* After the terminal's size has changed: looks at it again. */
void cm_top_screen_resize(void);
void cm_top_screen_size(unsigned *columns, unsigned *rows);

void cm_top_screen_show(const struct cm_grid *grid);
/* The next key that is there, as cm_top_press() takes it; 0: none. */
int cm_top_screen_key(void);

/* Hands the terminal back for as long as the process is stopped, which it is before this returns. */
void cm_top_screen_suspend(void);
/* Draws everything anew next time, whatever is there now. */
void cm_top_screen_refresh(void);

#endif

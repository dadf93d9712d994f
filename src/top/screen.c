/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/screen.h"

#include "top/keys.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
/* after the others, for its macros have names like these */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>
#undef columns
#undef lines

enum { ESCAPE_DELAY_MS = 25, ESCAPE = 27 };

static const struct {
    attr_t attributes;
    short colour; /* -1: the terminal's own */
} styles[CM_STYLES] = {
    [CM_STYLE_PLAIN] = {A_NORMAL, -1},
    [CM_STYLE_DIM] = {A_DIM, -1},
    [CM_STYLE_BOLD] = {A_BOLD, -1},
    [CM_STYLE_TITLE] = {A_REVERSE | A_BOLD, -1},
    [CM_STYLE_HEAD] = {A_UNDERLINE, -1},
    [CM_STYLE_SORTED] = {A_UNDERLINE | A_BOLD, COLOR_CYAN},
    [CM_STYLE_KEY] = {A_BOLD, COLOR_CYAN},
    [CM_STYLE_SELECTED] = {A_REVERSE, -1},
    [CM_STYLE_CHART] = {A_NORMAL, COLOR_CYAN},
    [CM_STYLE_ITEMS] = {A_NORMAL, COLOR_GREEN},
    [CM_STYLE_INDEX] = {A_NORMAL, COLOR_YELLOW},
    [CM_STYLE_HOT] = {A_BOLD, COLOR_YELLOW},
    [CM_STYLE_DOWN] = {A_BOLD, COLOR_RED},
};

/* Each colour's pair is its number and one. */
static void start_colours(void) {
    if (!has_colors() || start_color() == ERR)
        return;
    const short behind = use_default_colors() == OK ? -1 : COLOR_BLACK;
    for (short colour = 0; colour < 8 && colour + 1 < COLOR_PAIRS; colour++)
        init_pair((short)(colour + 1), colour, behind);
}

/* Whether the terminal is known, and its cursor can be moved. */
static bool is_able(void) {
    int error = 0;
    if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
        return false;
    const bool able = cursor_address != NULL;
    del_curterm(cur_term);
    return able;
}

struct screen *cm_top_screen_open(bool colours) {
    if (!is_able())
        return NULL;
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return NULL;
    if (colours)
        start_colours();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_DELAY_MS);
    curs_set(0);
    return screen;
}

void cm_top_screen_close(struct screen *screen) {
    endwin();
    delscreen(screen);
}

void cm_top_screen_resize(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    cm_top_screen_refresh();
}

void cm_top_screen_size(unsigned *columns, unsigned *rows) {
    *columns = (unsigned)getmaxx(stdscr);
    *rows = (unsigned)getmaxy(stdscr);
}

static void show_cell(int row, int column, const struct cm_cell *cell) {
    const wchar_t text[2] = {cell->glyph, L'\0'};
    const short colour = styles[cell->style].colour;
    const short pair = colour >= 0 && colour + 1 < COLOR_PAIRS ? (short)(colour + 1) : (short)0;
    cchar_t shown;
    if (cell->glyph != 0 &&
        setcchar(&shown, text, styles[cell->style].attributes, pair, NULL) == OK)
        mvadd_wch(row, column, &shown);
}

void cm_top_screen_show(const struct cm_grid *grid) {
    for (unsigned row = 0; row < grid->rows; row++) {
        for (unsigned column = 0; column < grid->columns; column++)
            show_cell((int)row, (int)column, &grid->cells[(size_t)row * grid->columns + column]);
    }
    refresh();
}

int cm_top_screen_key(void) {
    int key = getch();
    while (key == KEY_RESIZE) /* of which cm_top_screen_resize() knows */
        key = getch();
    switch (key) {
    case KEY_UP:
        return CM_KEY_UP;
    case KEY_DOWN:
        return CM_KEY_DOWN;
    case KEY_LEFT:
        return CM_KEY_LEFT;
    case KEY_RIGHT:
        return CM_KEY_RIGHT;
    case KEY_ENTER:
    case '\r':
    case '\n':
        return CM_KEY_ENTER;
    case KEY_BACKSPACE:
    case '\b':
    case 127:
    case ESCAPE:
        return CM_KEY_BACK;
    case ERR:
        return 0;
    default:
        return key > 0 && key < CM_KEY_UP ? key : CM_KEY_NONE;
    }
}

void cm_top_screen_suspend(void) {
    endwin();
    (void)raise(SIGSTOP);
    cm_top_screen_resize();
}

void cm_top_screen_refresh(void) {
    clearok(curscr, TRUE);
}

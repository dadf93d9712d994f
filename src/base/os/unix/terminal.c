/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/terminal.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const int interrupts[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
enum { INTERRUPTS = sizeof interrupts / sizeof interrupts[0] };

bool cm_os_terminal_is_input(void) {
    return cm_os_terminal_is(STDIN_FILENO);
}

bool cm_os_terminal_is(int stream) {
    return isatty(stream) == 1;
}

bool cm_os_terminal_size(int stream, unsigned *columns, unsigned *rows) {
    struct winsize size;
    if (ioctl(stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

/* Its only effect is that a read ends. */
static void on_interrupt(int number) {
    (void)number;
}

/* What was before interrupts came to be looked for. */
struct before {
    struct sigaction actions[INTERRUPTS];
    sigset_t mask;
};

/* They are held back, but for where read_line() waits, or one that comes just before would be lost. */
static void catch_interrupts(struct before *before) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigset_t held;
    sigemptyset(&action.sa_mask);
    sigemptyset(&held);
    for (int i = 0; i < INTERRUPTS; i++)
        sigaddset(&held, interrupts[i]);
    sigprocmask(SIG_BLOCK, &held, &before->mask);
    for (int i = 0; i < INTERRUPTS; i++)
        sigaction(interrupts[i], &action, &before->actions[i]);
}

static void release_interrupts(const struct before *before) {
    for (int i = 0; i < INTERRUPTS; i++)
        sigaction(interrupts[i], &before->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static void say(const char *text) {
    (void)!write(STDERR_FILENO, text, strlen(text));
}

struct line {
    char *to;
    size_t room;
    size_t bytes;
};

/* False: interrupted, or the terminal is gone. */
static bool read_line(const struct before *before, struct line *line) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;
    ssize_t got = 0;
    line->bytes = 0;
    while (ppoll(&input, 1, NULL, &before->mask) > 0 && (got = read(STDIN_FILENO, &c, 1)) == 1) {
        if (c == '\n')
            return true;
        if (line->bytes < line->room)
            line->to[line->bytes] = c;
        line->bytes++;
    }
    return false;
}

enum cm_status cm_os_terminal_read_hidden(const char *prompt, char *to, size_t room,
                                          size_t *bytes) {
    struct termios shown;
    struct line line = {.to = to, .room = room};
    struct before before;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return CM_SYSTEM;
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    catch_interrupts(&before);
    bool good = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    if (good) {
        say(prompt);
        good = read_line(&before, &line);
        say("\n");
    }
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    release_interrupts(&before);
    *bytes = line.bytes;
    return good ? CM_OK : CM_SYSTEM;
}

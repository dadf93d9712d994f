/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
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
    line->bytes = 0;
    while (ppoll(&input, 1, NULL, &before->mask) > 0 && read(STDIN_FILENO, &c, 1) == 1) {
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

/* Whether one of the signals that are held back has come. */
static bool has_come(const sigset_t *held) {
    sigset_t come;
    if (sigpending(&come) != 0)
        return false;
    for (int i = 0; i < INTERRUPTS; i++) {
        if (sigismember(held, interrupts[i]) == 1 && sigismember(&come, interrupts[i]) == 1)
            return true;
    }
    return false;
}

/* The signals are held back meanwhile, so that none leaves the terminal as it is for this; looking
 * for them now and then is enough, at the pace of fingers. */
static bool await_key(const sigset_t *held, char *key) {
    enum { GLANCE_MS = 100 };
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!has_come(held)) {
        const int ready = poll(&input, 1, GLANCE_MS);
        if (ready > 0)
            return read(STDIN_FILENO, key, 1) == 1;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

enum cm_status cm_os_terminal_read_key(char *key) {
    struct termios usual;
    sigset_t held, before;
    if (tcgetattr(STDIN_FILENO, &usual) != 0)
        return CM_SYSTEM;
    struct termios keys = usual;
    keys.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    sigemptyset(&held);
    for (int i = 0; i < INTERRUPTS; i++)
        sigaddset(&held, interrupts[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    const bool good = tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) == 0 && await_key(&held, key);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &usual);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return good ? CM_OK : CM_SYSTEM;
}

static void only_interrupt(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
}

void cm_os_interrupt_hold(void) {
    sigset_t interrupt;
    only_interrupt(&interrupt);
    sigprocmask(SIG_BLOCK, &interrupt, NULL);
}

bool cm_os_interrupt_take(void) {
    const struct timespec at_once = {0};
    sigset_t interrupt;
    only_interrupt(&interrupt);
    return sigtimedwait(&interrupt, NULL, &at_once) == SIGINT;
}

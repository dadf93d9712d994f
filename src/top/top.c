/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "top/top.h"

#include "base/os/os.h"
#include "base/os/terminal.h"
#include "cli/exit.h"
#include "cli/term.h"
#include "cli/where.h"
#include "top/keys.h"
#include "top/report.h"
#include "top/sampler.h"
#include "top/screen.h"
#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct settings {
    struct cm_cli_where where;
    int64_t interval_us, count;
    bool once, json, ascii;
};

static const struct cm_cli_option options[] = {
    CM_CLI_WHERE_OPTIONS(struct settings, where),
    {"interval", 'i', CM_CLI_DURATION, "TIME", NULL, CM_TOP_INTERVAL_MIN_US, CM_TOP_INTERVAL_MAX_US,
     offsetof(struct settings, interval_us), "how often to ask the servers (default: 1s)"},
    {"count", 'n', CM_CLI_NUMBER, "N", NULL, 1, INT32_MAX, offsetof(struct settings, count),
     "stop after so many intervals (default: 1 for text, else never)"},
    {.name = "once",
     .letter = '1',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, once),
     .text = "print one snapshot after one interval, as text; so it is where standard output is no "
             "terminal"},
    {.name = "json",
     .letter = 'j',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, json),
     .text = "print a line of JSON an interval, until --count of them"},
    {.name = "ascii",
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, ascii),
     .text = "draw with ASCII alone (default: unless the locale has UTF-8)"},
};

const struct cm_cli cm_top_cli = {
    .name = "cacheman top",
    .operands = "[WHERE]",
    .text =
        "Shows what servers do, live: requests by kind, hits, memory, evictions, connections, and "
        "which of them have too much to do. WHERE is as for --servers. Press ? for help and q to "
        "quit.",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

enum mode { SCREEN_MODE, PLAIN_MODE, JSON_MODE };

struct top {
    enum mode mode;
    struct screen *screen; /* of SCREEN_MODE */
    int64_t count, shown;  /* intervals; count 0: no end */
    struct cm_top_model model;
    struct cm_top_state state;
    struct cm_grid grid;
    cacheman *client;
    struct cm_top_sampler *sampler;
    int signals;       /* a signalfd */
    bool asked;        /* a sample is under way */
    uint64_t asked_ns; /* when the last one was asked for */
    bool over;
    int status, signal; /* to exit with, to die of */
};

/* ---- output --------------------------------------------------------------------------------- */

static void draw(struct top *top) {
    unsigned columns, rows;
    cm_top_screen_size(&columns, &rows);
    if (cm_grid_resize(&top->grid, columns, rows) != CM_OK)
        return; /* the next one may have more luck */
    cm_top_draw(&top->grid, &top->model, &top->state);
    cm_top_screen_show(&top->grid);
}

static void print(struct top *top) {
    if (top->mode == PLAIN_MODE && top->shown > 0)
        fputc('\n', stdout);
    const bool made = top->mode == JSON_MODE ? cm_top_print_json(stdout, &top->model)
                                             : cm_top_print_plain(stdout, &top->model, &top->state);
    if (made && fflush(stdout) == 0 && !ferror(stdout))
        return;
    fprintf(stderr, "%s: cannot write: %s\n", cm_top_cli.name,
            made ? strerror(errno) : "out of memory");
    top->status = CM_EXIT_OUTPUT;
    top->over = true;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void on_sample(struct top *top) {
    struct cm_top_sample *sample = cm_top_sampler_take(top->sampler);
    top->asked = false;
    /* Without memory this one is left out, and the next interval is longer. */
    const bool taken = sample != NULL && cm_top_model_take(&top->model, sample) == CM_OK;
    cm_top_sample_destroy(sample);
    if (!taken)
        return;
    top->asked_ns = top->model.at_ns; /* its thread may have got to it late */
    const bool first = isnan(top->model.interval_s);
    if (top->mode == SCREEN_MODE)
        draw(top);
    else if (!first)
        print(top);
    top->shown += !first;
    if (top->count > 0 && top->shown >= top->count)
        top->over = true;
}

static void on_keys(struct top *top) {
    int key;
    while (!top->over && (key = cm_top_screen_key()) != 0)
        top->over = !cm_top_press(&top->state, &top->model, key);
    if (!top->over)
        draw(top);
}

static void on_signal(struct top *top) {
    struct signalfd_siginfo info;
    if (read(top->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    const int number = (int)info.ssi_signo;
    if (number == SIGINT || number == SIGTERM || number == SIGHUP) {
        top->over = true;
        top->signal = number;
        return;
    }
    if (top->mode != SCREEN_MODE) {
        if (number == SIGTSTP)
            (void)raise(SIGSTOP);
        return;
    }
    if (number == SIGTSTP)
        cm_top_screen_suspend();
    else
        cm_top_screen_resize();
    draw(top);
}

/* Milliseconds until the next sample is to be asked for, -1: not by itself. */
static int wait_ms(const struct top *top) {
    if (top->asked || top->state.paused)
        return -1;
    const uint64_t due_ns = top->asked_ns + (uint64_t)top->state.interval_us * 1000;
    const uint64_t now_ns = cm_os_monotonic_ns();
    return top->asked_ns == 0 || due_ns <= now_ns ? 0 : (int)((due_ns - now_ns + 999999) / 1000000);
}

static void step(struct top *top) {
    struct pollfd fds[] = {{.fd = top->signals, .events = POLLIN},
                           {.fd = cm_top_sampler_fd(top->sampler), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    const nfds_t count = top->mode == SCREEN_MODE ? 3 : 2;
    const int wait = wait_ms(top);
    if (wait == 0 && cm_top_sampler_ask(top->sampler, top->state.view == CM_TOP_VIEW_KEYS)) {
        top->asked = true;
        top->asked_ns = cm_os_monotonic_ns();
        return;
    }
    if (poll(fds, count, wait) <= 0)
        return;
    if (fds[0].revents != 0)
        on_signal(top);
    if (fds[1].revents != 0 && !top->over)
        on_sample(top);
    if ((fds[2].revents & ~POLLIN) != 0) /* the terminal has gone */
        top->over = true;
    else if (fds[2].revents != 0 && !top->over)
        on_keys(top);
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* Blocks the signals for all threads to come: they are read, so that none comes in between. */
static int open_signals(void) {
    static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        sigaddset(&set, wanted[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Dies of the signal that has ended the program, as whoever sent it expects. */
static void die_of(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Servers that come back are to be seen soon, unless the connection string says otherwise. */
static char *with_short_retries(char *where) {
    static const char retries[] = "retry_max=2s";
    char *made = NULL;
    const char *rest = strchr(where, '?');
    if (strstr(where, "retry_max=") != NULL)
        return where;
    const int head = (int)(rest == NULL ? strlen(where) : (size_t)(rest - where));
    const int length = asprintf(&made, "%.*s?%s%s%s", head, where, retries, rest == NULL ? "" : "&",
                                rest == NULL ? "" : rest + 1);
    if (length < 0)
        return where;
    free(where);
    return made;
}

/* May ask for a password, which the user may interrupt: before signals are blocked. */
static int make_where(const struct settings *settings, char **where) {
    char *why = NULL;
    const int status = cm_cli_where_make(&settings->where, where, &why);
    if (status == CM_EXIT_OK) {
        *where = with_short_retries(*where);
        return status;
    }
    fprintf(stderr, "%s: %s\n", cm_top_cli.name, why != NULL ? why : "out of memory");
    free(why);
    return status;
}

static int open_client(struct top *top, const char *where) {
    struct cacheman_error error = {0};
    const enum cm_status opened = cacheman_open(where, &top->client, &error);
    if (opened == CM_OK)
        return CM_EXIT_OK;
    if (opened == CM_INVALID)
        return cm_cli_usage_error(&cm_top_cli, error.text);
    fprintf(stderr, "%s: %s\n", cm_top_cli.name,
            error.text[0] != '\0' ? error.text : cm_status_text(opened));
    return cm_cli_where_exit(opened);
}

/* On a terminal a screen, unless it is told otherwise, or cannot do it. */
static void choose_mode(struct top *top, const struct settings *settings) {
    struct cm_term term;
    cm_term_look(&term);
    top->mode = settings->json ? JSON_MODE : PLAIN_MODE;
    top->count = settings->once ? 1 : settings->count;
    if (!settings->json && !settings->once && term.is_tty && cm_os_terminal_is_input())
        top->screen = cm_top_screen_open(term.has_colours);
    if (top->screen != NULL)
        top->mode = SCREEN_MODE;
    else if (!settings->json && top->count == 0)
        top->count = 1;
    top->state.plain = top->mode != SCREEN_MODE;
    top->grid.ascii = settings->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

static int run(struct top *top, const struct settings *settings) {
    if (cm_top_sampler_start(top->client, &top->sampler) != CM_OK) {
        fprintf(stderr, "%s: cannot start a thread\n", cm_top_cli.name);
        return CM_EXIT_UNAVAILABLE;
    }
    choose_mode(top, settings);
    if (top->mode == SCREEN_MODE)
        draw(top);
    while (!top->over)
        step(top);
    if (top->mode == SCREEN_MODE)
        cm_top_screen_close(top->screen);
    else if (top->status == CM_EXIT_OK && top->signal == 0 && top->model.up == 0)
        top->status = CM_EXIT_UNAVAILABLE;
    cm_top_sampler_stop(top->sampler);
    return top->status;
}

static int take_operand(char **operands, struct settings *settings) {
    if (operands[0] == NULL)
        return CM_EXIT_OK;
    if (operands[1] != NULL)
        return cm_cli_usage_error(&cm_top_cli,
                                  operands[1][0] == '-'
                                      ? "options stand before WHERE"
                                      : "WHERE is one word: servers are separated by commas");
    if (settings->where.servers != NULL)
        return cm_cli_usage_error(&cm_top_cli, "WHERE and --servers say the same thing");
    settings->where.servers = operands[0];
    return CM_EXIT_OK;
}

int cm_top_main(char **argv) {
    struct settings settings = {.interval_us = 1000000};
    int status = CM_EXIT_OK;
    const int first = cm_cli_read(&cm_top_cli, argv, &settings, &status);
    if (first < 0 || (status = take_operand(argv + first, &settings)) != CM_EXIT_OK)
        return status;
    if (settings.once && settings.count != 0)
        return cm_cli_usage_error(&cm_top_cli, "--once is --count=1");
    struct top top = {.state = {.order = CM_TOP_BY_OPS, .interval_us = settings.interval_us}};
    char *where = NULL;
    status = make_where(&settings, &where);
    if (status != CM_EXIT_OK)
        return status;
    top.signals = open_signals();
    status = open_client(&top, where);
    free(where);
    if (status == CM_EXIT_OK)
        status = run(&top, &settings);
    cacheman_close(top.client);
    cm_top_model_deinit(&top.model);
    cm_grid_deinit(&top.grid);
    if (top.signals >= 0)
        close(top.signals);
    if (top.signal != 0)
        die_of(top.signal);
    return status;
}

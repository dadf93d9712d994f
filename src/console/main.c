/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/console.h"

#include "base/os/terminal.h"
#include "console/internal.h"
#include "console/prompt.h"
#include "console/seen.h"

#include <cacheman/version.h>
#include <errno.h>
#include <stdlib.h>

struct settings {
    struct cm_cli_where where;
    bool json, time, stops, version;
};

static const struct cm_cli_option options[] = {
    CM_CLI_WHERE_OPTIONS(struct settings, where),
    {.name = "json",
     .letter = 'j',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, json),
     .text = "answer in JSON, an object a command a line"},
    {.name = "time",
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, time),
     .text = "say on standard error how long each answer took (a terminal is always told)"},
    {.name = "exit-on-error",
     .letter = 'e',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, stops),
     .text = "end a script at its first error"},
    {.name = "version",
     .letter = 'V',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, version),
     .text = "print the version and exit"},
};

const struct cm_cli cm_console_cli = {
    .name = "cacheman",
    .operands = "[COMMAND [OPERAND...]]",
    .text =
        "Talks to cachemand and to memcached: one command, a script from standard input, or, on "
        "a terminal, a prompt. 'cacheman help' lists the commands. 'cacheman top', "
        "'cacheman stress' and 'cacheman replay' are programs of their own: their names come "
        "first, --help behind.",
    .options = options,
    .count = sizeof options / sizeof options[0],
    .print_man = cm_help_print_man,
    .others = cm_given_options,
    .others_count = CM_GIVEN_OPTIONS,
};

/* ---- the three ways ---- */

/* The words are the shell's already. */
static int run_once(struct cm_console *console, char **words) {
    struct cm_line line = {0};
    while (words[line.count] != NULL)
        line.count++;
    line.words = calloc(line.count + 1, sizeof *line.words);
    if (line.words == NULL)
        return CM_EXIT_UNAVAILABLE;
    for (size_t i = 0; i < line.count; i++)
        line.words[i] = (struct cm_word){cm_slice(words[i], strlen(words[i])), true};
    const int status = cm_run_line(console, &line);
    free(line.words);
    return status;
}

static int run_script(struct cm_console *console, bool stops) {
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    int status = CM_EXIT_OK;
    errno = 0;
    while (!console->quits && !(stops && status > CM_EXIT_NO) &&
           (length = getline(&text, &room, stdin)) >= 0) {
        console->line++;
        status = cm_worse(status, cm_run_text(console, cm_slice(text, (size_t)length)));
    }
    if (ferror(stdin)) {
        fprintf(stderr, "cacheman: cannot read standard input: %s\n", strerror(errno));
        status = cm_worse(status, CM_EXIT_INPUT);
    }
    free(text);
    return status;
}

static void greet(const struct cm_console *console) {
    printf("%scacheman %s%s; 'help' lists the commands, TAB completes, Ctrl-D leaves\n",
           cm_term_colour(&console->term, CM_BOLD), CACHEMAN_VERSION,
           cm_term_colour(&console->term, CM_PLAIN));
}

/* Says at once what is wrong with the servers; the prompt comes even so, if they may come back. */
static int begin(struct cm_console *console) {
    struct cacheman_error error;
    const struct cacheman_ask ask = {.error = &error};
    cm_answer_begin(console, "connect", false);
    int status = cm_connect(console);
    if (status == CM_EXIT_OK) {
        const enum cm_status asked = cacheman_version(console->client, &ask);
        if (asked != CM_OK)
            status = cm_error_of(console, &(struct cm_trouble){asked, NULL, error.text, {0}});
    }
    if (status != CM_EXIT_OK)
        return cm_answer_end(console, status);
    cm_answer_drop(console);
    return status;
}

static int run_prompt(struct cm_console *console) {
    struct cm_slice line;
    cm_os_interrupt_hold(); /* before the client's thread begins, which must hold it back, too */
    console->seen = cm_seen_create();
    cm_term_look(&console->term);
    greet(console);
    const int status = begin(console);
    if (status != CM_EXIT_OK && status != CM_EXIT_UNAVAILABLE)
        return status;
    console->prompt = cm_prompt_create(console);
    if (console->prompt == NULL)
        return run_script(console, false);
    while (!console->quits && cm_prompt_read(console->prompt, &line))
        (void)cm_run_text(console, line);
    cm_prompt_destroy(console->prompt);
    return CM_EXIT_OK;
}

static enum cm_mode mode_of(char *const *words) {
    if (*words != NULL)
        return CM_MODE_ONCE;
    enum { OUTPUT = 1 };
    return cm_os_terminal_is_input() && cm_os_terminal_is(OUTPUT) ? CM_MODE_PROMPT : CM_MODE_SCRIPT;
}

static void deinit(struct cm_console *console) {
    cacheman_close(console->client);
    cm_seen_destroy(console->seen);
    free(console->servers);
}

int cm_console_main(char **argv) {
    struct settings settings = {0};
    int status = CM_EXIT_OK;
    const int first = cm_cli_read(&cm_console_cli, argv, &settings, &status);
    if (first < 0)
        return status;
    if (settings.version) {
        printf("cacheman %s\n", CACHEMAN_VERSION);
        return CM_EXIT_OK;
    }
    /* One failure tells why; a server may take its time to refuse a login. */
    settings.where.defaults = "failures=1&connect_timeout=1s";
    struct cm_console console = {.where = settings.where,
                                 .mode = mode_of(argv + first),
                                 .times = settings.time ? CM_TIMES_ON : CM_TIMES_AUTO,
                                 .json_always = settings.json,
                                 .out = stdout};
    if (console.mode == CM_MODE_ONCE)
        status = run_once(&console, argv + first);
    else if (console.mode == CM_MODE_SCRIPT)
        status = run_script(&console, settings.stops);
    else
        status = run_prompt(&console);
    deinit(&console);
    return status;
}

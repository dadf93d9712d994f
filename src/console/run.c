/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/internal.h"

#include "base/os/terminal.h"
#include "console/seen.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The terminal has shown ^C; what is said of it begins a line. */
bool cm_may_wait(void *context) {
    const struct cm_console *console = context;
    if (console->mode != CM_MODE_PROMPT || !cm_os_interrupt_take())
        return true;
    putchar('\n');
    return false;
}

/* ---- connecting ---- */

int cm_connect(struct cm_console *console) {
    cacheman *client;
    struct cacheman_error error;
    struct cm_told told;
    char *where = NULL, *why = NULL;
    int status = cm_cli_where_make(&console->where, &where, &why);
    if (status != CM_EXIT_OK) {
        (void)cm_error(console, status, "%s", why == NULL ? "out of memory" : why);
        free(why);
        return status;
    }
    const enum cm_status opened = cacheman_open(where, &client, &error);
    if (opened == CM_OK) {
        cacheman_close(console->client);
        console->client = client;
    } else {
        status = cm_error(console, cm_cli_where_exit(opened), "%s", cm_tell(&told, error.text));
    }
    free(where);
    return status;
}

/* ---- a line ---- */

/* Of `cacheman NAME`, where NAME comes first. */
static bool is_program(struct cm_slice name) {
    static const char *const programs[] = {"top", "stress", "replay", "console"};
    size_t i = 0;
    while (i < sizeof programs / sizeof programs[0] &&
           !cm_slice_equal(name, cm_slice(programs[i], strlen(programs[i]))))
        i++;
    return i < sizeof programs / sizeof programs[0];
}

int cm_unknown_command(struct cm_console *console, struct cm_slice name) {
    struct cm_shown shown;
    const char *guess = cm_command_guess(name), *text = cm_show(&shown, name);
    if (is_program(name))
        return cm_error(console, CM_EXIT_USAGE,
                        "%s is a program of its own: 'cacheman %s --help' in the shell", text,
                        text);
    if (name.len == 0)
        return cm_error(console, CM_EXIT_USAGE, "the command is empty; 'help' lists them");
    if (guess != NULL)
        return cm_error(console, CM_EXIT_USAGE, "there is no command %s; '%s' is one", text, guess);
    return cm_error(console, CM_EXIT_USAGE, "there is no command %s; 'help' lists them", text);
}

/* Not those that are about the console itself, or say where they ask. */
static bool needs_client(const struct cm_args *args) {
    const struct cm_command *command = args->command;
    return !(command->run == cm_command_config && cm_settings_are_meant(args) &&
             args->given.admin != NULL) &&
           command->run != cm_command_help && command->run != cm_command_quit &&
           command->run != cm_command_connect && command->run != cm_command_time &&
           command->run != cm_command_history;
}

static bool takes_value(const struct cm_command *command) {
    return command->run == cm_command_store || command->run == cm_command_cas;
}

static void note_keys(struct cm_console *console, const struct cm_args *args) {
    const enum cm_operand_kind kind = args->command->kind;
    const size_t count = kind == CM_OPERANDS_KEYS ? args->count : kind == CM_OPERANDS_KEY;
    for (size_t i = 0; i < count && console->seen != NULL; i++)
        cm_seen_add(console->seen, args->operands[i]);
}

static int run(struct cm_console *console, const struct cm_args *args) {
    console->asks = needs_client(args) || args->command->run == cm_command_connect ||
                    args->command->run == cm_command_config;
    if (console->client == NULL && needs_client(args)) {
        const int status = cm_connect(console);
        if (status != CM_EXIT_OK)
            return status;
    }
    if (console->mode == CM_MODE_PROMPT)
        (void)cm_os_interrupt_take(); /* what came before is not about this */
    const int status = args->command->run(console, args);
    if (status <= CM_EXIT_NO)
        note_keys(console, args);
    return status;
}

static int run_to_file(struct cm_console *console, const struct cm_line *line,
                       const struct cm_args *args) {
    struct cm_shown shown;
    const char *name = line->output;
    FILE *file = fopen(name, line->appends ? "ab" : "wb");
    if (file == NULL)
        return cm_error(console, CM_EXIT_OUTPUT, "cannot write %s: %s", cm_show_text(&shown, name),
                        strerror(errno));
    console->out = file;
    console->to_file = true;
    return run(console, args);
}

/* Gives the file back; what could not be written until now is told. */
static int close_file(struct cm_console *console, int status) {
    FILE *file = console->out;
    if (!console->to_file)
        return status;
    console->out = stdout;
    console->to_file = false;
    if (fclose(file) == 0)
        return status;
    fprintf(stderr, "cacheman: cannot write the file: %s\n", strerror(errno));
    return cm_worse(CM_EXIT_OUTPUT, status);
}

int cm_run_line(struct cm_console *console, const struct cm_line *line) {
    struct cm_args args = {0};
    char why[CM_WHY_BYTES];
    const struct cm_command *command = cm_command_find(line->words[0].bytes);
    const bool good = command != NULL && cm_args_read(command, line, &args, why);
    struct cm_shown shown;
    int status;
    cm_answer_begin(console,
                    command == NULL ? cm_show(&shown, line->words[0].bytes) : command->name,
                    good && args.given.json);
    if (command == NULL)
        status = cm_unknown_command(console, line->words[0].bytes);
    else if (!good)
        status = cm_error(console, CM_EXIT_USAGE, "%s", why);
    else if (line->input != NULL && !takes_value(command))
        status = cm_error(console, CM_EXIT_USAGE, "%s takes nothing from a file", command->name);
    else if (line->output != NULL)
        status = run_to_file(console, line, &args);
    else
        status = run(console, &args);
    status = cm_answer_end(console, status);
    free(args.operands);
    return close_file(console, status);
}

int cm_run_text(struct cm_console *console, struct cm_slice text) {
    struct cm_line line;
    struct cm_line_error error;
    int status = CM_EXIT_OK;
    const enum cm_status parsed = cm_line_parse(text, &line, &error);
    if (parsed != CM_OK) {
        cm_answer_begin(console, "", false);
        status = cm_error(console, CM_EXIT_USAGE, "%s (column %zu)",
                          parsed == CM_INVALID ? error.text : "out of memory", error.column);
        return cm_answer_end(console, status);
    }
    if (line.count > 0)
        status = cm_run_line(console, &line);
    else if (line.output != NULL || line.input != NULL) {
        cm_answer_begin(console, "", false);
        status = cm_answer_end(console,
                               cm_error(console, CM_EXIT_USAGE, "there is a file, but no command"));
    }
    cm_line_deinit(&line);
    return status;
}

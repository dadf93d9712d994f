/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/roff.h"
#include "base/wrap.h"
#include "console/internal.h"
#include "console/prompt.h"
#include <stdlib.h>

enum { NAME_COLUMN = 30, WIDTH_MIN = 50, WIDTH_MAX = 98 };

static const char about_lines[] =
    "Words are divided by blanks, and quoted as in a shell: 'as it is', \"with \\n and \\x00\". "
    "'get KEY > FILE' and 'set KEY < FILE' use files; a line that begins with # says nothing.";

static struct cm_wrap wrap_of(size_t indent, size_t width) {
    const size_t bounded = width < WIDTH_MIN ? WIDTH_MIN : width;
    return (struct cm_wrap){indent, bounded > WIDTH_MAX ? WIDTH_MAX : bounded};
}

void cm_help_print_list(FILE *to, size_t width) {
    const struct cm_wrap column = wrap_of(NAME_COLUMN, width), all = wrap_of(0, width);
    for (size_t i = 0; i < cm_commands_count; i++) {
        const struct cm_command *command = &cm_commands[i];
        const int used = fprintf(to, "  %s %s", command->name, command->operands);
        cm_print_wrapped(to, &column, (size_t)used, command->text);
    }
    fputc('\n', to);
    cm_print_wrapped(to, &all, 0, about_lines);
    cm_print_wrapped(to, &all, 0,
                     "Programs of their own, in the shell: cacheman top, cacheman stress, cacheman "
                     "replay.");
    cm_print_wrapped(to, &all, 0, "'help COMMAND' says more.");
}

static void print_option(FILE *to, const struct cm_cli_option *option, size_t width) {
    const struct cm_wrap column = wrap_of(NAME_COLUMN, width);
    const int used = fprintf(to, "  --%s%s%s", option->name, option->argument == NULL ? "" : " ",
                             option->argument == NULL ? "" : option->argument);
    cm_print_wrapped(to, &column, (size_t)used, option->text);
}

void cm_help_print_command(FILE *to, const struct cm_command *command, size_t width) {
    const struct cm_wrap all = wrap_of(0, width);
    char usage[CM_USAGE_BYTES];
    cm_command_usage(command, usage);
    fprintf(to, "%s\n\n", usage);
    cm_print_wrapped(to, &all, 0, command->text);
    if (*command->more != '\0')
        cm_print_wrapped(to, &all, 0, command->more);
    fputc('\n', to);
    for (size_t i = 0; i < CM_GIVEN_OPTIONS; i++) {
        if ((command->options & 1u << i) != 0)
            print_option(to, &cm_given_options[i], width);
    }
}

static void print_man_command(FILE *to, const struct cm_command *command) {
    char usage[CM_USAGE_BYTES];
    cm_command_usage(command, usage);
    fputs(".TP\n.B ", to);
    cm_roff_text(to, usage);
    fputc('\n', to);
    cm_roff_text(to, command->text);
    fputs(".\n", to);
    cm_roff_text(to, command->more);
    if (*command->more != '\0')
        fputc('\n', to);
}

void cm_help_print_man(FILE *to) {
    fputs(".PP\nWithout a command it reads commands from standard input: at a prompt if that is a "
          "terminal,\notherwise as a script, of which every line is carried out, and which exits "
          "with the status of\nits first error, or with 1 if there was none but an answer was "
          "no.\n.PP\n",
          to);
    cm_roff_text(to, about_lines);
    fputs("\n.PP\nThe commands, all of which have \\fB\\-\\-json\\fR, too:\n", to);
    for (size_t i = 0; i < cm_commands_count; i++)
        print_man_command(to, &cm_commands[i]);
    fputs(".PP\nThe options of commands:\n", to);
    for (size_t i = 0; i < CM_GIVEN_OPTIONS; i++) {
        const struct cm_cli_option *option = &cm_given_options[i];
        fputs(".TP\n", to);
        cm_roff_option(to, &(struct cm_roff_option){"--", option->name, option->argument});
        fputc('\n', to);
        cm_roff_text(to, option->text);
        fputs(".\n", to);
    }
    fputs(".PP\nThe lines typed at the prompt are kept in \\fI$XDG_STATE_HOME/cacheman/history\\fR "
          "or\n\\fI~/.local/state/cacheman/history\\fR, but for those that have a password in "
          "them.\n",
          to);
}

static json_t *describe(const struct cm_command *command) {
    char usage[CM_USAGE_BYTES];
    json_t *item = json_object();
    cm_command_usage(command, usage);
    cm_json_set_text(item, "name", command->name);
    cm_json_set_text(item, "usage", usage);
    cm_json_set_text(item, "text", command->text);
    return item;
}

int cm_command_help(struct cm_console *console, const struct cm_args *args) {
    const struct cm_command *one = args->count == 0 ? NULL : cm_command_find(args->operands[0]);
    if (args->count == 1 && one == NULL)
        return cm_unknown_command(console, args->operands[0]);
    if (console->json != NULL) {
        json_t *list = json_array();
        for (size_t i = 0; i < cm_commands_count; i++) {
            if (one == NULL || one == &cm_commands[i])
                (void)json_array_append_new(list, describe(&cm_commands[i]));
        }
        (void)json_object_set_new(console->json, "commands", list);
    } else if (one == NULL) {
        cm_help_print_list(console->out, console->term.columns);
    } else {
        cm_help_print_command(console->out, one, console->term.columns);
    }
    return CM_EXIT_OK;
}

/* ---- what is about the console itself ---- */

int cm_command_time(struct cm_console *console, const struct cm_args *args) {
    struct cm_shown shown;
    const bool on = cm_slice_equal(args->operands[0], CM_SLICE("on"));
    if (!on && !cm_slice_equal(args->operands[0], CM_SLICE("off")))
        return cm_error(console, CM_EXIT_USAGE, "time: %s: must be on or off",
                        cm_show(&shown, args->operands[0]));
    console->times = on ? CM_TIMES_ON : CM_TIMES_OFF;
    return CM_EXIT_OK;
}

int cm_command_history(struct cm_console *console, const struct cm_args *args) {
    static const struct cm_cli_option option = {.kind = CM_CLI_NUMBER, .min = 1, .max = 1000000};
    int64_t count = 20;
    char allowed[CM_CLI_WHY_BYTES] = "a number";
    struct cm_shown shown;
    if (args->count == 1 && (strlen(args->operands[0].data) != args->operands[0].len ||
                             !cm_cli_value(&option, args->operands[0].data, &count, allowed)))
        return cm_error(console, CM_EXIT_USAGE, "history: %s: must be %s",
                        cm_show(&shown, args->operands[0]), allowed);
    if (console->prompt == NULL)
        return cm_error(console, CM_EXIT_USAGE, "history: only the prompt has one");
    if (console->json == NULL)
        cm_prompt_print_history(console->prompt, console->out, (size_t)count);
    return CM_EXIT_OK;
}

int cm_command_quit(struct cm_console *console, const struct cm_args *args) {
    (void)args;
    console->quits = true;
    return CM_EXIT_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/commands.h"

#include "console/console.h"
#include "console/show.h"
#include <stdio.h>
#include <stdlib.h>

/* A line being read as what a command is to do. */
struct reading {
    const struct cm_line *line;
    size_t at; /* the word to be read next */
    struct cm_args *args;
    char *why;
};

static bool fail(const struct reading *reading, const char *what, struct cm_slice word) {
    struct cm_shown shown;
    char usage[CM_USAGE_BYTES];
    cm_command_usage(reading->args->command, usage);
    snprintf(reading->why, CM_WHY_BYTES, "%s: %s%s; usage: %s", reading->args->command->name, what,
             word.len == 0 ? "" : cm_show(&shown, word), usage);
    return false;
}

/* An option of the program's where the command's are. */
static bool is_early(struct cm_slice word) {
    const struct cm_cli *cli = &cm_console_cli;
    return strlen(word.data) == word.len &&
           cm_cli_find(cli->options, cli->count, word.data) != NULL;
}

static bool refuse_early(const struct reading *reading, struct cm_slice word) {
    struct cm_shown shown;
    snprintf(reading->why, CM_WHY_BYTES,
             "%s: %s belongs before the command, among cacheman's own options",
             reading->args->command->name,
             cm_show(&shown, cm_slice(word.data, strcspn(word.data, "="))));
    return false;
}

static bool refuse_more(const struct reading *reading) {
    const struct cm_args *args = reading->args;
    for (size_t i = 0; i < args->count; i++) {
        if (is_early(args->operands[i]))
            return refuse_early(reading, args->operands[i]);
    }
    return fail(reading, "too much: ", args->operands[args->command->max]);
}

static const struct cm_cli_option *find(const struct cm_command *command, struct cm_slice name) {
    for (size_t i = 0; i < CM_GIVEN_OPTIONS; i++) {
        const char *candidate = cm_given_options[i].name;
        if ((command->options & 1u << i) != 0 &&
            cm_slice_equal(name, cm_slice(candidate, strlen(candidate))))
            return &cm_given_options[i];
    }
    return NULL;
}

static bool take_value(struct reading *reading, const struct cm_cli_option *option,
                       struct cm_slice value) {
    char allowed[CM_CLI_WHY_BYTES] = "a text without zero bytes";
    struct cm_shown shown;
    void *member = (char *)&reading->args->given + option->offset;
    if (strlen(value.data) == value.len && cm_cli_value(option, value.data, member, allowed))
        return true;
    snprintf(reading->why, CM_WHY_BYTES, "%s: --%s=%s: must be %s", reading->args->command->name,
             option->name, cm_show(&shown, value), allowed);
    return false;
}

/* "--name", "--name=value", or "--name" and the value in the next word. */
static bool take_option(struct reading *reading, struct cm_slice word) {
    const char *equals = memchr(word.data, '=', word.len);
    const size_t length = equals == NULL ? word.len : (size_t)(equals - word.data);
    const struct cm_cli_option *option =
        find(reading->args->command, cm_slice(word.data + 2, length - 2));
    if (option == NULL && is_early(word))
        return refuse_early(reading, word);
    if (option == NULL)
        return fail(reading, "unknown option ", cm_slice(word.data, length));
    if (option->kind == CM_CLI_FLAG) {
        if (equals != NULL)
            return fail(reading, "no value belongs to ", cm_slice(word.data, length));
        *(bool *)((char *)&reading->args->given + option->offset) = true;
        return true;
    }
    if (equals != NULL)
        return take_value(reading, option, cm_slice(equals + 1, word.len - length - 1));
    if (reading->at == reading->line->count)
        return fail(reading, "a value is missing after ", word);
    return take_value(reading, option, reading->line->words[reading->at++].bytes);
}

static bool take_words(struct reading *reading) {
    struct cm_args *args = reading->args;
    bool options_end = false;
    while (reading->at < reading->line->count) {
        const struct cm_word *word = &reading->line->words[reading->at++];
        const struct cm_slice bytes = word->bytes;
        const bool is_option = !options_end && word->is_bare && bytes.len >= 2 &&
                               bytes.data[0] == '-' && bytes.data[1] == '-';
        if (is_option && bytes.len == 2)
            options_end = true;
        else if (!is_option)
            args->operands[args->count++] = bytes;
        else if (!take_option(reading, bytes))
            return false;
    }
    return true;
}

bool cm_args_read(const struct cm_command *command, const struct cm_line *line,
                  struct cm_args *args, char *why) {
    struct reading reading = {line, 1, args, why};
    *args = (struct cm_args){.command = command, .input = line->input};
    args->operands = calloc(line->count + 1, sizeof *args->operands);
    if (args->operands == NULL) {
        snprintf(why, CM_WHY_BYTES, "out of memory");
        return false;
    }
    bool good = take_words(&reading);
    if (good && args->count < command->min)
        good = fail(&reading, "something is missing", CM_SLICE(""));
    if (good && args->count > command->max)
        good = refuse_more(&reading);
    if (!good) {
        free(args->operands);
        args->operands = NULL;
    }
    return good;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/commands.h"

#include "base/guess.h"
#include "console/internal.h"
#include <stdio.h>
#include <stdlib.h>

#define KIND_FLAG    CM_CLI_FLAG
#define KIND_NUMBER  CM_CLI_NUMBER
#define KIND_SECONDS CM_CLI_SECONDS
#define KIND_TEXT    CM_CLI_TEXT
const struct cm_cli_option cm_given_options[CM_GIVEN_OPTIONS] = {
#define X(NAME, member, title, type, value, low, high, help)                                       \
    {.name = (title),                                                                              \
     .kind = KIND_##type,                                                                          \
     .argument = (value),                                                                          \
     .min = (low),                                                                                 \
     .max = (high),                                                                                \
     .offset = offsetof(struct cm_given, member),                                                  \
     .text = (help)},
#include "console/given.def"
#undef X
};

enum option_bits {
#define X(NAME, member, title, type, value, low, high, help) NAME = 1 << CM_GIVEN_##NAME,
#include "console/given.def"
#undef X
};

#define MANY CM_OPERANDS_MANY
const struct cm_command cm_commands[] = {
#define X(title, function, words, low, high, type, bits, line, paragraph)                          \
    {.name = #title,                                                                               \
     .operands = (words),                                                                          \
     .min = (low),                                                                                 \
     .max = (high),                                                                                \
     .kind = CM_OPERANDS_##type,                                                                   \
     .options = (bits) | JSON,                                                                     \
     .text = (line),                                                                               \
     .more = (paragraph),                                                                          \
     .run = cm_command_##function},
#include "console/commands.def"
#undef X
};
const size_t cm_commands_count = sizeof cm_commands / sizeof cm_commands[0];

static const struct {
    const char *name, *means;
} aliases[] = {
    {"exit", "quit"}, {"?", "help"}, {"del", "delete"}, {"gets", "get"}, {"version", "servers"}};

static bool is(struct cm_slice word, const char *name) {
    return cm_slice_equal(word, cm_slice(name, strlen(name)));
}

const struct cm_command *cm_command_find(struct cm_slice name) {
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (is(name, aliases[i].name))
            name = cm_slice(aliases[i].means, strlen(aliases[i].means));
    }
    for (size_t i = 0; i < cm_commands_count; i++) {
        if (is(name, cm_commands[i].name))
            return &cm_commands[i];
    }
    return NULL;
}

const char *cm_command_guess(struct cm_slice name) {
    struct cm_guess guess = cm_guess(name);
    for (size_t i = 0; i < cm_commands_count; i++)
        cm_guess_try(&guess, cm_commands[i].name);
    return guess.nearest;
}

void cm_command_usage(const struct cm_command *command, char *to) {
    int used = snprintf(to, CM_USAGE_BYTES, "%s%s%s", command->name,
                        *command->operands == '\0' ? "" : " ", command->operands);
    for (int i = 0; i < CM_GIVEN_JSON; i++) {
        const struct cm_cli_option *option = &cm_given_options[i];
        if ((command->options & 1u << i) != 0 && used < CM_USAGE_BYTES)
            used += snprintf(to + used, CM_USAGE_BYTES - (size_t)used, " [--%s%s%s]", option->name,
                             option->argument == NULL ? "" : " ",
                             option->argument == NULL ? "" : option->argument);
    }
}

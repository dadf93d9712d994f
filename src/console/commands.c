/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/commands.h"

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

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many bytes must be put in, left out or changed to make one of the other; Levenshtein's row by
 * row. */
enum { NAME_MAX_BYTES = 16 };
static size_t distance(struct cm_slice a, const char *b) {
    size_t row[NAME_MAX_BYTES + 1];
    const size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t above_left = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            const size_t above = row[j + 1];
            size_t least = above_left + (lower(a.data[i]) != b[j]);
            if (above + 1 < least)
                least = above + 1;
            if (row[j] + 1 < least)
                least = row[j] + 1;
            row[j + 1] = least;
            above_left = above;
        }
    }
    return row[width];
}

const char *cm_command_guess(struct cm_slice name) {
    const char *nearest = NULL;
    size_t least = 3; /* more is no likeness */
    if (name.len > NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < cm_commands_count; i++) {
        const char *candidate = cm_commands[i].name;
        const size_t apart = distance(name, candidate);
        if (apart < least && apart < strlen(candidate)) {
            least = apart;
            nearest = candidate;
        }
    }
    return nearest;
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

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_COMMANDS_H
#define CM_CONSOLE_COMMANDS_H

/* The commands as a table, and what a line gives them. */

#include "cli/options.h"
#include "console/line.h"

struct cm_console;

/* The options of commands; a bit a row of given.def. */
enum cm_given_option {
#define X(name, member, text, kind, argument, min, max, help) CM_GIVEN_##name,
#include "console/given.def"
#undef X
    CM_GIVEN_OPTIONS
};

#define CM_MEMBER_FLAG    bool
#define CM_MEMBER_NUMBER  int64_t
#define CM_MEMBER_SECONDS int64_t
#define CM_MEMBER_TEXT    const char *
struct cm_given {
#define X(name, member, text, kind, argument, min, max, help) CM_MEMBER_##kind member;
#include "console/given.def"
#undef X
};

extern const struct cm_cli_option cm_given_options[CM_GIVEN_OPTIONS];

/* What operands are, for completion. */
enum cm_operand_kind {
    CM_OPERANDS_NOTHING,
    CM_OPERANDS_KEYS,
    CM_OPERANDS_KEY,
    CM_OPERANDS_SERVERS,
    CM_OPERANDS_GROUPS,
    CM_OPERANDS_STREAMS,
    CM_OPERANDS_CONFIGS,
    CM_OPERANDS_SWITCHES,
    CM_OPERANDS_COMMANDS,
};

#define CM_OPERANDS_MANY SIZE_MAX

/* What a command is to do; borrowed from the line. */
struct cm_args {
    const struct cm_command *command;
    struct cm_slice *operands;
    size_t count;
    struct cm_given given;
    const char *input; /* a file to take the value from; NULL: none */
};

struct cm_command {
    const char *name;
    const char *operands;
    size_t min, max;
    enum cm_operand_kind kind;
    uint32_t options; /* bits of enum cm_given_option */
    const char *text, *more;
    int (*run)(struct cm_console *console, const struct cm_args *args); /* its exit status */
};

extern const struct cm_command cm_commands[];
extern const size_t cm_commands_count;

/* NULL: there is none of that name. */
const struct cm_command *cm_command_find(struct cm_slice name);
/* The name that a wrong one may have been meant to be; NULL: none is near. */
const char *cm_command_guess(struct cm_slice name);

/* "get KEY... [--raw]", at most CM_USAGE_BYTES. */
#define CM_USAGE_BYTES 256
void cm_command_usage(const struct cm_command *command, char *to);

/* Reads the words of a line, whose first named the command. False, with a message for people of at
 * most CM_WHY_BYTES. On success the caller frees args->operands. */
#define CM_WHY_BYTES 640
bool cm_args_read(const struct cm_command *command, const struct cm_line *line,
                  struct cm_args *args, char *why);

/* help.c */
void cm_help_print_list(FILE *to, size_t width);
void cm_help_print_command(FILE *to, const struct cm_command *command, size_t width);
void cm_help_print_man(FILE *to);

#endif

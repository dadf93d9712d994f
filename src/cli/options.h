/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLI_OPTIONS_H
#define CM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The options of one of cacheman's programs as a table, from which the command line is read, the
 * help is printed, and the man page is made. */

enum cm_cli_kind {
    CM_CLI_FLAG,     /* bool, no value */
    CM_CLI_NUMBER,   /* int64_t */
    CM_CLI_COUNT,    /* int64_t; k, m and g are powers of 1000 */
    CM_CLI_SIZE,     /* int64_t, bytes; k, m and g are powers of 1024 */
    CM_CLI_DURATION, /* int64_t, microseconds; us, ms, s (if none is given), m, h */
    CM_CLI_SECONDS,  /* int64_t; s (if none is given), m, h, d */
    CM_CLI_REAL,     /* double */
    CM_CLI_TEXT,     /* const char *, into argv */
    CM_CLI_CHOICE,   /* int64_t, the place of the word in `words` */
};

struct cm_cli_option {
    const char *name; /* long, without its dashes */
    char letter;      /* 0: none */
    enum cm_cli_kind kind;
    const char *argument; /* what the help calls the value; NULL for a FLAG */
    const char *words;    /* a CHOICE's, between spaces */
    int64_t min, max;     /* what the value may be; not for FLAG, TEXT and CHOICE */
    size_t offset;        /* of its member in the program's own struct */
    const char *text;     /* for the help, its default included */
};

struct cm_cli {
    const char *name;     /* "cacheman stress" */
    const char *operands; /* "[COMMAND [OPERAND...]]", may be empty */
    const char *text;     /* a paragraph for the help */
    const struct cm_cli_option *options;
    size_t count;
    void (*print_man)(FILE *to); /* what the man page says after the options; NULL: nothing */
    const struct cm_cli_option
        *others; /* of its commands: one that is given too early is told so */
    size_t others_count;
};

/* Reads the options of `argv`, from the program's name to a NULL, into the struct at `into`, which
 * holds the defaults. Options end at the first operand or after "--".
 * Returns the index of the first operand. If there is nothing more to do, -1 with `*status` what to
 * exit with: after --help, which every program has, or after a message on stderr that names the
 * option and says what is allowed. */
int cm_cli_read(const struct cm_cli *cli, char **argv, void *into, int *status);

/* The option that `word` is, as -n, -nVALUE, --name or --name=VALUE; NULL: none. */
const struct cm_cli_option *cm_cli_find(const struct cm_cli_option *options, size_t count,
                                        const char *word);

/* One value, for what is not an option: as cm_cli_read() takes it. False: `why`, if it is not NULL,
 * gets what is allowed. */
#define CM_CLI_WHY_BYTES 160
bool cm_cli_value(const struct cm_cli_option *option, const char *text, void *into, char *why);

void cm_cli_print_help(FILE *to, const struct cm_cli *cli);

/* "cacheman stress: MESSAGE" and where help is, to stderr; returns CM_EXIT_USAGE. */
int cm_cli_usage_error(const struct cm_cli *cli, const char *message);

#endif

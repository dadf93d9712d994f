/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/man.h"

#include "base/roff.h"

#include <cacheman/version.h>

static void print_synopsis(FILE *to, const struct cm_cli *cli) {
    fputs(".B ", to);
    cm_roff_text(to, cli->name);
    fputs("\n.RI [ options ]", to);
    if (*cli->operands != '\0') {
        fputs("\n.I ", to);
        cm_roff_text(to, cli->operands);
    }
    fputs("\n.br\n", to);
}

static void print_option(FILE *to, const struct cm_cli_option *option) {
    fputs(".TP\n", to);
    if (option->letter != 0) {
        const char letter[] = {option->letter, '\0'};
        cm_roff_option(to, &(struct cm_roff_option){"-", letter, option->argument});
        fputs(", ", to);
    }
    cm_roff_option(to, &(struct cm_roff_option){"--", option->name, option->argument});
    fputc('\n', to);
    cm_roff_text(to, option->text);
    fputs(".\n", to);
}

static void print_program(FILE *to, const struct cm_cli *cli) {
    fputs(".SS ", to);
    cm_roff_text(to, cli->name);
    fputc('\n', to);
    cm_roff_text(to, cli->text);
    fputc('\n', to);
    for (size_t i = 0; i < cli->count; i++)
        print_option(to, &cli->options[i]);
    if (cli->print_man != NULL)
        cli->print_man(to);
}

static const char after_programs[] =
    ".SH ENVIRONMENT\n"
    ".TP\n"
    ".B CACHEMAN_SERVERS\n"
    "The servers to talk to where \\fB\\-\\-servers\\fR is not given.\n"
    ".TP\n"
    ".B NO_COLOR\n"
    "If it is set and not empty, there are no colours.\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    ".B 0\n"
    "All went well.\n"
    ".TP\n"
    ".B 1\n"
    "The server answered, but no: a miss, not stored, values that differ.\n"
    ".TP\n"
    ".B 64\n"
    "An option, operand or command is wrong; the message on standard error says what is allowed.\n"
    ".TP\n"
    ".B 66\n"
    "A file cannot be read, or makes no sense.\n"
    ".TP\n"
    ".B 69\n"
    "A server cannot be reached or gave no answer in time.\n"
    ".TP\n"
    ".B 73\n"
    "A file, or standard output, cannot be written.\n"
    ".TP\n"
    ".B 76\n"
    "A server answered with an error, or with what makes no sense.\n"
    ".TP\n"
    ".B 77\n"
    "A login was not accepted.\n"
    ".SH SEE ALSO\n"
    ".BR cachemand (1)\n";

void cm_cli_print_man(FILE *to, const struct cm_cli *const *programs, size_t count) {
    fputs(".\\\" Generated from the programs' tables by script/man; do not edit.\n", to);
    fprintf(to, ".TH CACHEMAN 1 \"\" \"Cacheman %s\" \"User Commands\"\n", CACHEMAN_VERSION);
    fputs(".SH NAME\n"
          "cacheman \\- talk to cache servers: console, load, replay, live view\n"
          ".SH SYNOPSIS\n",
          to);
    for (size_t i = 0; i < count; i++)
        print_synopsis(to, programs[i]);
    fputs(".SH PROGRAMS\n"
          "Every program has \\fB\\-\\-help\\fR, too.\n",
          to);
    for (size_t i = 0; i < count; i++)
        print_program(to, programs[i]);
    fputs(after_programs, to);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"

#include "base/check.h"
#include "base/wrap.h"
#include "cli/exit.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 60, HELP = 1000, LETTERLESS };
static const struct cm_wrap help_column = {.indent = 30, .width = 98};

int cm_cli_usage_error(const struct cm_cli *cli, const char *message) {
    fprintf(stderr, "%s: %s\nTry '%s --help'.\n", cli->name, message, cli->name);
    return CM_EXIT_USAGE;
}

/* ---- values -------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    int64_t times;
};

static const struct unit size_units[] = {
    {"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};
static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0}};
static const struct unit duration_units[] = {
    {"", 1000000},       {"us", 1},           {"ms", 1000}, {"s", 1000000},
    {"m", 60 * 1000000}, {"h", 3600000000LL}, {NULL, 0}};
static const struct unit second_units[] = {{"", 1},     {"s", 1},     {"m", 60},
                                           {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum cm_cli_kind kind) {
    if (kind == CM_CLI_SIZE)
        return size_units;
    if (kind == CM_CLI_COUNT)
        return count_units;
    if (kind == CM_CLI_SECONDS)
        return second_units;
    return kind == CM_CLI_DURATION ? duration_units : no_units;
}

/* A number with one of the units, between the option's bounds. */
static bool take_number(const struct cm_cli_option *option, const char *text, int64_t *into) {
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0 || strchr(" \t\n\v\f\r+", *text) != NULL)
        return false;
    for (const struct unit *unit = units_of(option->kind); unit->name != NULL; unit++) {
        if (strcmp(end, unit->name) != 0)
            continue;
        int64_t value = 0;
        if (__builtin_mul_overflow((int64_t)number, unit->times, &value) || value < option->min ||
            value > option->max)
            return false;
        *into = value;
        return true;
    }
    return false;
}

static bool take_real(const struct cm_cli_option *option, const char *text, double *into) {
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value < (double)option->min ||
        value > (double)option->max || strchr(" \t\n\v\f\r+", *text) != NULL)
        return false;
    *into = value;
    return true;
}

static bool take_choice(const char *words, const char *text, int64_t *into) {
    size_t length = strlen(text);
    for (int64_t place = 0; *words != '\0'; place++) {
        size_t word = strcspn(words, " ");
        if (word == length && memcmp(words, text, word) == 0) {
            *into = place;
            return true;
        }
        words += word + (words[word] == ' ');
    }
    return false;
}

static void describe(const struct cm_cli_option *option, char *to) {
    static const char *const called[] = {[CM_CLI_NUMBER] = "a number",
                                         [CM_CLI_COUNT] = "a number, or with k (1000), m or g,",
                                         [CM_CLI_SIZE] = "bytes, or with k, m or g,",
                                         [CM_CLI_DURATION] = "a time with us, ms, s, m or h,",
                                         [CM_CLI_SECONDS] = "a time with s, m, h or d,",
                                         [CM_CLI_REAL] = "a number"};
    bool is_duration = option->kind == CM_CLI_DURATION;
    const char *unit = is_duration ? "us" : option->kind == CM_CLI_SECONDS ? "s" : "";
    if (option->kind == CM_CLI_CHOICE)
        snprintf(to, CM_CLI_WHY_BYTES, "one of: %s", option->words);
    else
        snprintf(to, CM_CLI_WHY_BYTES, "%s from %" PRId64 "%s to %" PRId64 "%s",
                 called[option->kind], option->min, unit,
                 is_duration ? option->max / 1000000 : option->max, is_duration ? "s" : unit);
}

bool cm_cli_value(const struct cm_cli_option *option, const char *text, void *into, char *why) {
    bool taken = true;
    if (option->kind == CM_CLI_TEXT)
        *(const char **)into = text;
    else if (option->kind == CM_CLI_REAL)
        taken = take_real(option, text, into);
    else if (option->kind == CM_CLI_CHOICE)
        taken = take_choice(option->words, text, into);
    else
        taken = take_number(option, text, into);
    if (!taken && why != NULL)
        describe(option, why);
    return taken;
}

/* ---- help ---------------------------------------------------------------------------------- */

static void print_option(FILE *to, const struct cm_cli_option *option) {
    char line[128];
    char letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    int used = snprintf(line, sizeof line, "  %s--%s%s%s", letter, option->name,
                        option->argument == NULL ? "" : "=",
                        option->argument == NULL ? "" : option->argument);
    fputs(line, to);
    cm_print_wrapped(to, &help_column, (size_t)used, option->text);
}

void cm_cli_print_help(FILE *to, const struct cm_cli *cli) {
    static const struct cm_cli_option help = {
        .name = "help", .letter = 'h', .text = "print this and exit"};
    fprintf(to, "usage: %s [options]%s%s\n\n", cli->name, *cli->operands == '\0' ? "" : " ",
            cli->operands);
    cm_print_wrapped(to, &(struct cm_wrap){.indent = 0, .width = 98}, 0, cli->text);
    fputc('\n', to);
    for (size_t i = 0; i < cli->count; i++)
        print_option(to, &cli->options[i]);
    print_option(to, &help);
}

/* ---- the command line ---------------------------------------------------------------------- */

/* The table as getopt_long() wants it. */
struct table {
    struct option longs[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 4];
};

static void make_table(const struct cm_cli *cli, struct table *table) {
    CM_CHECK(cli->count <= OPTIONS_MAX);
    *table = (struct table){0};
    char *letter = table->letters;
    *letter++ = '+'; /* options end at the first operand */
    *letter++ = ':';
    for (size_t i = 0; i < cli->count; i++) {
        const struct cm_cli_option *option = &cli->options[i];
        bool takes_value = option->kind != CM_CLI_FLAG;
        table->longs[i] = (struct option){option->name, takes_value, NULL, LETTERLESS + (int)i};
        if (option->letter == 0)
            continue;
        *letter++ = option->letter;
        if (takes_value)
            *letter++ = ':';
    }
    *letter = 'h';
    table->longs[cli->count] = (struct option){"help", 0, NULL, HELP};
}

static const struct cm_cli_option *option_of(const struct cm_cli *cli, int found) {
    if (found >= LETTERLESS)
        return &cli->options[found - LETTERLESS];
    for (size_t i = 0; i < cli->count; i++) {
        if (cli->options[i].letter == found)
            return &cli->options[i];
    }
    return NULL;
}

const struct cm_cli_option *cm_cli_find(const struct cm_cli_option *options, size_t count,
                                        const char *word) {
    if (word[0] != '-')
        return NULL;
    const bool is_long = word[1] == '-';
    const size_t bytes = is_long ? strcspn(word + 2, "=") : 0;
    for (size_t i = 0; i < count; i++) {
        const struct cm_cli_option *option = &options[i];
        if (is_long ? strlen(option->name) == bytes && memcmp(option->name, word + 2, bytes) == 0
                    : word[1] != '\0' && option->letter == word[1])
            return option;
    }
    return NULL;
}

/* getopt_long() said '?' or ':' about what stands before optind. */
static int complain(const struct cm_cli *cli, int found, const char *word) {
    char message[256];
    const struct cm_cli_option *option = optopt != 0 ? option_of(cli, optopt) : NULL;
    const struct cm_cli_option *other = cm_cli_find(cli->others, cli->others_count, word);
    if (found == ':' && option != NULL)
        snprintf(message, sizeof message, "--%s needs a value: %s", option->name, option->argument);
    else if (option != NULL || optopt == HELP)
        snprintf(message, sizeof message, "%.80s: takes no value", word);
    else if (optopt != 0)
        snprintf(message, sizeof message, "unknown option -%c", optopt);
    else if (other != NULL)
        snprintf(message, sizeof message, "--%s belongs behind the command", other->name);
    else
        snprintf(message, sizeof message, "unknown option %.80s", word);
    return cm_cli_usage_error(cli, message);
}

static int take(const struct cm_cli *cli, const struct cm_cli_option *option, void *into) {
    void *member = (char *)into + option->offset;
    if (option->kind == CM_CLI_FLAG) {
        *(bool *)member = true;
        return CM_EXIT_OK;
    }
    char why[CM_CLI_WHY_BYTES];
    if (cm_cli_value(option, optarg, member, why))
        return CM_EXIT_OK;
    char message[CM_CLI_WHY_BYTES + 160];
    snprintf(message, sizeof message, "--%s=%.60s: must be %s", option->name, optarg, why);
    return cm_cli_usage_error(cli, message);
}

int cm_cli_read(const struct cm_cli *cli, char **argv, void *into, int *status) {
    struct table table;
    make_table(cli, &table);
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    optind = 0; /* begin anew, also after another table */
    opterr = 0;
    for (;;) {
        int found = getopt_long(argc, argv, table.letters, table.longs, NULL);
        *status = CM_EXIT_OK;
        if (found == -1)
            return optind;
        const struct cm_cli_option *option = option_of(cli, found);
        if (found == HELP || (found == 'h' && option == NULL))
            cm_cli_print_help(stdout, cli);
        else if (found == '?' || found == ':')
            *status = complain(cli, found, argv[optind - 1]);
        else if ((*status = take(cli, option, into)) == CM_EXIT_OK)
            continue;
        return -1;
    }
}

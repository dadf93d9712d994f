/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wrap.h"
#include "config/change.h"
#include "config/internal.h"

#include <string.h>

/* Configuration files, and the table of the manual. */

/* A value's room in a line, whose longest inih knows; longer ones go on in the next lines. */
enum { VALUE_BYTES = 8192, LINE_ROOM = 120 };

/* ---- one value ---- */

/* Whether a file could not say this: its syntax has no quotes. */
static bool is_beyond_files(const char *value) {
    size_t bytes = strlen(value);
    if (bytes + 1 >= VALUE_BYTES || strchr(" \t", value[0]) != NULL ||
        strchr(" \t", value[bytes - 1]) != NULL)
        return true;
    if (strstr(value, " ;") != NULL || strstr(value, "\t;") != NULL)
        return true; /* a comment's beginning */
    for (const char *at = value; *at != '\0'; at++) {
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return true;
    }
    /* What continues in another line must not look like a key. */
    return bytes > LINE_ROOM && strchr(value, '=') != NULL;
}

/* Where a line of the value may end: not beside a blank or what begins a comment. 0: nowhere. */
static size_t find_break(const char *value) {
    size_t at = LINE_ROOM;
    while (at > 0 && (strchr(" \t;#[", value[at]) != NULL || strchr(" \t", value[at - 1]) != NULL))
        at--;
    return at;
}

static bool can_be_broken(const char *value) {
    while (strlen(value) > LINE_ROOM) {
        size_t bytes = find_break(value);
        if (bytes == 0)
            return false;
        value += bytes;
    }
    return true;
}

static void print_pair(FILE *to, const char *name, const char *value) {
    if (is_beyond_files(value) || !can_be_broken(value)) {
        fprintf(to, "# %s: a file cannot hold its value\n", name);
        return;
    }
    fprintf(to, "%s =%s", name, value[0] == ';' ? "" : " "); /* or it begins a comment */
    while (strlen(value) > LINE_ROOM) {
        size_t bytes = find_break(value);
        fprintf(to, "%.*s\n  ", (int)bytes, value);
        value += bytes;
    }
    fprintf(to, "%s\n", value);
}

static void print_list(FILE *to, const char *name, const struct cm_config_list *list) {
    char address[CM_CONFIG_ADDRESS_BYTES];
    for (size_t i = 0; i < list->count; i++)
        print_pair(to, name, cm_config_address_text(&list->entries[i], address));
}

/* ---- the configuration that is in force ---- */

/* A Unix socket takes the network's place; to name both would only be noted. */
static bool is_moot(const struct cm_config *config, enum cm_config_index index) {
    return config->unix_path != NULL &&
           (index == CM_OPTION_INDEX_port || index == CM_OPTION_INDEX_udp_port ||
            index == CM_OPTION_INDEX_listen);
}

static void print_value(FILE *to, const struct cm_config *config, enum cm_config_index index) {
    char value[VALUE_BYTES], origin[CM_CONFIG_TITLE_BYTES];
    const char *name = cm_options[index].name;
    cm_config_value(config, index, value, sizeof value);
    fputc('\n', to);
    if (is_moot(config, index)) {
        fprintf(to, "# %s: the Unix socket takes the network's place\n", name);
    } else if (*value == '\0') {
        fprintf(to, "# %s: not set\n", name);
    } else {
        fprintf(to, "# %s\n", cm_config_origin(config, index, origin));
        if (cm_config_hide_secret(index, value))
            fputs("# without its options, which may hold a password\n", to);
        if (cm_options[index].kind == CM_OPTION_LIST)
            print_list(to, name, &config->listen);
        else
            print_pair(to, name, value);
    }
}

void cm_config_print(FILE *to, const struct cm_config *config) {
    if (config->file != NULL)
        fprintf(to, "# The configuration of cachemand, read from %s\n", config->file);
    else
        fputs("# The configuration of cachemand; no file was read\n", to);
    for (int i = 0; i < CM_OPTIONS; i++) {
        if (cm_config_is_of_files((enum cm_config_index)i))
            print_value(to, config, (enum cm_config_index)i);
    }
}

/* ---- the sample ---- */

static const char sample_begin[] =
    "# The configuration of cachemand: /etc/cacheman/cachemand.conf, or the file of --config.\n"
    "#\n"
    "# KEY = VALUE, a line each; the keys are the long names of the command line's options, which\n"
    "# explains them (cachemand --help) as this file does. Comments begin with # or ; and stand "
    "in\n"
    "# lines of their own. An indented line continues the value of the line before.\n"
    "#\n"
    "# Variables of the environment (CACHEMAN_THREADS=4) go before this file, and options of the\n"
    "# command line before both. cachemand --check-config says what is wrong, --print-config what\n"
    "# is in force and why. SIGHUP has a server that runs read the file again; what is marked\n"
    "# \"restart\" changes with the next start only.\n";

/* The text as comments. */
static void print_comment(FILE *to, const char *text) {
    enum { WIDTH = 96 };
    while (*text != '\0') {
        size_t bytes = strlen(text);
        if (bytes > WIDTH) {
            for (bytes = WIDTH; bytes > 0 && text[bytes] != ' '; bytes--) {}
            if (bytes == 0)
                bytes = strcspn(text, " ");
        }
        fprintf(to, "# %.*s\n", (int)bytes, text);
        text += bytes + strspn(text + bytes, " ");
    }
}

static void print_sample_option(FILE *to, const struct cm_option *option) {
    char text[1024], allowed[CM_OPTION_DESCRIPTION_BYTES];
    fputc('\n', to);
    snprintf(text, sizeof text, "%s.%s", option->text,
             option->scope == CM_OPTION_LIVE ? "" : " (restart)");
    print_comment(to, text);
    if (option->kind != CM_OPTION_TEXT && option->kind != CM_OPTION_LIST) {
        fprintf(to, "# Allowed: %s.\n", cm_option_describe(option, allowed, sizeof allowed));
    }
    bool is_switch = option->kind == CM_OPTION_FLAG || option->kind == CM_OPTION_COUNT;
    const char *none = option->kind == CM_OPTION_FLAG ? "no" : is_switch ? "0" : "";
    const char *value = option->initial != NULL ? option->initial : none;
    fprintf(to, "#%s =%s%s\n", option->name, *value != '\0' ? " " : "", value);
}

void cm_config_print_sample(FILE *to, const struct cm_config_choice *policies) {
    fputs(sample_begin, to);
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (!cm_config_is_of_files((enum cm_config_index)i))
            continue;
        print_sample_option(to, &cm_options[i]);
        if (i != CM_OPTION_INDEX_policy)
            continue;
        for (const struct cm_config_choice *policy = policies; policy->name != NULL; policy++) {
            char text[512];
            snprintf(text, sizeof text, "%s: %s%s.", policy->name, policy->text,
                     policy == policies ? " (the default)" : "");
            print_comment(to, text);
        }
    }
}

/* ---- the manual's table ---- */

static void print_cell(FILE *to, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '*' || *text == '<' || *text == '[')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void print_row(FILE *to, const struct cm_option *option) {
    static const char *const whens[] = {"", "", "restart", "live"};
    char letter[8] = "", allowed[CM_OPTION_DESCRIPTION_BYTES];
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "`-%c`", option->letter);
    fprintf(to, "| `%s` | %s | ", option->name, letter);
    print_cell(to, option->kind == CM_OPTION_LIST
                       ? "addresses"
                       : cm_option_describe(option, allowed, sizeof allowed));
    fprintf(to, " | %s | %s | ", option->initial != NULL ? option->initial : "",
            whens[option->scope]);
    print_cell(to, option->text);
    fputs(" |\n", to);
}

void cm_config_print_options_page(FILE *to) {
    fputs(
        "<!-- Generated from src/tables/options.def by script/man; do not edit. -->\n"
        "# Options\n\n"
        "What a configuration file and the environment may hold; how they work together is in\n"
        "[configuration.md](configuration.md). In the environment `memory-limit` is\n"
        "`CACHEMAN_MEMORY_LIMIT`, on the command line `--memory-limit`. Changes are applied by a\n"
        "reload (live) or with the next start (restart). What is for the command line alone is in\n"
        "`cachemand --help`.\n\n"
        "| key | | value | default | changes | |\n"
        "| --- | --- | --- | --- | --- | --- |\n",
        to);
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (cm_config_is_of_files((enum cm_config_index)i))
            print_row(to, &cm_options[i]);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/complete.h"

#include "console/internal.h"
#include "console/seen.h"
#include <stdlib.h>

static void add(struct cm_completions *completions, struct cm_slice typed, const char *word) {
    if (strncmp(word, typed.data, typed.len) != 0)
        return;
    if (completions->count == completions->room) {
        const size_t room = completions->room == 0 ? 64 : 2 * completions->room;
        char **grown = realloc(completions->words, room * sizeof *grown);
        if (grown == NULL)
            return;
        completions->words = grown;
        completions->room = room;
    }
    char *copy = strdup(word);
    if (copy != NULL)
        completions->words[completions->count++] = copy;
}

static void add_all(struct cm_completions *completions, struct cm_slice typed,
                    const char *const *words) {
    for (; *words != NULL; words++)
        add(completions, typed, *words);
}

/* ---- where they come from ---- */

static void add_commands(struct cm_completions *completions, struct cm_slice typed) {
    for (size_t i = 0; i < cm_commands_count; i++)
        add(completions, typed, cm_commands[i].name);
}

static void add_options(struct cm_completions *completions, struct cm_slice typed,
                        const struct cm_command *command) {
    char name[32];
    for (size_t i = 0; i < CM_GIVEN_OPTIONS; i++) {
        snprintf(name, sizeof name, "--%s", cm_given_options[i].name);
        if ((command->options & 1u << i) != 0)
            add(completions, typed, name);
    }
}

static void add_servers(const struct cm_console *console, struct cm_completions *completions,
                        struct cm_slice typed) {
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    if (console->client == NULL || cacheman_servers(console->client, &servers, &count) != CM_OK)
        return;
    for (size_t i = 0; i < count; i++)
        add(completions, typed, servers[i].name);
    free(servers);
}

static void add_keys(const struct cm_console *console, struct cm_completions *completions,
                     struct cm_slice typed) {
    const char *key;
    for (size_t i = 0; console->seen != NULL && (key = cm_seen_at(console->seen, i)) != NULL; i++)
        add(completions, typed, key);
}

/* The operand with the number, from 0. */
static void add_operands(const struct cm_console *console, struct cm_completions *completions,
                         struct cm_slice typed, enum cm_operand_kind kind) {
    static const char *const groups[] = {"general", "settings", "items", "slabs", "sizes",
                                         "conns",   "latency",  "all",   "reset", NULL};
    static const char *const streams[] = {"fetchers",   "mutations", "deletions", "evictions",
                                          "connevents", "sysevents", NULL};
    static const char *const configs[] = {"server", "get", "set", "reset", NULL},
                             *const switches[] = {"on", "off", NULL};
    switch (kind) {
    case CM_OPERANDS_KEYS:
    case CM_OPERANDS_KEY:
        add_keys(console, completions, typed);
        break;
    case CM_OPERANDS_SERVERS:
        add_servers(console, completions, typed);
        break;
    case CM_OPERANDS_GROUPS:
        add_all(completions, typed, groups);
        break;
    case CM_OPERANDS_STREAMS:
        add_all(completions, typed, streams);
        break;
    case CM_OPERANDS_CONFIGS:
        add_all(completions, typed, configs);
        break;
    case CM_OPERANDS_SWITCHES:
        add_all(completions, typed, switches);
        break;
    case CM_OPERANDS_COMMANDS:
        add_commands(completions, typed);
        break;
    case CM_OPERANDS_NOTHING:
        break;
    }
}

/* ---- which it may be ---- */

static bool has_operand(const struct cm_line *line) {
    for (size_t i = 1; i < line->count; i++) {
        if (!line->words[i].is_bare || line->words[i].bytes.data[0] != '-')
            return true;
    }
    return false;
}

/* The words before the one being typed say what it may be. */
static void find(const struct cm_console *console, const struct cm_line *before,
                 struct cm_slice typed, struct cm_completions *completions) {
    if (before->count == 0) {
        add_commands(completions, typed);
        return;
    }
    const struct cm_command *command = cm_command_find(before->words[0].bytes);
    const struct cm_slice last = before->words[before->count - 1].bytes;
    if (command == NULL)
        return;
    if (typed.len > 0 && typed.data[0] == '-')
        add_options(completions, typed, command);
    else if (cm_slice_equal(last, CM_SLICE("--server")))
        add_servers(console, completions, typed);
    else if (command->kind != CM_OPERANDS_KEY || !has_operand(before))
        add_operands(console, completions, typed, command->kind);
}

static int compare(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void tidy(struct cm_completions *completions) {
    size_t kept = 0;
    if (completions->count == 0)
        return;
    qsort(completions->words, completions->count, sizeof *completions->words, compare);
    for (size_t i = 1; i < completions->count; i++) {
        if (strcmp(completions->words[kept], completions->words[i]) == 0)
            free(completions->words[i]);
        else
            completions->words[++kept] = completions->words[i];
    }
    completions->count = kept + 1;
    const char *first = completions->words[0], *last = completions->words[kept];
    while (first[completions->common] != '\0' &&
           first[completions->common] == last[completions->common])
        completions->common++;
}

void cm_complete(const struct cm_console *console, struct cm_slice text,
                 struct cm_completions *completions) {
    struct cm_line before;
    struct cm_line_error error;
    size_t start = text.len;
    *completions = (struct cm_completions){0};
    while (start > 0 && text.data[start - 1] != ' ' && text.data[start - 1] != '\t')
        start--;
    const struct cm_slice typed = cm_slice(text.data + start, text.len - start);
    for (size_t i = 0; i < typed.len; i++) {
        if (strchr("\"'\\<>|", typed.data[i]) != NULL)
            return;
    }
    if (cm_line_parse(cm_slice(text.data, start), &before, &error) != CM_OK)
        return; /* inside of quotes, or wrong already */
    completions->typed = typed.len;
    find(console, &before, typed, completions);
    tidy(completions);
    cm_line_deinit(&before);
}

void cm_completions_deinit(struct cm_completions *completions) {
    for (size_t i = 0; i < completions->count; i++)
        free(completions->words[i]);
    free(completions->words);
    *completions = (struct cm_completions){0};
}

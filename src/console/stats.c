/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/glob.h"
#include "console/servers.h"
#include "console/table.h"
#include <stdlib.h>

/* What several servers say, side by side: a row a name, in the order of the first server that has
 * it. */
struct merged {
    struct cm_stats *stats; /* a server each */
    const struct cm_targets *targets;
    const char *match; /* NULL: all names */
    struct row {
        struct cm_slice name;
        struct cm_slice *values; /* a server each; .data NULL: it has none */
    } * rows;
    size_t count, room;
};

static void deinit(struct merged *merged) {
    for (size_t i = 0; i < merged->count; i++)
        free(merged->rows[i].values);
    for (size_t i = 0; merged->stats != NULL && i < merged->targets->count; i++)
        cm_stats_deinit(&merged->stats[i]);
    free(merged->stats);
    free(merged->rows);
}

static bool make_room(struct merged *merged) {
    if (merged->count < merged->room)
        return true;
    const size_t room = merged->room == 0 ? 128 : 2 * merged->room;
    struct row *grown = realloc(merged->rows, room * sizeof *grown);
    if (grown == NULL)
        return false;
    merged->rows = grown;
    merged->room = room;
    return true;
}

static struct row *add_row(struct merged *merged, struct cm_slice name) {
    struct cm_slice *values = calloc(merged->targets->count, sizeof *values);
    if (values == NULL || !make_room(merged)) {
        free(values);
        return NULL;
    }
    struct row *row = &merged->rows[merged->count++];
    *row = (struct row){name, values};
    return row;
}

/* Servers mostly say the same in the same order: the row after the last one is tried first. */
static struct row *find_row(const struct merged *merged, struct cm_slice name, size_t likely) {
    for (size_t i = 0; i < merged->count; i++) {
        struct row *row = &merged->rows[(likely + i) % merged->count];
        if (cm_slice_equal(row->name, name))
            return row;
    }
    return NULL;
}

static void merge(struct merged *merged, size_t server) {
    const struct cm_stats *stats = &merged->stats[server];
    const bool is_first = merged->count == 0; /* whose names are all new */
    size_t likely = 0;
    for (size_t i = 0; i < stats->count; i++) {
        const struct cm_slice name = stats->names[i];
        if (merged->match != NULL &&
            !cm_glob_match(cm_slice(merged->match, strlen(merged->match)), name))
            continue;
        struct row *row = is_first ? NULL : find_row(merged, name, likely);
        if (row == NULL)
            row = add_row(merged, name);
        if (row == NULL)
            return;
        row->values[server] = stats->values[i];
        likely = (size_t)(row - merged->rows) + 1;
    }
}

static void print_table(const struct merged *merged, struct cm_console *console) {
    const size_t servers = merged->targets->count;
    struct cm_column *columns = calloc(servers + 1, sizeof *columns);
    struct cm_table *table = columns == NULL ? NULL : cm_table_create(columns, servers + 1);
    char human[CM_HUMAN_BYTES];
    if (table != NULL) {
        columns[0] = (struct cm_column){"", false, CM_WAY_LAST};
        for (size_t i = 0; i < servers; i++)
            columns[i + 1] = (struct cm_column){merged->targets->names[i], true, CM_WAY_NARROWS};
        for (size_t i = 0; i < merged->count; i++) {
            const struct row *row = &merged->rows[i];
            cm_table_add(table, row->name);
            for (size_t j = 0; j < servers; j++) {
                const char *shown =
                    cm_for_people(console) ? cm_human(row->name, row->values[j], human) : NULL;
                cm_table_add(table,
                             shown == NULL ? row->values[j] : cm_slice(shown, strlen(shown)));
            }
        }
        cm_table_print(table, console);
    }
    cm_table_destroy(table);
    free(columns);
}

static void add_json(const struct merged *merged, struct cm_console *console, const char *group) {
    json_t *servers = json_object();
    char name[256];
    for (size_t i = 0; i < merged->targets->count; i++) {
        json_t *values = json_object();
        for (size_t j = 0; j < merged->count; j++) {
            const struct row *row = &merged->rows[j];
            snprintf(name, sizeof name, "%.*s",
                     (int)(row->name.len < sizeof name ? row->name.len : sizeof name - 1),
                     row->name.data);
            if (row->values[i].data != NULL)
                cm_json_set_value(values, name, row->values[i]);
        }
        (void)json_object_set_new(servers, merged->targets->names[i], values);
    }
    if (json_object_get(console->json, "groups") == NULL)
        (void)json_object_set_new(console->json, "groups", json_object());
    (void)json_object_set_new(json_object_get(console->json, "groups"), group, servers);
}

struct asked {
    const char *group; /* NULL: general */
    const char *match;
    bool is_one_of_several;
};

static int show_group(struct cm_console *console, const struct cm_targets *targets,
                      const struct asked *asked) {
    struct merged merged = {.targets = targets, .match = asked->match};
    const char *name = asked->group == NULL ? "general" : asked->group;
    struct cm_shown shown;
    int status = CM_EXIT_OK;
    merged.stats = calloc(targets->count, sizeof *merged.stats);
    if (merged.stats == NULL)
        return cm_error(console, CM_EXIT_UNAVAILABLE, "out of memory");
    for (size_t i = 0; i < targets->count; i++) {
        status = cm_worse(
            status, cm_stats_read(console, targets->names[i], asked->group, &merged.stats[i]));
        merge(&merged, i);
    }
    cm_answer_flush(console);
    if (console->json != NULL)
        add_json(&merged, console, name);
    else if (asked->is_one_of_several && merged.count > 0)
        fprintf(console->out, "%s%s%s\n", cm_colour(console, CM_CYAN), name,
                cm_colour(console, CM_PLAIN));
    if (console->json == NULL && merged.count > 0)
        print_table(&merged, console);
    else if (merged.count > 0)
        status = cm_worse(status, CM_EXIT_OK);
    else if (status == CM_EXIT_OK && !asked->is_one_of_several && asked->match != NULL)
        status = cm_no(console, "no name is like %s", cm_show_text(&shown, asked->match));
    else if (status == CM_EXIT_OK && !asked->is_one_of_several && merged.count == 0)
        cm_note(console, "nothing to tell");
    deinit(&merged);
    return status;
}

static int show_all(struct cm_console *console, const struct cm_targets *targets,
                    const char *match) {
    static const char *const groups[] = {NULL, "settings", "items", "slabs", "sizes", "conns"};
    int status = CM_EXIT_OK;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const struct asked asked = {groups[i], match, true};
        status = cm_worse(status, show_group(console, targets, &asked));
    }
    return status;
}

/* The name of a group, NULL for the general one; false after a message. */
static bool take_group(struct cm_console *console, struct cm_slice text, char *to, size_t room) {
    struct cm_shown shown;
    if (text.len == 0 || text.len >= room || strlen(text.data) != text.len ||
        strcspn(text.data, " \r\n\t") != text.len) {
        (void)cm_error(console, CM_EXIT_USAGE, "stats: %s is no name of a group",
                       cm_show(&shown, text));
        return false;
    }
    memcpy(to, text.data, text.len + 1);
    return true;
}

int cm_command_stats(struct cm_console *console, const struct cm_args *args) {
    struct cm_targets targets;
    char group[64] = "general";
    if (args->count == 1 && !take_group(console, args->operands[0], group, sizeof group))
        return CM_EXIT_USAGE;
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    const struct asked asked = {strcmp(group, "general") == 0 ? NULL : group, args->given.match,
                                false};
    if (strcmp(group, "all") == 0)
        status = show_all(console, &targets, args->given.match);
    else
        status = show_group(console, &targets, &asked);
    if (status == CM_EXIT_OK && strcmp(group, "reset") == 0)
        cm_answer(console, "the counts start anew");
    cm_targets_deinit(&targets);
    return status;
}

/* ---- config ---- */

static int show_options(struct cm_console *console, const char *match) {
    static const struct cm_column columns[] = {
        {"OPTION", false, CM_WAY_LAST}, {"VALUE", false, CM_WAY_LAST}, {"", false, CM_WAY_NARROWS}};
    struct cm_table *table = cm_table_create(columns, 3);
    json_t *options = console->json == NULL ? NULL : json_object();
    struct cacheman_option option;
    char value[256];
    for (size_t i = 0; table != NULL && cacheman_option(i, &option); i++) {
        const struct cm_slice name = cm_slice(option.name, strlen(option.name));
        if (match != NULL && !cm_glob_match(cm_slice(match, strlen(match)), name))
            continue;
        if (!cacheman_option_used(console->client, i, value, sizeof value))
            snprintf(value, sizeof value, "?");
        cm_table_add(table, name);
        cm_table_add_text(table, value);
        if (strcmp(value, option.initial) != 0)
            cm_table_colour(table, CM_GREEN);
        cm_table_add_text(table, option.text);
        if (options != NULL)
            cm_json_set_text(options, option.name, value);
    }
    if (options != NULL)
        (void)json_object_set_new(console->json, "options", options);
    else if (table != NULL)
        cm_table_print(table, console);
    cm_table_destroy(table);
    return CM_EXIT_OK;
}

int cm_command_config(struct cm_console *console, const struct cm_args *args) {
    struct cm_targets targets;
    struct cm_shown shown;
    if (cm_settings_are_meant(args))
        return cm_settings_run(console, args);
    if (args->count == 0 && args->given.server == NULL)
        return show_options(console, args->given.match);
    if (args->count > 0 && !cm_slice_equal(args->operands[0], CM_SLICE("server")))
        return cm_error(console, CM_EXIT_USAGE,
                        "config: %s: must be 'server', 'get', 'set' or 'reset', or nothing for the "
                        "client's own options",
                        cm_show(&shown, args->operands[0]));
    if (args->count > 1)
        return cm_error(console, CM_EXIT_USAGE, "config server: too much: %s",
                        cm_show(&shown, args->operands[1]));
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    status = show_group(console, &targets, &(struct asked){"settings", args->given.match, false});
    cm_targets_deinit(&targets);
    return status;
}

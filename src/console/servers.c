/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/servers.h"

#include "base/os/os.h"
#include "base/os/terminal.h"
#include "cli/safe.h"
#include "cli/units.h"
#include "console/table.h"
#include <inttypes.h>
#include <stdlib.h>

#define REPLICAS_MAX 4

/* ---- servers ---- */

static void add_size(struct cm_table *table, const struct cm_console *console, uint64_t bytes) {
    char text[CM_UNITS_BYTES];
    if (cm_for_people(console))
        cm_units_size(text, bytes);
    else
        snprintf(text, sizeof text, "%" PRIu64, bytes);
    cm_table_add_text(table, text);
}

static void add_number(struct cm_table *table, const struct cm_console *console,
                       const struct cm_stats *stats, const char *name) {
    char human[CM_HUMAN_BYTES];
    const struct cm_slice value = cm_stats_get(stats, name);
    const char *shown =
        cm_for_people(console) ? cm_human(cm_slice(name, strlen(name)), value, human) : NULL;
    cm_table_add(table, shown == NULL ? value : cm_slice(shown, strlen(shown)));
}

static void add_up(struct cm_table *table, const struct cm_console *console,
                   const struct cm_stats *stats) {
    char text[CM_UNITS_BYTES];
    const uint64_t hits = cm_stats_number(stats, "get_hits");
    const uint64_t gets = hits + cm_stats_number(stats, "get_misses");
    add_number(table, console, stats, "uptime");
    cm_table_colour(table, CM_GREEN);
    add_number(table, console, stats, "curr_items");
    add_size(table, console, cm_stats_number(stats, "bytes"));
    add_size(table, console, cm_stats_number(stats, "limit_maxbytes"));
    cm_table_add_text(table, cm_units_percent(text, (double)hits, (double)gets));
    add_number(table, console, stats, "evictions");
    add_number(table, console, stats, "curr_connections");
    cm_table_add(table, cm_stats_get(stats, "version"));
}

static void add_json(struct cm_console *console, const char *name, const struct cm_stats *stats,
                     bool is_up) {
    static const char *const numbers[] = {"version",    "uptime",         "curr_items",
                                          "bytes",      "limit_maxbytes", "get_hits",
                                          "get_misses", "evictions",      "curr_connections"};
    json_t *server = json_object();
    cm_json_set_text(server, "name", name);
    (void)json_object_set_new(server, "up", json_boolean(is_up));
    for (size_t i = 0; is_up && i < sizeof numbers / sizeof numbers[0]; i++)
        cm_json_set_value(server, numbers[i], cm_stats_get(stats, numbers[i]));
    (void)json_array_append_new(json_object_get(console->json, "servers"), server);
}

/* Prints the rows, unless JSON has them, and ends the table. NULL: there was no memory for it. */
static void end_table(struct cm_console *console, struct cm_table *table) {
    cm_answer_flush(console);
    if (table != NULL && console->json == NULL)
        cm_table_print(table, console);
    cm_table_destroy(table);
}

int cm_command_servers(struct cm_console *console, const struct cm_args *args) {
    static const struct cm_column columns[] = {
        {"SERVER", false, CM_WAY_STAYS},   {"UP", false, CM_WAY_LAST},
        {"ITEMS", true, CM_WAY_LAST},      {"STORED", true, CM_WAY_LAST},
        {"LIMIT", true, CM_WAY_GOES},      {"HITS", true, CM_WAY_LAST},
        {"EVICTED", true, CM_WAY_LAST},    {"CONNS", true, CM_WAY_GOES},
        {"VERSION", false, CM_WAY_NARROWS}};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    struct cm_table *table = cm_table_create(columns, COLUMNS);
    struct cm_targets targets;
    int status = cm_targets_init(console, args->given.server, &targets);
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "servers", json_array());
    for (size_t i = 0; table != NULL && i < targets.count; i++) {
        struct cm_stats stats;
        const int one = cm_stats_read(console, targets.names[i], NULL, &stats);
        status = cm_worse(status, one);
        if (console->json != NULL)
            add_json(console, targets.names[i], &stats, one == CM_EXIT_OK);
        cm_table_add_text(table, targets.names[i]);
        if (one == CM_EXIT_OK) {
            add_up(table, console, &stats);
        } else {
            cm_table_add_text(table, "down");
            cm_table_colour(table, CM_RED);
            for (size_t j = 2; j < COLUMNS; j++)
                cm_table_add_text(table, "-");
        }
        cm_stats_deinit(&stats);
    }
    end_table(console, table);
    cm_targets_deinit(&targets);
    return status;
}

/* ---- where ---- */

static size_t replicas_of(struct cm_console *console) {
    char value[16] = "1";
    (void)cm_option_used(console, "replicas", value, sizeof value);
    const size_t count = (size_t)strtoul(value, NULL, 10);
    return count < REPLICAS_MAX ? count : REPLICAS_MAX;
}

struct placing {
    struct cm_console *console;
    struct cm_targets targets;
    size_t replicas;
    struct cm_table *table; /* for people */
};

/* "?": the servers have become more since they were listed. */
static const char *name_of(const struct cm_targets *targets, uint32_t place) {
    return place < targets->all_count ? targets->all[place].name : "?";
}

/* The names of the servers a key is on, with commas between. NULL: no memory. The caller frees it. */
static char *name_servers(const struct placing *placing, struct cm_slice key,
                          const char *distribution) {
    uint32_t places[REPLICAS_MAX];
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        return NULL;
    const size_t found = cacheman_where(placing->console->client, cm_to(key), distribution, places,
                                        placing->replicas);
    for (size_t i = 0; i < found; i++)
        fprintf(to, "%s%s", i == 0 ? "" : ",", name_of(&placing->targets, places[i]));
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

/* For scripts only what is so, as key, tab, servers. */
static void print_place(const struct placing *placing, struct cm_slice key) {
    FILE *to = placing->console->out;
    char *servers = name_servers(placing, key, NULL);
    (void)cm_safe_print_word(to, key);
    fputc('\t', to);
    if (servers != NULL)
        (void)cm_safe_print(to, cm_slice(servers, strlen(servers)), 0);
    fputc('\n', to);
    free(servers);
}

static void add_row(const struct placing *placing, struct cm_slice key) {
    const char *used = cacheman_distribution_used(placing->console->client), *name;
    cm_table_add(placing->table, key);
    for (size_t i = 0; (name = cacheman_distribution(i, NULL)) != NULL; i++) {
        char *servers = name_servers(placing, key, name);
        cm_table_add_text(placing->table, servers == NULL ? "" : servers);
        if (strcmp(name, used) == 0)
            cm_table_colour(placing->table, CM_GREEN);
        free(servers);
    }
}

static void add_item(const struct placing *placing, struct cm_slice key) {
    json_t *item = json_object(), *distributions = json_object();
    const char *name;
    char *servers = name_servers(placing, key, NULL);
    cm_json_set_bytes(item, "key", key);
    cm_json_set_text(item, "server", servers == NULL ? "" : servers);
    free(servers);
    for (size_t i = 0; (name = cacheman_distribution(i, NULL)) != NULL; i++) {
        servers = name_servers(placing, key, name);
        cm_json_set_text(distributions, name, servers == NULL ? "" : servers);
        free(servers);
    }
    (void)json_object_set_new(item, "distributions", distributions);
    (void)json_array_append_new(json_object_get(placing->console->json, "keys"), item);
}

/* Some columns, of which the first is the key's. */
enum { PLACES_MAX = 16 };

static size_t place_columns(struct cm_column *columns) {
    const char *name;
    size_t count = 1;
    columns[0] = (struct cm_column){"KEY", false, CM_WAY_NARROWS};
    while (count < PLACES_MAX && (name = cacheman_distribution(count - 1, NULL)) != NULL)
        columns[count++] = (struct cm_column){name, false, CM_WAY_LAST};
    return count;
}

int cm_command_where(struct cm_console *console, const struct cm_args *args) {
    struct cm_column columns[PLACES_MAX];
    struct placing placing = {.console = console, .replicas = replicas_of(console)};
    const int status = cm_targets_init(console, NULL, &placing.targets);
    if (status != CM_EXIT_OK)
        return status;
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "keys", json_array());
    placing.table = cm_table_create(columns, place_columns(columns));
    for (size_t i = 0; i < args->count && placing.table != NULL; i++) {
        if (console->json != NULL)
            add_item(&placing, args->operands[i]);
        else if (cm_for_people(console))
            add_row(&placing, args->operands[i]);
        else
            print_place(&placing, args->operands[i]);
    }
    if (cm_for_people(console) && placing.table != NULL)
        cm_table_print(placing.table, console);
    cm_note(console, "in use: %s", cacheman_distribution_used(console->client));
    cm_table_destroy(placing.table);
    cm_targets_deinit(&placing.targets);
    return CM_EXIT_OK;
}

/* ---- ping ---- */

struct pinged {
    uint64_t least_ns, most_ns, sum_ns;
    uint64_t answers, asked;
    char version[100];
};

static bool on_version(void *context, const struct cacheman_line *line) {
    struct pinged *pinged = context;
    static const struct cm_slice word = {"VERSION ", 8};
    struct cm_slice text = cm_of(line->text);
    if (text.len > word.len && memcmp(text.data, word.data, word.len) == 0)
        text = cm_slice(text.data + word.len, text.len - word.len);
    snprintf(pinged->version, sizeof pinged->version, "%.*s", (int)(text.len < 90 ? text.len : 90),
             text.data);
    return true;
}

static int ping_once(struct cm_console *console, const char *server, struct pinged *pinged) {
    struct cacheman_error error;
    const struct cacheman_ask ask = {
        .server = server, .visit = on_version, .context = pinged, .error = &error};
    const uint64_t began_ns = cm_os_monotonic_ns();
    const enum cm_status status = cacheman_version(console->client, &ask);
    const uint64_t took_ns = cm_os_monotonic_ns() - began_ns;
    pinged->asked++;
    if (status != CM_OK)
        return cm_error_of(console, &(struct cm_trouble){status, server, error.text, {0}});
    if (pinged->answers == 0 || took_ns < pinged->least_ns)
        pinged->least_ns = took_ns;
    if (took_ns > pinged->most_ns)
        pinged->most_ns = took_ns;
    pinged->sum_ns += took_ns;
    pinged->answers++;
    return CM_EXIT_OK;
}

static void add_time(struct cm_table *table, const struct cm_console *console, uint64_t ns) {
    char text[CM_UNITS_BYTES];
    if (cm_for_people(console))
        cm_units_duration(text, ns);
    else
        snprintf(text, sizeof text, "%.3f", (double)ns / 1e6);
    cm_table_add_text(table, text);
}

static void add_pinged(struct cm_console *console, struct cm_table *table, const char *server,
                       const struct pinged *pinged) {
    const uint64_t answers = pinged->answers;
    const uint64_t mean_ns = answers == 0 ? 0 : pinged->sum_ns / answers;
    char text[48];
    if (console->json != NULL) {
        json_t *item = json_object();
        cm_json_set_text(item, "name", server);
        cm_json_set_text(item, "version", pinged->version);
        cm_json_set_u64(item, "asked", pinged->asked);
        cm_json_set_u64(item, "answered", answers);
        (void)json_object_set_new(item, "min_ms", json_real((double)pinged->least_ns / 1e6));
        (void)json_object_set_new(item, "mean_ms", json_real((double)mean_ns / 1e6));
        (void)json_object_set_new(item, "max_ms", json_real((double)pinged->most_ns / 1e6));
        (void)json_array_append_new(json_object_get(console->json, "servers"), item);
        return;
    }
    snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64, answers, pinged->asked);
    cm_table_add_text(table, server);
    cm_table_add_text(table, text);
    add_time(table, console, pinged->least_ns);
    add_time(table, console, mean_ns);
    add_time(table, console, pinged->most_ns);
    cm_table_add_text(table, pinged->version);
}

int cm_command_ping(struct cm_console *console, const struct cm_args *args) {
    enum { TIMES = 4 };
    static const struct cm_column columns[] = {
        {"SERVER", false, CM_WAY_STAYS}, {"ANSWERED", true, CM_WAY_LAST},
        {"LEAST", true, CM_WAY_LAST},    {"MEAN", true, CM_WAY_LAST},
        {"MOST", true, CM_WAY_LAST},     {"VERSION", false, CM_WAY_NARROWS}};
    struct cm_targets targets;
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    const int64_t times = args->given.count == 0 ? TIMES : args->given.count;
    struct cm_table *table = cm_table_create(columns, 6);
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "servers", json_array());
    for (size_t i = 0; table != NULL && i < targets.count; i++) {
        struct pinged pinged = {0};
        int one = CM_EXIT_OK;
        for (int64_t j = 0; j < times && one == CM_EXIT_OK && cm_may_wait(console); j++)
            one = ping_once(console, targets.names[i], &pinged);
        add_pinged(console, table, targets.names[i], &pinged);
        status = cm_worse(status, one);
    }
    end_table(console, table);
    cm_targets_deinit(&targets);
    return status;
}

/* ---- connect ---- */

static char *join(const struct cm_args *args) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        return NULL;
    for (size_t i = 0; i < args->count; i++) {
        fputs(i == 0 ? "" : ",", to);
        fwrite(args->operands[i].data, 1, args->operands[i].len, to);
    }
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

int cm_command_connect(struct cm_console *console, const struct cm_args *args) {
    const struct cm_cli_where before = console->where;
    struct cm_targets targets;
    struct cm_shown shown;
    size_t up = 0;
    char *servers = join(args);
    if (servers == NULL)
        return cm_error(console, CM_EXIT_UNAVAILABLE, "out of memory");
    console->where.servers = servers;
    int status = cm_connect(console);
    if (status != CM_EXIT_OK) {
        console->where = before;
        free(servers);
        return status;
    }
    free(console->servers);
    console->servers = servers;
    status = cm_targets_init(console, NULL, &targets);
    for (size_t i = 0; i < targets.count; i++) {
        struct pinged pinged = {0};
        const int one = ping_once(console, targets.names[i], &pinged);
        up += one == CM_EXIT_OK;
        status = cm_worse(status, one);
    }
    if (up == targets.count)
        cm_answer(console, "connected to %s",
                  up == 1 ? cm_show_text(&shown, targets.names[0]) : "all servers");
    if (console->json != NULL)
        cm_json_set_u64(console->json, "up", up);
    cm_targets_deinit(&targets);
    return status;
}

/* ---- flush ---- */

static bool is_sure(struct cm_console *console, size_t servers, int64_t delay_s) {
    char key = 'n', delay[CM_UNITS_BYTES];
    const uint64_t began_ns = cm_os_monotonic_ns();
    printf("Forget all items of %zu server%s%s%s? [y/N] ", servers, servers == 1 ? "" : "s",
           delay_s == 0 ? "" : " in ", delay_s == 0 ? "" : cm_units_age(delay, (uint64_t)delay_s));
    fflush(stdout);
    const bool given = cm_os_terminal_read_key(&key) == CM_OK;
    const bool yes = given && (key == 'y' || key == 'Y');
    puts(yes ? "y" : "n");
    console->idle_ns += cm_os_monotonic_ns() - began_ns;
    return yes;
}

int cm_command_flush(struct cm_console *console, const struct cm_args *args) {
    struct cm_targets targets;
    size_t flushed = 0;
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    const bool asks = !args->given.yes && cm_os_terminal_is_input() && console->term.is_tty;
    if (asks && console->mode != CM_MODE_SCRIPT &&
        !is_sure(console, targets.count, args->given.delay)) {
        cm_targets_deinit(&targets);
        return cm_no(console, "nothing was forgotten");
    }
    for (size_t i = 0; i < targets.count; i++) {
        struct cacheman_error error;
        const struct cacheman_ask ask = {.server = targets.names[i], .error = &error};
        const enum cm_status one =
            cacheman_flush(console->client, (uint32_t)args->given.delay, &ask);
        flushed += one == CM_OK;
        if (one != CM_OK)
            status = cm_worse(
                status,
                cm_error_of(console, &(struct cm_trouble){one, targets.names[i], error.text, {0}}));
    }
    if (flushed > 0)
        cm_answer(console, "flushed %zu server%s", flushed, flushed == 1 ? "" : "s");
    if (console->json != NULL)
        cm_json_set_u64(console->json, "flushed", flushed);
    cm_targets_deinit(&targets);
    return status;
}

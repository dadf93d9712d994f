/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "base/uri.h"
#include "cli/units.h"
#include "console/seen.h"
#include "console/servers.h"
#include "console/table.h"
#include <inttypes.h>
#include <stdlib.h>

/* The hottest keys of all servers, out of what `stats hotkeys` says of each. */

enum { SHOWN = 10, SHOWN_MAX = 1000 };

/* A key and its server. */
struct spot {
    char key[CACHEMAN_KEY_BYTES_MAX];
    size_t key_bytes;
    const char *server;
    double requests, error, writes, misses; /* aged */
    double rate, value_bytes_rate;          /* a second */
};

struct spots {
    struct spot *spots;
    size_t count, room;
    double rate; /* of requests for any key of any server */
};

/* NULL: no memory. */
static struct spot *add_spot(struct spots *all, const char *server) {
    if (all->count == all->room) {
        const size_t room = 2 * all->room + SHOWN;
        struct spot *grown = realloc(all->spots, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        all->spots = grown;
        all->room = room;
    }
    struct spot *spot = &all->spots[all->count++];
    *spot = (struct spot){.server = server};
    return spot;
}

/* ---- a server's answer ---- */

static void take_key(struct spot *spot, struct cm_slice text) {
    char decoded[CM_URI_CHARS(CACHEMAN_KEY_BYTES_MAX)];
    const size_t bytes = text.len > sizeof decoded ? SIZE_MAX : cm_uri_decode(text, decoded);
    spot->key_bytes = bytes <= sizeof spot->key ? bytes : 0;
    memcpy(spot->key, decoded, spot->key_bytes);
}

/* What the server says of a key: what this console does not know is passed by. */
static void take_value(struct spot *spot, struct cm_slice what, struct cm_slice value) {
    const struct {
        struct cm_slice name;
        double *to;
    } numbers[] = {
        {CM_SLICE("requests"), &spot->requests},
        {CM_SLICE("error"), &spot->error},
        {CM_SLICE("writes"), &spot->writes},
        {CM_SLICE("misses"), &spot->misses},
        {CM_SLICE("requests_per_second"), &spot->rate},
        {CM_SLICE("value_bytes_per_second"), &spot->value_bytes_rate},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (cm_slice_equal(what, numbers[i].name))
            *numbers[i].to = cm_num_told(value);
    }
}

/* "RANK:NAME VALUE", of which the key is the first; the lines before are of all keys. */
static bool take_answer(struct spots *all, const char *server, const struct cm_stats *stats) {
    const double seconds = cm_num_told(cm_stats_get(stats, "seconds"));
    const double requests = cm_num_told(cm_stats_get(stats, "requests"));
    struct spot *spot = NULL;
    all->rate += seconds > 0 ? requests / seconds : 0;
    for (size_t i = 0; i < stats->count; i++) {
        const struct cm_slice name = stats->names[i];
        const char *colon = name.len == 0 ? NULL : memchr(name.data, ':', name.len);
        if (colon == NULL)
            continue;
        const struct cm_slice what =
            cm_slice(colon + 1, (size_t)(name.data + name.len - colon) - 1);
        if (cm_slice_equal(what, CM_SLICE("key"))) {
            spot = add_spot(all, server);
            if (spot == NULL)
                return false;
            take_key(spot, stats->values[i]);
        } else if (spot != NULL) {
            take_value(spot, what, stats->values[i]);
        }
    }
    return true;
}

static int compare(const void *one, const void *other) {
    const double a = ((const struct spot *)one)->rate, b = ((const struct spot *)other)->rate;
    return (a < b) - (a > b);
}

/* ---- how they are shown ---- */

static void add_row(struct cm_table *table, const struct cm_console *console,
                    const struct spot *spot, double rate) {
    char text[CM_UNITS_BYTES + 2];
    const bool plain = !cm_for_people(console);
    cm_table_add(table, cm_slice(spot->key, spot->key_bytes));
    if (plain)
        snprintf(text, sizeof text, "%.2f", spot->rate);
    else
        cm_units_count(text, spot->rate);
    cm_table_add_text(table, text);
    cm_table_add_text(table, cm_units_percent(text, spot->rate, rate));
    cm_table_add_text(table, cm_units_percent(text, spot->writes, spot->requests));
    cm_table_add_text(table, cm_units_percent(text, spot->misses, spot->requests));
    if (plain)
        snprintf(text, sizeof text, "%.0f", spot->value_bytes_rate);
    else
        cm_units_size(text, (uint64_t)spot->value_bytes_rate);
    cm_table_add_text(table, text);
    cm_table_add_text(table, spot->server);
}

static void print_table(const struct spots *all, struct cm_console *console) {
    static const struct cm_column columns[] = {
        {"KEY", false, CM_WAY_NARROWS}, {"REQUESTS/S", true, CM_WAY_STAYS},
        {"SHARE", true, CM_WAY_STAYS},  {"WRITES", true, CM_WAY_GOES},
        {"MISSES", true, CM_WAY_GOES},  {"VALUES/S", true, CM_WAY_GOES},
        {"SERVER", false, CM_WAY_LAST}};
    struct cm_table *table = cm_table_create(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; table != NULL && i < all->count; i++)
        add_row(table, console, &all->spots[i], all->rate);
    cm_answer_flush(console);
    if (table != NULL)
        cm_table_print(table, console);
    cm_table_destroy(table);
}

static void set_real(json_t *object, const char *name, double value) {
    (void)json_object_set_new(object, name, json_real(value));
}

static void add_json(const struct spots *all, struct cm_console *console) {
    json_t *keys = json_array();
    set_real(console->json, "requests_per_second", all->rate);
    for (size_t i = 0; i < all->count; i++) {
        const struct spot *spot = &all->spots[i];
        json_t *key = json_object();
        cm_json_set_bytes(key, "key", cm_slice(spot->key, spot->key_bytes));
        cm_json_set_text(key, "server", spot->server);
        set_real(key, "requests_per_second", spot->rate);
        set_real(key, "share", all->rate > 0 ? spot->rate / all->rate : 0);
        cm_json_set_u64(key, "requests", (uint64_t)spot->requests);
        cm_json_set_u64(key, "error", (uint64_t)spot->error);
        cm_json_set_u64(key, "writes", (uint64_t)spot->writes);
        cm_json_set_u64(key, "misses", (uint64_t)spot->misses);
        set_real(key, "value_bytes_per_second", spot->value_bytes_rate);
        (void)json_array_append_new(keys, key);
    }
    (void)json_object_set_new(console->json, "keys", keys);
}

/* ---- the command ---- */

static int read_all(struct cm_console *console, const struct cm_targets *targets, uint32_t number,
                    struct spots *all) {
    char group[32];
    int status = CM_EXIT_OK;
    snprintf(group, sizeof group, CM_HOT_GROUP " %" PRIu32, number);
    for (size_t i = 0; i < targets->count; i++) {
        struct cm_stats stats;
        const int one = cm_stats_read(console, targets->names[i], group, &stats);
        status = cm_worse(status, one);
        if (one == CM_EXIT_OK && !take_answer(all, targets->names[i], &stats))
            status = cm_worse(status, cm_error(console, CM_EXIT_UNAVAILABLE, "out of memory"));
        cm_stats_deinit(&stats);
    }
    return status;
}

int cm_command_hot(struct cm_console *console, const struct cm_args *args) {
    struct cm_targets targets;
    struct cm_shown shown;
    struct spots all = {0};
    uint32_t number = SHOWN;
    if (args->count == 1 &&
        (!cm_num_u32(args->operands[0], &number) || number < 1 || number > SHOWN_MAX))
        return cm_error(console, CM_EXIT_USAGE, "hot: %s: must be a number from 1 to %d",
                        cm_show(&shown, args->operands[0]), SHOWN_MAX);
    int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    status = read_all(console, &targets, number, &all);
    if (all.count > 0)
        qsort(all.spots, all.count, sizeof *all.spots, compare);
    all.count = all.count < number ? all.count : number;
    for (size_t i = 0; console->seen != NULL && i < all.count; i++)
        cm_seen_add(console->seen, cm_slice(all.spots[i].key, all.spots[i].key_bytes));
    if (console->json != NULL)
        add_json(&all, console);
    else if (all.count > 0)
        print_table(&all, console);
    else if (status == CM_EXIT_OK)
        cm_note(console, "no key is hot");
    free(all.spots);
    cm_targets_deinit(&targets);
    return status;
}

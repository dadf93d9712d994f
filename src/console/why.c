/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/servers.h"

#include "base/num.h"
#include "cli/units.h"

/* `why`: what became of keys, as their servers tell it, in sentences. */

#define SENTENCE_BYTES 256

static bool says(const struct cm_stats *stats, const char *name, struct cm_slice value) {
    return cm_slice_equal(cm_stats_get(stats, name), value);
}

/* "3 min after its last use" */
static void tell_use(const struct cm_stats *stats, char *to, size_t room) {
    char age[CM_UNITS_BYTES];
    cm_units_age(age, cm_stats_number(stats, "unused_seconds"));
    if (says(stats, "fetched", CM_SLICE("yes")))
        snprintf(to, room, "%s after its last use", age);
    else
        snprintf(to, room, "%s after it was stored, never read", age);
}

static void tell_ago(const struct cm_stats *stats, char *to, size_t room) {
    char age[CM_UNITS_BYTES];
    const uint64_t ago_s = cm_stats_number(stats, "gone_seconds_ago");
    if (ago_s == 0)
        snprintf(to, room, "just now");
    else
        snprintf(to, room, "%s ago", cm_units_age(age, ago_s));
}

static void tell_here(const struct cm_stats *stats, char *to, size_t room) {
    char size[CM_UNITS_BYTES], used[CM_UNITS_BYTES], lives[CM_UNITS_BYTES] = "forever";
    const bool fetched = says(stats, "fetched", CM_SLICE("yes"));
    const bool forever = says(stats, "ttl", CM_SLICE("-1"));
    if (!forever)
        cm_units_age(lives, cm_stats_number(stats, "ttl"));
    snprintf(to, room, "here: %s, lives %s%s, %s %s ago%s",
             cm_units_size(size, cm_stats_number(stats, "size")), forever ? "" : "another ", lives,
             fetched ? "last used" : "stored",
             cm_units_age(used, cm_stats_number(stats, "unused_seconds")),
             fetched ? "" : ", never read");
}

/* False: not a reason this knows. */
static bool tell_gone(const struct cm_stats *stats, char *to, size_t room) {
    static const struct {
        struct cm_slice reason;
        const char *before, *behind;
    } sentences[] = {
        {{"evicted", 7}, "evicted", ": the cache is too small to keep it longer"},
        {{"expired", 7}, "expired", ": its time to live was over"},
        {{"deleted", 7}, "deleted by a client", ""},
        {{"flushed", 7}, "flushed, with all that was there,", ""},
    };
    char ago[CM_UNITS_BYTES + 8], use[CM_UNITS_BYTES + 64];
    if (cm_stats_get(stats, "gone_seconds_ago").len == 0) {
        snprintf(to, room, "evicted longer ago than the server remembers all of: %s",
                 "the cache is too small to keep it longer");
        return says(stats, "reason", CM_SLICE("evicted"));
    }
    tell_ago(stats, ago, sizeof ago);
    tell_use(stats, use, sizeof use);
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (!says(stats, "reason", sentences[i].reason))
            continue;
        snprintf(to, room, "%s %s, %s%s", sentences[i].before, ago, use, sentences[i].behind);
        return true;
    }
    return false;
}

static bool tell(const struct cm_stats *stats, char *to, size_t room) {
    if (says(stats, "state", CM_SLICE("here"))) {
        tell_here(stats, to, room);
        return true;
    }
    if (says(stats, "state", CM_SLICE("unknown"))) {
        snprintf(to, room, "never there, or gone for longer than the server remembers");
        return true;
    }
    return says(stats, "state", CM_SLICE("gone")) && tell_gone(stats, to, room);
}

static void add_json(struct cm_console *console, const struct cm_stats *stats, struct cm_slice key,
                     const char *server) {
    json_t *item = json_object();
    int64_t number;
    char name[64];
    cm_json_set_bytes(item, "key", key);
    cm_json_set_text(item, "server", server);
    for (size_t i = 0; i < stats->count; i++) {
        const struct cm_slice told = stats->names[i];
        snprintf(name, sizeof name, "%.*s", (int)(told.len < sizeof name ? told.len : 0),
                 told.data);
        if (cm_num_i64(stats->values[i], &number) && number < 0) /* forever */
            (void)json_object_set_new(item, name, json_integer(number));
        else
            cm_json_set_value(item, name, stats->values[i]);
    }
    (void)json_array_append_new(json_object_get(console->json, "keys"), item);
}

struct asking {
    struct cm_console *console;
    struct cm_targets targets;
    const char *only; /* the server of --server, or NULL */
    bool many;        /* keys: the answers name them */
};

/* The first server that holds a key. */
static const char *server_of(const struct asking *asking, struct cm_slice key) {
    uint32_t place;
    if (asking->only != NULL)
        return asking->only;
    const size_t found = cacheman_where(asking->console->client, cm_to(key), NULL, &place, 1);
    return found == 1 && place < asking->targets.all_count ? asking->targets.all[place].name : "?";
}

static int answer(const struct asking *asking, const struct cm_stats *stats, struct cm_slice key,
                  const char *server) {
    struct cm_console *console = asking->console;
    char sentence[SENTENCE_BYTES];
    struct cm_shown shown, name;
    const char *before = asking->many ? cm_show(&shown, key) : "", *at = "", *end = "";
    if (console->json != NULL) {
        add_json(console, stats, key, server);
        return CM_EXIT_OK;
    }
    if (!tell(stats, sentence, sizeof sentence))
        return cm_error(console, CM_EXIT_PROTOCOL, "%s: that is no answer to why",
                        cm_show_text(&name, server));
    if (asking->targets.all_count > 1) {
        at = cm_show_text(&name, server);
        end = ")";
    }
    cm_answer(console, "%s%s%s%s%s%s", before, asking->many ? ": " : "", sentence,
              *at == '\0' ? "" : " (", at, end);
    return CM_EXIT_OK;
}

static int ask(const struct asking *asking, struct cm_slice key) {
    struct cm_stats stats;
    const char *server = server_of(asking, key);
    int status = cm_why_read(asking->console, server, key, &stats);
    if (status == CM_EXIT_OK)
        status = answer(asking, &stats, key, server);
    cm_stats_deinit(&stats);
    return status;
}

int cm_command_why(struct cm_console *console, const struct cm_args *args) {
    struct asking asking = {
        .console = console, .only = args->given.server, .many = args->count > 1};
    int status = cm_targets_init(console, args->given.server, &asking.targets);
    if (status != CM_EXIT_OK)
        return status;
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "keys", json_array());
    for (size_t i = 0; i < args->count; i++)
        status = cm_worse(status, ask(&asking, args->operands[i]));
    cm_targets_deinit(&asking.targets);
    return status;
}

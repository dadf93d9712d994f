/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/num.h"
#include "base/os/os.h"
#include "base/uri.h"
#include "cli/safe.h"
#include "cli/units.h"
#include "console/glob.h"
#include "console/pager.h"
#include "console/seen.h"
#include "console/servers.h"
#include <inttypes.h>

enum { NOTED_MAX = 1000, LONG_COLUMNS = 38 };

/* A listing under way. */
struct listing {
    struct cm_console *console;
    const struct cm_args *args;
    struct cm_slice pattern;
    struct cm_pager pager;
    uint64_t shown, told;
    int64_t now_s;
    bool interrupted;
};

/* "key=... exp=... la=... cas=... fetch=... cls=... size=..." */
static struct cm_slice field(struct cm_slice line, const char *name) {
    const size_t length = strlen(name);
    for (size_t at = 0; at < line.len;) {
        const char *space = memchr(line.data + at, ' ', line.len - at);
        const size_t end = space == NULL ? line.len : (size_t)(space - line.data);
        if (end - at > length && memcmp(line.data + at, name, length) == 0 &&
            line.data[at + length] == '=')
            return cm_slice(line.data + at + length + 1, end - at - length - 1);
        at = end + 1;
    }
    return CM_SLICE("");
}

static uint64_t number(struct cm_slice line, const char *name) {
    uint64_t value = 0;
    return cm_num_u64(field(line, name), &value) ? value : 0;
}

/* -1: forever. */
static int64_t ttl_of(const struct listing *listing, struct cm_slice line) {
    int64_t expires_s = -1;
    if (!cm_num_i64(field(line, "exp"), &expires_s) || expires_s <= 0)
        return -1;
    return expires_s > listing->now_s ? expires_s - listing->now_s : 0;
}

static int64_t idle_of(const struct listing *listing, struct cm_slice line) {
    const int64_t used_s = (int64_t)number(line, "la");
    return used_s > 0 && used_s < listing->now_s ? listing->now_s - used_s : 0;
}

/* ---- how they are shown ---- */

static void print_json(struct listing *listing, const struct cacheman_line *from,
                       struct cm_slice key) {
    const struct cm_slice line = cm_of(from->text);
    FILE *to = listing->console->out;
    json_t *item = json_object();
    cm_json_set_bytes(item, "key", key);
    cm_json_set_text(item, "server", from->server);
    cm_json_set_u64(item, "size", number(line, "size"));
    (void)json_object_set_new(item, "ttl", json_integer(ttl_of(listing, line)));
    (void)json_object_set_new(item, "idle", json_integer(idle_of(listing, line)));
    cm_json_set_u64(item, "cas", number(line, "cas"));
    (void)json_dumpf(item, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(item);
}

static void print_long(struct listing *listing, struct cm_slice line) {
    const int64_t ttl_s = ttl_of(listing, line), idle_s = idle_of(listing, line);
    char size[CM_UNITS_BYTES], ttl[CM_UNITS_BYTES] = "forever", idle[CM_UNITS_BYTES];
    FILE *to = listing->console->out;
    if (!cm_for_people(listing->console)) {
        fprintf(to, "%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t", number(line, "size"), ttl_s, idle_s);
        return;
    }
    if (ttl_s >= 0)
        cm_units_age(ttl, (uint64_t)ttl_s);
    fprintf(to, "%9s  %11s  %11s  ", cm_units_size(size, number(line, "size")), ttl,
            cm_units_age(idle, (uint64_t)idle_s));
}

static bool show(struct listing *listing, const struct cacheman_line *line, struct cm_slice key) {
    const bool is_long = listing->args->given.is_long;
    if (listing->console->json != NULL) {
        print_json(listing, line, key);
        return true;
    }
    if (!cm_pager_go_on(&listing->pager, (is_long ? LONG_COLUMNS : 0) + cm_safe_columns(key))) {
        listing->interrupted = listing->pager.interrupted;
        return false;
    }
    if (is_long)
        print_long(listing, cm_of(line->text));
    (void)cm_safe_print_word(listing->console->out, key);
    fputc('\n', listing->console->out);
    return true;
}

/* ---- the listing ---- */

static bool on_line(void *context, const struct cacheman_line *line) {
    struct listing *listing = context;
    char decoded[3 * CACHEMAN_KEY_BYTES_MAX];
    struct cm_slice key = field(cm_of(line->text), "key");
    const int64_t limit = listing->args->given.limit;
    if (++listing->told % 1024 == 0 && !cm_may_wait(listing->console)) {
        listing->interrupted = true;
        return false;
    }
    if (key.len == 0 || key.len > sizeof decoded)
        return true;
    key = cm_slice(decoded, cm_uri_decode(key, decoded));
    if (!cm_glob_match(listing->pattern, key))
        return true;
    if (listing->shown < NOTED_MAX && listing->console->seen != NULL)
        cm_seen_add(listing->console->seen, key);
    if (!show(listing, line, key))
        return false;
    listing->shown++;
    return limit == 0 || listing->shown < (uint64_t)limit;
}

static bool may_wait(void *context) {
    struct listing *listing = context;
    fflush(listing->console->out);
    listing->interrupted = listing->interrupted || !cm_may_wait(listing->console);
    return !listing->interrupted;
}

static int end(struct listing *listing, enum cm_status status, const char *why) {
    struct cm_console *console = listing->console;
    if (console->json != NULL)
        cm_json_set_u64(console->json, "count", listing->shown);
    if (status != CM_OK)
        return cm_error_of(console,
                           &(struct cm_trouble){status, listing->args->given.server, why, {0}});
    if (listing->interrupted)
        return cm_no(console, "ended after %" PRIu64 " keys", listing->shown);
    cm_note(console, "%" PRIu64 " key%s", listing->shown, listing->shown == 1 ? "" : "s");
    return CM_EXIT_OK;
}

int cm_command_keys(struct cm_console *console, const struct cm_args *args) {
    struct listing listing = {.console = console,
                              .args = args,
                              .pattern = args->count == 0 ? CM_SLICE("*") : args->operands[0],
                              .now_s = cm_os_wall_s()};
    struct cacheman_error error;
    struct cm_targets targets;
    const struct cacheman_ask ask = {.server = args->given.server,
                                     .visit = on_line,
                                     .context = &listing,
                                     .may_wait = may_wait,
                                     .error = &error};
    const int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    cm_targets_deinit(&targets);
    cm_pager_init(&listing.pager, console);
    if (args->given.is_long && cm_for_people(console))
        fprintf(console->out, "%s%9s  %11s  %11s  %s%s\n", cm_colour(console, CM_BOLD), "SIZE",
                "LIVES", "UNUSED", "KEY", cm_colour(console, CM_PLAIN));
    return end(&listing, cacheman_dump(console->client, &ask), error.text);
}

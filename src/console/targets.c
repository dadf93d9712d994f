/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/servers.h"

#include "base/num.h"
#include "cli/units.h"
#include <inttypes.h>
#include <stdlib.h>

/* ---- which servers ---- */

static int unknown(struct cm_console *console, const char *only) {
    struct cm_shown shown;
    return cm_error(console, CM_EXIT_USAGE, "there is no server %s here; 'servers' lists them",
                    cm_show_text(&shown, only));
}

int cm_targets_init(struct cm_console *console, const char *only, struct cm_targets *targets) {
    *targets = (struct cm_targets){0};
    if (cacheman_servers(console->client, &targets->all, &targets->all_count) != CM_OK)
        return cm_error(console, CM_EXIT_UNAVAILABLE, "out of memory");
    targets->names = calloc(targets->all_count, sizeof *targets->names);
    for (size_t i = 0; i < targets->all_count && targets->names != NULL; i++) {
        const struct cacheman_server *server = &targets->all[i];
        if (only == NULL ? !server->leaving : strcmp(only, server->name) == 0)
            targets->names[targets->count++] = server->name;
    }
    if (targets->count > 0)
        return CM_EXIT_OK;
    cm_targets_deinit(targets);
    return unknown(console, only == NULL ? "" : only);
}

void cm_targets_deinit(struct cm_targets *targets) {
    free(targets->names);
    free(targets->all);
    *targets = (struct cm_targets){0};
}

bool cm_option_used(struct cm_console *console, const char *name, char *to, size_t room) {
    struct cacheman_option option;
    size_t i = 0;
    while (cacheman_option(i, &option) && strcmp(option.name, name) != 0)
        i++;
    return cacheman_option_used(console->client, i, to, room);
}

/* ---- what they say ---- */

struct reading {
    struct cm_console *console;
    struct cm_stats *stats;
};

static bool make_room(struct cm_stats *stats) {
    if (stats->count < stats->room)
        return true;
    const size_t room = stats->room == 0 ? 128 : 2 * stats->room;
    struct cm_slice *names = realloc(stats->names, room * sizeof *names);
    if (names != NULL)
        stats->names = names;
    struct cm_slice *values = realloc(stats->values, room * sizeof *values);
    if (values != NULL)
        stats->values = values;
    if (names == NULL || values == NULL)
        return false;
    stats->room = room;
    return true;
}

/* "STAT name value"; while they come only lengths are kept, for the text moves as it grows. */
static bool on_line(void *context, const struct cacheman_line *line) {
    struct cm_stats *stats = ((struct reading *)context)->stats;
    static const struct cm_slice word = {"STAT ", 5};
    struct cm_slice text = cm_of(line->text);
    if (text.len >= word.len && memcmp(text.data, word.data, word.len) == 0)
        text = cm_slice(text.data + word.len, text.len - word.len);
    const char *space = text.len == 0 ? NULL : memchr(text.data, ' ', text.len);
    const size_t name_bytes = space == NULL ? text.len : (size_t)(space - text.data);
    const size_t value_bytes = space == NULL ? 0 : text.len - name_bytes - 1;
    if (!make_room(stats) ||
        cm_buf_append(&stats->text, cm_slice(text.data, name_bytes)) != CM_OK ||
        cm_buf_append(&stats->text, cm_slice(text.data + text.len - value_bytes, value_bytes)) !=
            CM_OK)
        return false;
    stats->names[stats->count].len = name_bytes;
    stats->values[stats->count++].len = value_bytes;
    return true;
}

static bool may_wait(void *context) {
    return cm_may_wait(((struct reading *)context)->console);
}

static void place_slices(struct cm_stats *stats) {
    const char *at = stats->text.data;
    for (size_t i = 0; i < stats->count; i++) {
        stats->names[i].data = at;
        at += stats->names[i].len;
        stats->values[i].data = at;
        at += stats->values[i].len;
    }
}

static struct cacheman_ask ask_into(struct reading *reading, const char *server,
                                    struct cacheman_error *error) {
    *reading->stats = (struct cm_stats){0};
    return (struct cacheman_ask){.server = server,
                                 .visit = on_line,
                                 .context = reading,
                                 .may_wait = may_wait,
                                 .error = error};
}

static void explain_group(const char *group, struct cacheman_error *error) {
    if (strncmp(group, CM_HOT_GROUP, sizeof CM_HOT_GROUP - 1) == 0)
        snprintf(error->text, sizeof error->text, "does not count hot keys; cachemand does");
    else
        snprintf(error->text, sizeof error->text, "knows no such group of statistics: %.100s",
                 group);
}

int cm_stats_read(struct cm_console *console, const char *server, const char *group,
                  struct cm_stats *stats) {
    struct cacheman_error error = {0};
    struct reading reading = {console, stats};
    const struct cacheman_ask ask = ask_into(&reading, server, &error);
    const enum cm_status status = cacheman_stats(console->client, group, &ask);
    place_slices(stats);
    if (status == CM_OK)
        return CM_EXIT_OK;
    if (status == CM_INVALID)
        return cm_error(console, CM_EXIT_USAGE, "that is no name of a group of statistics");
    if (status == CM_REFUSED && strcmp(error.text, "ERROR") == 0 && group != NULL)
        explain_group(group, &error);
    return cm_error_of(console, &(struct cm_trouble){status, server, error.text, {0}});
}

int cm_why_read(struct cm_console *console, const char *server, struct cm_slice key,
                struct cm_stats *stats) {
    struct cacheman_error error = {0};
    struct reading reading = {console, stats};
    const struct cacheman_ask ask = ask_into(&reading, server, &error);
    const enum cm_status status = cacheman_why(console->client, cm_to(key), &ask);
    place_slices(stats);
    if (status == CM_OK)
        return CM_EXIT_OK;
    if (status == CM_REFUSED && strcmp(error.text, "ERROR") == 0)
        snprintf(error.text, sizeof error.text, "does not remember keys; cachemand does");
    return cm_error_of(console, &(struct cm_trouble){status, server, error.text, key});
}

void cm_stats_deinit(struct cm_stats *stats) {
    cm_buf_deinit(&stats->text);
    free(stats->names);
    free(stats->values);
    *stats = (struct cm_stats){0};
}

struct cm_slice cm_stats_get(const struct cm_stats *stats, const char *name) {
    for (size_t i = 0; i < stats->count; i++) {
        if (cm_slice_equal(stats->names[i], cm_slice(name, strlen(name))))
            return stats->values[i];
    }
    return CM_SLICE("");
}

uint64_t cm_stats_number(const struct cm_stats *stats, const char *name) {
    uint64_t number = 0;
    return cm_num_u64(cm_stats_get(stats, name), &number) ? number : 0;
}

/* ---- for people ---- */

static bool contains(struct cm_slice name, const char *part) {
    return memmem(name.data, name.len, part, strlen(part)) != NULL;
}

static bool is_name(struct cm_slice name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (cm_slice_equal(name, cm_slice(*names, strlen(*names))))
            return true;
    }
    return false;
}

/* Numbers that count nothing. */
static const char *const labels[] = {"pid",     "time",     "tcpport",      "udpport", "umask",
                                     "version", "libevent", "sizes_status", NULL};
static const char *const sizes[] = {"bytes",          "limit_maxbytes",     "maxbytes",
                                    "item_size_max",  "slab_chunk_max",     "watcher_logbuf_size",
                                    "total_malloced", "worker_logbuf_size", NULL};
static const char *const ages[] = {"uptime", "time_since_server_cert_refresh", "idle_timeout",
                                   NULL};

/* "1,234,567" */
static void group_digits(struct cm_slice digits, char *to) {
    for (size_t i = 0; i < digits.len; i++) {
        if (i > 0 && (digits.len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits.data[i];
    }
    *to = '\0';
}

const char *cm_human(struct cm_slice name, struct cm_slice value, char *to) {
    uint64_t number;
    const bool is_number = value.len <= 20 && cm_num_u64(value, &number);
    if (!is_number || is_name(name, labels))
        return NULL;
    const bool has_size = is_name(name, sizes) || contains(name, "_bytes") ||
                          contains(name, "bytes_") || contains(name, ":mem_requested");
    if (has_size && !contains(name, "conns"))
        return cm_units_size(to, number);
    if (is_name(name, ages) || contains(name, "secs_since") || contains(name, ":age"))
        return cm_units_age(to, number);
    group_digits(value, to);
    return to;
}

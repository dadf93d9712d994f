/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/target.h"

#include "base/num.h"
#include "base/os/os.h"
#include <stdio.h>
#include <stdlib.h>

/* Sets of so many bytes go out at once: what they are copied into then stays in the processor's
 * cache, and is not given back between calls. */
#define SET_BYTES ((size_t)768 << 10)

/* ---- opening -------------------------------------------------------------------------------- */

/* What follows the '?' may be a password. */
static char *name_of(const char *where) {
    return strndup(where, strcspn(where, "?"));
}

enum cm_status cm_target_open(struct cm_target *target, const char *where,
                              const struct cm_target_options *options) {
    struct cacheman_error error = {.text = ""};
    *target = (struct cm_target){.options = *options};
    enum cm_status status = cacheman_open(where, &target->client, &error);
    snprintf(target->why, sizeof target->why, "%s", error.text);
    target->name = name_of(where);
    target->missed = calloc(options->window, sizeof *target->missed);
    target->requests = calloc(2 * options->window, sizeof *target->requests);
    target->results = calloc(2 * options->window, sizeof *target->results);
    if (status == CM_OK && (target->name == NULL || target->missed == NULL ||
                            target->requests == NULL || target->results == NULL))
        status = CM_NO_MEMORY;
    if (status != CM_OK)
        cm_target_close(target);
    return status;
}

void cm_target_close(struct cm_target *target) {
    cacheman_close(target->client);
    free(target->name);
    free(target->missed);
    free(target->requests);
    free(target->results);
    target->client = NULL;
    target->name = NULL;
    target->missed = NULL;
    target->requests = NULL;
    target->results = NULL;
}

static bool count_items(void *context, const struct cacheman_line *line) {
    static const char name[] = "STAT curr_items ";
    struct cm_target *target = context;
    uint64_t items = 0;
    struct cm_slice text = cm_slice(line->text.data, line->text.bytes);
    if (text.len > strlen(name) && memcmp(text.data, name, strlen(name)) == 0 &&
        cm_num_u64(cm_slice(text.data + strlen(name), text.len - strlen(name)), &items))
        target->items_before += items;
    return true;
}

void cm_target_look(struct cm_target *target) {
    const struct cacheman_ask ask = {.visit = count_items, .context = target};
    enum cm_status status = cacheman_stats(target->client, NULL, &ask);
    (void)status; /* who does not answer will be told of when it matters */
}

/* ---- failures ------------------------------------------------------------------------------- */

static bool is_end(enum cm_status status) {
    return status == CM_UNREACHABLE || status == CM_TIMEOUT || status == CM_BAD_ANSWER ||
           status == CM_NOT_AUTHENTICATED;
}

static bool ignore(void *context, const struct cacheman_line *line) {
    (void)context;
    (void)line;
    return true;
}

/* What the client noted about the first server that is in trouble. It does so once it leaves the
 * server out, which may take one more failure. */
static void note_reason(struct cm_target *target, char *to, size_t room) {
    const struct cacheman_ask ask = {.visit = ignore};
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    *to = '\0';
    enum cm_status status = cacheman_version(target->client, &ask);
    if (status == CM_OK || cacheman_servers(target->client, &servers, &count) != CM_OK)
        return;
    for (size_t i = 0; i < count && *to == '\0'; i++) {
        if (*servers[i].error != '\0')
            snprintf(to, room, " (%s%s%s)", count > 1 ? servers[i].name : "", count > 1 ? ": " : "",
                     servers[i].error);
    }
    free(servers);
}

static void fail(struct cm_target *target, enum cm_status status) {
    char reason[160];
    if (target->failure != CM_OK)
        return;
    target->failure = status;
    reason[0] = '\0';
    if (status != CM_TIMEOUT) /* it would be one more */
        note_reason(target, reason, sizeof reason);
    snprintf(target->why, sizeof target->why, "%s%s", cm_status_text(status), reason);
}

/* ---- a call --------------------------------------------------------------------------------- */

static uint32_t bytes_of(const struct cm_target *target, const struct cm_window_request *request) {
    return target->options.fixed_sizes ? cm_value_bytes(target->options.values, request->hash)
                                       : request->value_bytes;
}

static struct cacheman_request set_of(const struct cm_target *target, uint32_t number) {
    const struct cm_window_request *request = &target->before->requests[number];
    struct cm_slice value =
        cm_value(target->options.values, request->hash, bytes_of(target, request));
    return (struct cacheman_request){
        .verb = CACHEMAN_SET,
        .key = cacheman_bytes(request->key.data, request->key.len),
        .value = cacheman_bytes(value.data, value.len),
    };
}

static struct cacheman_request get_of(const struct cm_target *target,
                                      const struct cm_window_request *request) {
    return (struct cacheman_request){
        .verb = CACHEMAN_GET,
        .key = cacheman_bytes(request->key.data, request->key.len),
        .no_value = !target->options.verify,
    };
}

static void count_set(struct cm_target *target, const struct cacheman_request *request,
                      const struct cacheman_result *result) {
    if (result->status == CM_OK && result->outcome == CACHEMAN_STORED) {
        target->counts.stored++;
        target->counts.stored_bytes += request->value.bytes;
    } else if (is_end(result->status)) {
        fail(target, result->status);
    } else {
        target->counts.refused++;
    }
}

static void verify(struct cm_target *target, const struct cm_window_request *request,
                   const struct cacheman_result *result) {
    struct cm_slice got = cm_slice(result->value.data, result->value.bytes);
    bool right = !target->options.fixed_sizes || got.len == bytes_of(target, request);
    if (!right || !cm_value_is(target->options.values, request->hash, got))
        target->counts.wrong++;
}

static void count_get(struct cm_target *target, const struct cm_window *window, size_t number) {
    const struct cacheman_result *result = &target->results[number];
    if (is_end(result->status)) {
        fail(target, result->status);
    } else if (result->status != CM_OK) {
        target->counts.errors++;
    } else if (result->outcome == CACHEMAN_HIT) {
        target->counts.hits++;
        if (target->options.verify)
            verify(target, &window->requests[number], result);
    } else {
        target->counts.misses++;
        target->missed[target->missed_count++] = (uint32_t)number;
    }
}

static void run(struct cm_target *target, size_t count) {
    const struct cacheman_call call = {target->requests, count, target->results,
                                       target->options.timeout_ms};
    enum cm_status status = count == 0 ? CM_OK : cacheman_run(target->client, &call);
    (void)status; /* the results tell it one by one */
}

/* Fills the call with sets, up to their limit of bytes; returns how many. */
static size_t add_sets(struct cm_target *target, size_t from) {
    size_t bytes = 0, count = 0;
    while (from + count < target->missed_count && (count == 0 || bytes < SET_BYTES)) {
        target->requests[count] = set_of(target, target->missed[from + count]);
        bytes += target->requests[count].value.bytes;
        count++;
    }
    return count;
}

static void count_sets(struct cm_target *target, size_t count) {
    for (size_t i = 0; i < count; i++)
        count_set(target, &target->requests[i], &target->results[i]);
}

/* The sets of the window before, all but those of the last call, whose number is returned. */
static size_t run_sets(struct cm_target *target) {
    size_t from = 0;
    for (;;) {
        size_t count = add_sets(target, from);
        from += count;
        if (from == target->missed_count || target->failure != CM_OK)
            return count;
        run(target, count);
        count_sets(target, count);
    }
}

static void replay(struct cm_target *target, const struct cm_window *window) {
    size_t sets = run_sets(target);
    if (target->failure != CM_OK)
        return;
    for (size_t i = 0; i < window->count; i++)
        target->requests[sets + i] = get_of(target, &window->requests[i]);
    run(target, sets + window->count);
    count_sets(target, sets);
    memmove(target->results, target->results + sets, window->count * sizeof *target->results);
    target->missed_count = 0;
    target->before = window;
    for (size_t i = 0; i < window->count; i++)
        count_get(target, window, i);
    target->counts.requests = target->counts.hits + target->counts.misses;
    cacheman_release(target->results, window->count);
}

void cm_target_feed(struct cm_target *target, const struct cm_window *window) {
    if (target->failure != CM_OK)
        return;
    uint64_t begin_ns = cm_os_monotonic_ns();
    replay(target, window);
    target->counts.ns += cm_os_monotonic_ns() - begin_ns;
}

void cm_target_finish(struct cm_target *target) {
    static const struct cm_window nothing;
    cm_target_feed(target, &nothing);
}

double cm_counts_miss_ratio(const struct cm_counts *counts) {
    return counts->requests == 0 ? 0 : (double)counts->misses / (double)counts->requests;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/internal.h"

#include "cli/safe.h"
#include "cli/units.h"
#include "console/batch.h"
#include <inttypes.h>
#include <stdlib.h>

enum { ROWS_BESIDE = 4 }; /* of a screen, for prompt and answer */

/* ---- for people ---- */

static void describe_ttl(int64_t ttl_s, char *to, size_t room) {
    char age[CM_UNITS_BYTES];
    if (ttl_s == CACHEMAN_TTL_UNKNOWN)
        snprintf(to, room, "%s", "");
    else if (ttl_s == CACHEMAN_TTL_FOREVER)
        snprintf(to, room, ", lives forever");
    else
        snprintf(to, room, ", lives %s", cm_units_age(age, (uint64_t)ttl_s));
}

static void show(struct cm_console *console, struct cm_slice key,
                 const struct cacheman_result *result) {
    const struct cm_slice value = cm_of(result->value);
    char size[CM_UNITS_BYTES], ttl[64];
    struct cm_shown shown;
    const unsigned rows = console->term.rows;
    const struct cm_show_room room = {console->term.columns,
                                      rows > 2 * ROWS_BESIDE ? rows - ROWS_BESIDE : ROWS_BESIDE};
    const size_t seen = cm_show_value(console->out, value, room);
    describe_ttl(result->ttl_s, ttl, sizeof ttl);
    cm_units_size(size, value.len);
    if (seen < value.len)
        cm_note(console,
                "the first %zu of %zu bytes, flags %" PRIu32 ", cas %" PRIu64
                "%s; all of it: get %s > FILE, or --raw",
                seen, value.len, result->flags, result->cas, ttl, cm_show(&shown, key));
    else
        cm_note(console, "%s, flags %" PRIu32 ", cas %" PRIu64 "%s", size, result->flags,
                result->cas, ttl);
}

/* ---- for scripts ---- */

static void print_row(struct cm_console *console, struct cm_slice key, struct cm_slice value) {
    (void)cm_safe_print_word(console->out, key);
    fputc('\t', console->out);
    (void)cm_safe_print_word(console->out, value);
    fputc('\n', console->out);
}

static void print_raw(struct cm_console *console, const struct cm_args *args,
                      struct cm_slice value) {
    if (value.len > 0)
        fwrite(value.data, 1, value.len, console->out);
    if (console->mode == CM_MODE_SCRIPT && !console->to_file && !args->given.raw)
        fputc('\n', console->out);
}

static void add_json(struct cm_console *console, struct cm_slice key,
                     const struct cacheman_result *result) {
    json_t *item = json_object();
    const bool found = result->outcome == CACHEMAN_HIT && result->status == CM_OK;
    cm_json_set_bytes(item, "key", key);
    (void)json_object_set_new(item, "found", json_boolean(found));
    if (found) {
        cm_json_set_bytes(item, "value", cm_of(result->value));
        cm_json_set_u64(item, "flags", result->flags);
        cm_json_set_u64(item, "cas", result->cas);
    }
    if (found && result->ttl_s != CACHEMAN_TTL_UNKNOWN)
        (void)json_object_set_new(item, "ttl", json_integer(result->ttl_s));
    (void)json_array_append_new(json_object_get(console->json, "items"), item);
}

/* ---- the command ---- */

static int print(struct cm_console *console, const struct cm_args *args, size_t number,
                 const struct cacheman_result *result) {
    const struct cm_slice key = args->operands[number];
    struct cm_shown shown;
    const int status = cm_batch_failed(console, key, result);
    if (console->json != NULL)
        add_json(console, key, result);
    if (status != CM_EXIT_OK)
        return status;
    if (result->outcome != CACHEMAN_HIT)
        return cm_no(console, "%s: there is no such item", cm_show(&shown, key));
    if (console->json != NULL)
        return CM_EXIT_OK;
    cm_answer_flush(console);
    if (args->given.raw || (!cm_for_people(console) && args->count == 1)) {
        print_raw(console, args, cm_of(result->value));
    } else if (!cm_for_people(console)) {
        print_row(console, key, cm_of(result->value));
    } else {
        if (args->count > 1)
            fprintf(console->out, "%s%s%s\n", cm_colour(console, CM_BOLD), cm_show(&shown, key),
                    cm_colour(console, CM_PLAIN));
        show(console, key, result);
    }
    return CM_EXIT_OK;
}

int cm_command_get(struct cm_console *console, const struct cm_args *args) {
    struct cm_batch batch;
    int status = cm_batch_init(console, args, &batch);
    if (status != CM_EXIT_OK)
        return status;
    for (size_t i = 0; i < batch.count; i++)
        batch.requests[i].want_cas = batch.requests[i].want_ttl = true;
    cm_batch_run(console, &batch);
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "items", json_array());
    for (size_t i = 0; i < batch.count; i++)
        status = cm_worse(status, print(console, args, i, &batch.results[i]));
    cm_batch_deinit(&batch);
    return status;
}

static int print_ttl(struct cm_console *console, const struct cm_args *args, size_t number,
                     const struct cacheman_result *result) {
    const struct cm_slice key = args->operands[number];
    struct cm_shown shown;
    char age[CM_UNITS_BYTES];
    const int status = cm_batch_failed(console, key, result);
    if (console->json != NULL)
        add_json(console, key, result);
    if (status != CM_EXIT_OK)
        return status;
    const char *name = cm_show(&shown, key);
    const bool named = args->count > 1, people = cm_for_people(console);
    if (result->outcome != CACHEMAN_HIT)
        return cm_no(console, "%s: there is no such item", name);
    if (result->ttl_s == CACHEMAN_TTL_UNKNOWN)
        return cm_error(console, CM_EXIT_PROTOCOL,
                        "%s: the server does not tell; only those do that speak the meta protocol",
                        name);
    const char *before = named ? name : "", *between = !named ? "" : people ? ": " : "\t";
    if (!people)
        cm_answer(console, "%s%s%" PRId64, before, between, result->ttl_s);
    else if (result->ttl_s == CACHEMAN_TTL_FOREVER)
        cm_answer(console, "%s%slives forever", before, between);
    else
        cm_answer(console, "%s%slives another %s", before, between,
                  cm_units_age(age, (uint64_t)result->ttl_s));
    return CM_EXIT_OK;
}

int cm_command_ttl(struct cm_console *console, const struct cm_args *args) {
    struct cm_batch batch;
    int status = cm_batch_init(console, args, &batch);
    if (status != CM_EXIT_OK)
        return status;
    for (size_t i = 0; i < batch.count; i++)
        batch.requests[i].want_ttl = batch.requests[i].no_value = true;
    cm_batch_run(console, &batch);
    if (console->json != NULL)
        (void)json_object_set_new(console->json, "items", json_array());
    for (size_t i = 0; i < batch.count; i++)
        status = cm_worse(status, print_ttl(console, args, i, &batch.results[i]));
    cm_batch_deinit(&batch);
    return status;
}

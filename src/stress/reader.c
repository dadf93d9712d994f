/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/reader.h"

#include "base/check.h"
#include <stdlib.h>

#define SHOWN_KEY_BYTES 40u
#define SHOWN_BYTES     60 /* of an answer that makes no sense */

enum cm_status cm_stress_reader_init(struct cm_stress_reader *reader,
                                     const struct cm_stress_script *script,
                                     struct cm_stress_tally *tally) {
    const size_t keys = (size_t)script->depth * script->multiget;
    *reader = (struct cm_stress_reader){.script = script, .tally = tally};
    reader->requests = calloc(script->depth, sizeof *reader->requests);
    reader->keys = calloc(keys, sizeof *reader->keys);
    reader->missed = calloc(keys, sizeof *reader->missed);
    if (reader->requests != NULL && reader->keys != NULL && reader->missed != NULL)
        return CM_OK;
    cm_stress_reader_deinit(reader);
    return CM_NO_MEMORY;
}

void cm_stress_reader_deinit(struct cm_stress_reader *reader) {
    free(reader->requests);
    free(reader->keys);
    free(reader->missed);
    *reader = (struct cm_stress_reader){0};
}

void cm_stress_reader_clear(struct cm_stress_reader *reader) {
    reader->asked = reader->answered = reader->key_count = reader->cursor = 0;
    reader->is_refused = false;
}

void cm_stress_reader_ask(struct cm_stress_reader *reader, enum cm_stress_kind kind,
                          uint64_t due_ns) {
    CM_CHECK(reader->asked < reader->script->depth);
    reader->requests[reader->asked++] = (struct cm_stress_request){
        .due_ns = due_ns, .first = reader->key_count, .kind = (uint8_t)kind};
}

void cm_stress_reader_key(struct cm_stress_reader *reader, uint32_t key) {
    struct cm_stress_request *request = &reader->requests[reader->asked - 1];
    CM_CHECK(request->count < reader->script->multiget);
    reader->keys[reader->key_count++] = key;
    request->count++;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void miss(struct cm_stress_reader *reader, uint32_t key, bool is_counter) {
    const uint32_t room = reader->script->depth * reader->script->multiget;
    if (reader->missed_count < room) /* R2, unless the server answers more than was asked */
        reader->missed[reader->missed_count++] = (struct cm_stress_missed){key, is_counter};
}

static void miss_next(struct cm_stress_reader *reader, const struct cm_stress_request *request) {
    const uint32_t key = reader->keys[request->first + reader->cursor++];
    reader->tally->keys++;
    if (reader->script->fill)
        miss(reader, key, false);
}

static void check_value(struct cm_stress_reader *reader, struct cm_slice key,
                        struct cm_slice value) {
    reader->tally->checked++;
    const size_t wrong_at = cm_stress_value_check(reader->script->block, key, value);
    if (wrong_at == CM_STRESS_WHOLE)
        return;
    if (reader->tally->wrong++ == 0)
        cm_stress_tally_trouble(reader->tally, "wrong value of %.*s, %zu bytes: from byte %zu on",
                                (int)(key.len < SHOWN_KEY_BYTES ? key.len : SHOWN_KEY_BYTES),
                                key.data, value.len, wrong_at);
}

/* A value of the next key, or of one behind it: those between have none (R1). The name of a single
 * key is taken for granted, unless values are verified. */
static bool take_value(struct cm_stress_reader *reader, const struct cm_stress_request *request,
                       const struct cm_stress_piece *piece) {
    const bool verify = reader->script->verify;
    const bool is_named = piece->key.len > 0 && (request->count > 1 || verify);
    char text[CM_STRESS_KEY_BYTES_MAX];
    while (reader->cursor < request->count) {
        struct cm_slice key = {NULL, 0};
        if (is_named || verify)
            key = cm_stress_name(&reader->script->names, CM_STRESS_VALUES,
                                 reader->keys[request->first + reader->cursor], text);
        if (is_named && !cm_slice_equal(piece->key, key)) {
            miss_next(reader, request);
            continue;
        }
        reader->cursor++;
        reader->tally->keys++;
        reader->tally->hits++;
        if (verify)
            check_value(reader, key, piece->text);
        return true;
    }
    return false;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* The answer to whoever has to log in first, in each of the protocols; text and meta take a set for a
 * login, which fails. */
static bool is_denial(struct cm_slice text) {
    static const char *const beginnings[] = {
        "CLIENT_ERROR unauthenticated", "CLIENT_ERROR authentication failure",
        "CLIENT_ERROR bad authentication", "NOAUTH ", "Auth failure"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        const size_t bytes = strlen(beginnings[i]);
        if (text.len >= bytes && memcmp(text.data, beginnings[i], bytes) == 0)
            return true;
    }
    return false;
}

static void note_error(struct cm_stress_reader *reader, const struct cm_stress_piece *piece) {
    const int bytes =
        piece->text.len < CM_STRESS_TROUBLE_BYTES ? (int)piece->text.len : CM_STRESS_TROUBLE_BYTES;
    reader->tally->errors++;
    reader->tally->is_denied = reader->tally->is_denied || is_denial(piece->text);
    reader->is_refused = true;
    cm_stress_tally_trouble(reader->tally, "%.*s", bytes, piece->text.data);
}

static void finish(struct cm_stress_reader *reader, const struct cm_stress_request *request,
                   const struct cm_stress_piece *piece, uint64_t now_ns) {
    const unsigned kind = request->kind == CM_STRESS_COUNTER ? CM_STRESS_ADD : request->kind;
    const bool is_no = piece->found == CM_STRESS_NO;
    while (kind == CM_STRESS_GET && !reader->is_refused && reader->cursor < request->count)
        miss_next(reader, request);
    if (kind == CM_STRESS_INCR && is_no)
        miss(reader, reader->keys[request->first], true);
    reader->answered++;
    reader->cursor = 0;
    if (kind == CM_STRESS_LOGIN) {
        reader->is_logged_in = piece->found == CM_STRESS_DONE;
    } else {
        reader->tally->no[kind] += is_no;
        reader->tally->failed[kind] += reader->is_refused;
        cm_latency_add(&reader->tally->latency[kind],
                       now_ns > request->due_ns ? now_ns - request->due_ns : 0);
    }
    reader->is_refused = false;
}

/* A piece by itself; false if it does not fit the request. */
static bool take_piece(struct cm_stress_reader *reader, const struct cm_stress_request *request,
                       const struct cm_stress_piece *piece) {
    switch (piece->found) {
    case CM_STRESS_VALUE:
        return take_value(reader, request, piece);
    case CM_STRESS_MISS:
        if (reader->cursor == request->count)
            return false;
        miss_next(reader, request);
        return true;
    case CM_STRESS_ERROR:
        note_error(reader, piece);
        return true;
    default:
        return piece->found != CM_STRESS_BAD;
    }
}

static bool fail(struct cm_stress_reader *reader, struct cm_slice in) {
    const int bytes = in.len < SHOWN_BYTES ? (int)in.len : SHOWN_BYTES;
    const char *end = memchr(in.data, '\n', (size_t)bytes);
    reader->tally->bad++;
    cm_stress_tally_trouble(reader->tally, "makes no sense: %.*s",
                            end == NULL ? bytes : (int)(end - in.data), in.data);
    return false;
}

bool cm_stress_reader_take(struct cm_stress_reader *reader, struct cm_slice in, uint64_t now_ns,
                           size_t *used) {
    *used = 0;
    while (*used < in.len) {
        const struct cm_slice rest = cm_slice(in.data + *used, in.len - *used);
        struct cm_stress_request *request = &reader->requests[reader->answered];
        struct cm_stress_piece piece = {.found = CM_STRESS_BAD};
        if (reader->answered == reader->asked)
            return fail(reader, rest); /* nobody asked */
        reader->script->dialect->scan(rest, request, &piece);
        if (piece.found == CM_STRESS_PART)
            return true;
        if (!take_piece(reader, request, &piece))
            return fail(reader, rest);
        *used += piece.used;
        request->seen++;
        if (piece.last)
            finish(reader, request, &piece, now_ns);
    }
    return true;
}

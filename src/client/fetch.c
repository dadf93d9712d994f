/* SPDX-License-Identifier: BSD-3-Clause */

/* Get with a loader. A meta server creates the missing item empty and tells one caller that it has
 * won; for the others the item is "taken" until the winner has stored. What they see:
 *
 *     won                    compute, store with the cas of what was seen, serve
 *     taken, with a value    serve it: it is out of date or about to be
 *     taken, empty           wait, asking again after ever longer pauses
 *     neither                serve
 *
 * F1. The winner stores by cas: if the key was changed or deleted since, the newer state stays and
 *     what was computed is only served.
 * F2. A winner that fails takes the empty item away, so that the next caller wins at once. */

#include "client/internal.h"

#include <stdlib.h>

#define LEASE_S       30
#define WAIT_MS       1000
#define PAUSE_MS_FROM 1
#define PAUSE_MS_MAX  64

struct fetching {
    struct cacheman *client;
    struct cacheman_bytes key;
    const struct cacheman_fetch *how;
    struct cacheman_result *result;
    struct cm_answer answer; /* of the get; its value is the result's */
};

static void clear(struct cacheman_result *result) {
    free((void *)(uintptr_t)result->value.data);
    *result = (struct cacheman_result){.ttl_s = CACHEMAN_TTL_UNKNOWN};
}

static enum cm_status look(struct fetching *f) {
    const struct cm_ask extra = {.lease = true,
                                 .lease_s = f->how->lease_s == 0 ? LEASE_S : f->how->lease_s,
                                 .refresh_s = f->how->refresh_s};
    const struct cacheman_request get = {.verb = CACHEMAN_GET, .key = f->key, .want_cas = true};
    const struct cacheman_call call = {&get, 1, f->result, 0};
    return cm_client_ask(f->client, &call, &extra, &f->answer);
}

/* Nobody there, or nobody who keeps watch: every caller computes. */
static bool is_unguarded(const struct fetching *f) {
    return f->result->outcome == CACHEMAN_MISS;
}

static bool is_empty_and_taken(const struct fetching *f) {
    return f->answer.taken && !f->answer.won && f->result->value.bytes == 0;
}

/* F2 */
static void give_back(struct fetching *f) {
    const struct cacheman_request request = {
        .verb = CACHEMAN_DELETE, .key = f->key, .cas = f->answer.result.cas};
    struct cacheman_result result;
    const struct cacheman_call call = {&request, 1, &result, 0};
    if (f->answer.won && f->result->value.bytes == 0 && cacheman_run(f->client, &call) != CM_OK)
        return; /* the lease will end by itself */
}

static void store(struct fetching *f, const struct cacheman_loaded *loaded) {
    const bool guarded = f->answer.won;
    const struct cacheman_request request = {
        .verb = guarded ? CACHEMAN_CAS : CACHEMAN_SET,
        .key = f->key,
        .value = cacheman_bytes(loaded->value, loaded->bytes),
        .flags = loaded->flags,
        .ttl_s = loaded->ttl_s,
        .cas = f->answer.result.cas,
    };
    struct cacheman_result result;
    const struct cacheman_call call = {&request, 1, &result, 0};
    if (cacheman_run(f->client, &call) != CM_OK)
        return; /* it is computed, and served: to have it stored was only for the others */
}

/* The loaded value with the zero that results have behind them. */
static enum cm_status serve(struct fetching *f, struct cacheman_loaded *loaded) {
    char *value = realloc(loaded->value, loaded->bytes + 1);
    clear(f->result);
    if (value == NULL) {
        free(loaded->value);
        f->result->outcome = CACHEMAN_UNKNOWN;
        f->result->status = CM_NO_MEMORY;
        return CM_NO_MEMORY;
    }
    value[loaded->bytes] = '\0';
    f->result->outcome = CACHEMAN_STORED;
    f->result->value = cacheman_bytes(value, loaded->bytes);
    f->result->flags = loaded->flags;
    return CM_OK;
}

static enum cm_status compute(struct fetching *f) {
    struct cacheman_loaded loaded = {0};
    enum cm_status status = f->how->load(f->how->context, f->key, &loaded);
    if (status != CM_OK) {
        give_back(f);
        clear(f->result);
        f->result->outcome = CACHEMAN_UNKNOWN;
        f->result->status = status;
        return status;
    }
    if (loaded.do_not_store)
        give_back(f);
    else if (f->result->status == CM_OK)
        store(f, &loaded);
    return serve(f, &loaded);
}

/* Until somebody has computed it, somebody else has won, or the patience has ended. */
static enum cm_status await(struct fetching *f) {
    const uint32_t wait_ms = f->how->wait_ms == 0 ? WAIT_MS : f->how->wait_ms;
    const uint64_t until_ns = cm_os_monotonic_ns() + wait_ms * CM_NS_PER_MS;
    uint32_t pause_ms = PAUSE_MS_FROM;
    enum cm_status status = CM_OK;
    while (status == CM_OK && is_empty_and_taken(f) && cm_os_monotonic_ns() < until_ns) {
        cm_os_sleep_ms(pause_ms);
        pause_ms = pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause_ms * 2;
        clear(f->result);
        status = look(f);
    }
    return status;
}

enum cm_status cacheman_fetch(cacheman *client, struct cacheman_bytes key,
                              const struct cacheman_fetch *fetch, struct cacheman_result *result) {
    struct fetching f = {.client = client, .key = key, .how = fetch, .result = result};
    enum cm_status status = look(&f);
    if (status == CM_OK)
        status = await(&f);
    if (status == CM_BAD_KEY || status == CM_NO_MEMORY)
        return status;
    if (status != CM_OK || is_unguarded(&f) || f.answer.won || is_empty_and_taken(&f))
        return compute(&f);
    result->cas = 0;
    result->stale |= f.answer.taken;
    return CM_OK;
}

enum cm_status cacheman_invalidate(cacheman *client, struct cacheman_bytes key, uint32_t grace_s,
                                   struct cacheman_result *result) {
    const struct cm_ask extra = {.invalidate = true, .grace_s = grace_s};
    const struct cacheman_request request = {.verb = CACHEMAN_DELETE, .key = key};
    struct cacheman_result own;
    const struct cacheman_call call = {&request, 1, result == NULL ? &own : result, 0};
    return cm_client_ask(client, &call, &extra, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/internal.h"

#include <stdlib.h>

/* Calls of as many requests need no memory for their tasks. */
#define FEW_TASKS 1

static enum cm_status run(struct cacheman *client, const struct cacheman_call *what,
                          struct cm_call *call) {
    struct cm_flight flight;
    call->view = cm_client_view(client);
    call->engine = &flight.engine;
    cm_flight_init(&flight, client, &call->view->settings, what->timeout_ms);
    cm_call_init(call, what);
    cm_call_start(call);
    cm_flight_run(&flight, &call->left);
    cm_flight_deinit(&flight);
    cm_view_release(call->view);
    return cm_call_status(what);
}

static void fail_all(const struct cacheman_call *what, enum cm_status status) {
    for (size_t i = 0; i < what->count; i++)
        what->results[i] = (struct cacheman_result){
            .outcome = CACHEMAN_UNKNOWN, .status = status, .ttl_s = CACHEMAN_TTL_UNKNOWN};
}

enum cm_status cacheman_run(cacheman *client, const struct cacheman_call *what) {
    struct cm_task few[FEW_TASKS];
    struct cm_call call = {.tasks = few};
    if (what->count > FEW_TASKS)
        call.tasks = malloc(what->count * sizeof *call.tasks);
    if (call.tasks == NULL) {
        fail_all(what, CM_NO_MEMORY);
        return CM_NO_MEMORY;
    }
    enum cm_status status = run(client, what, &call);
    if (call.tasks != few)
        free(call.tasks);
    return status;
}

enum cm_status cm_client_ask(struct cacheman *client, const struct cacheman_call *what,
                             const struct cm_ask *extra, struct cm_answer *answer) {
    struct cm_task task;
    struct cm_call call = {.tasks = &task, .extra = extra};
    task.main.answer = (struct cm_answer){0};
    enum cm_status status = run(client, what, &call);
    if (answer != NULL)
        *answer = task.main.answer;
    return status;
}

void cacheman_release(struct cacheman_result *results, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)results[i].value.data);
        results[i].value = cacheman_bytes(NULL, 0);
    }
}

/* ---- one key ---- */

static enum cm_status run_one(struct cacheman *client, const struct cacheman_request *request,
                              struct cacheman_result *result) {
    struct cacheman_result own;
    const struct cacheman_call call = {request, 1, result == NULL ? &own : result, 0};
    enum cm_status status = cacheman_run(client, &call);
    if (result == NULL)
        cacheman_release(&own, 1);
    return status;
}

enum cm_status cacheman_get(cacheman *client, struct cacheman_bytes key,
                            struct cacheman_result *result) {
    const struct cacheman_request request = {.verb = CACHEMAN_GET, .key = key};
    return run_one(client, &request, result);
}

enum cm_status cacheman_gets(cacheman *client, struct cacheman_bytes key,
                             struct cacheman_result *result) {
    const struct cacheman_request request = {.verb = CACHEMAN_GET, .key = key, .want_cas = true};
    return run_one(client, &request, result);
}

static struct cacheman_request storing(enum cacheman_verb verb, struct cacheman_bytes key,
                                       struct cacheman_bytes value,
                                       const struct cacheman_how *how) {
    struct cacheman_request request = {.verb = verb, .key = key, .value = value};
    if (how != NULL) {
        request.flags = how->flags;
        request.ttl_s = how->ttl_s;
        request.cas = how->cas;
        request.no_reply = how->no_reply;
    }
    return request;
}

#define STORE_DEFINE(name, verb)                                                                   \
    enum cm_status cacheman_##name(cacheman *client, struct cacheman_bytes key,                    \
                                   struct cacheman_bytes value, const struct cacheman_how *how,    \
                                   struct cacheman_result *result) {                               \
        const struct cacheman_request request = storing(verb, key, value, how);                    \
        return run_one(client, &request, result);                                                  \
    }
STORE_DEFINE(set, CACHEMAN_SET)
STORE_DEFINE(add, CACHEMAN_ADD)
STORE_DEFINE(replace, CACHEMAN_REPLACE)
STORE_DEFINE(append, CACHEMAN_APPEND)
STORE_DEFINE(prepend, CACHEMAN_PREPEND)
STORE_DEFINE(cas, CACHEMAN_CAS)

enum cm_status cacheman_delete(cacheman *client, struct cacheman_bytes key,
                               struct cacheman_result *result) {
    const struct cacheman_request request = {.verb = CACHEMAN_DELETE, .key = key};
    return run_one(client, &request, result);
}

enum cm_status cacheman_increment(cacheman *client, struct cacheman_bytes key, uint64_t delta,
                                  struct cacheman_result *result) {
    const struct cacheman_request request = {
        .verb = CACHEMAN_INCREMENT, .key = key, .delta = delta};
    return run_one(client, &request, result);
}

enum cm_status cacheman_decrement(cacheman *client, struct cacheman_bytes key, uint64_t delta,
                                  struct cacheman_result *result) {
    const struct cacheman_request request = {
        .verb = CACHEMAN_DECREMENT, .key = key, .delta = delta};
    return run_one(client, &request, result);
}

enum cm_status cacheman_touch(cacheman *client, struct cacheman_bytes key, int64_t ttl_s,
                              struct cacheman_result *result) {
    const struct cacheman_request request = {.verb = CACHEMAN_TOUCH, .key = key, .ttl_s = ttl_s};
    return run_one(client, &request, result);
}

enum cm_status cacheman_get_and_touch(cacheman *client, struct cacheman_bytes key, int64_t ttl_s,
                                      struct cacheman_result *result) {
    const struct cacheman_request request = {
        .verb = CACHEMAN_GET_AND_TOUCH, .key = key, .ttl_s = ttl_s};
    return run_one(client, &request, result);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/task.h"

#include "base/num.h"
#include <stdlib.h>

enum role { ROLE_MAIN, ROLE_OTHER, ROLE_OLD };

static void advance(struct cm_task *task);

static bool is_read(enum cacheman_verb verb) {
    return verb == CACHEMAN_GET || verb == CACHEMAN_GET_AND_TOUCH;
}

/* Sent to all replicas at once: what comes out the same wherever it is done, and however often. */
static bool is_parallel(const struct cacheman_request *request) {
    return request->verb == CACHEMAN_SET || request->verb == CACHEMAN_TOUCH ||
           (request->verb == CACHEMAN_DELETE && request->cas == 0);
}

/* May be sent again without harm if it is not known whether it was carried out. */
static bool is_repeatable(const struct cacheman_request *request) {
    return is_read(request->verb) || is_parallel(request);
}

/* What it comes to depends on the item that there is. */
static bool needs_item(const struct cacheman_request *request) {
    return !is_read(request->verb) && request->verb != CACHEMAN_SET &&
           request->verb != CACHEMAN_DELETE;
}

static const struct cm_settings *settings_of(const struct cm_task *task) {
    return &task->call->view->settings;
}

static struct cm_server *server_at(const struct cm_task *task, size_t candidate) {
    return task->call->view->servers[task->candidates[candidate]];
}

static void drop_value(struct cacheman_result *result) {
    free((void *)(uintptr_t)result->value.data);
    result->value = cacheman_bytes(NULL, 0);
}

/* ---- attempts ---- */

static void on_done(struct cm_attempt *attempt) {
    struct cm_task *task = attempt->context;
    if (--task->pending == 0)
        advance(task);
}

void cm_attempt_fail(struct cm_attempt *attempt, enum cm_status status) {
    attempt->answer = (struct cm_answer){
        .result = {.outcome = CACHEMAN_UNKNOWN, .status = status, .ttl_s = CACHEMAN_TTL_UNKNOWN}};
    attempt->done(attempt);
}

static void push(struct cm_task *task, struct cm_attempt *attempt, struct cm_server *server) {
    task->pending++;
    attempt->next = NULL;
    attempt->server = server;
    attempt->key = &task->key;
    attempt->done = on_done;
    attempt->on_line = NULL;
    attempt->context = task;
    attempt->reused = false;
    attempt->repeatable = is_repeatable(&attempt->ask.request);
    if (task->call->over)
        cm_attempt_fail(attempt, CM_TIMEOUT);
    else
        task->call->engine->push(task->call->engine, attempt);
}

/* Attempts are started between these two, so that an answer that is there at once does not end the
 * phase before the last of them. */
static void begin_phase(struct cm_task *task, enum cm_phase phase) {
    task->phase = phase;
    task->pending = 1;
}

static void end_phase(struct cm_task *task) {
    if (--task->pending == 0)
        advance(task);
}

static void push_request(struct cm_task *task, struct cm_attempt *attempt, enum role role,
                         const struct cacheman_request *request) {
    attempt->ask = (struct cm_ask){.request = *request};
    attempt->ask.request.no_reply = false;
    attempt->role = (uint8_t)role;
    push(task, attempt, role == ROLE_OLD ? task->old : server_at(task, task->candidate));
}

static struct cm_more *more_of(struct cm_task *task) {
    if (task->more == NULL)
        task->more = calloc(1, sizeof *task->more);
    return task->more;
}

/* ---- the end ---- */

static void end_task(struct cm_task *task) {
    if (task->more != NULL) {
        for (size_t i = 0; i < CM_REPLICAS_MAX - 1; i++)
            drop_value(&task->more->others[i].answer.result);
        drop_value(&task->more->found);
    }
    free(task->more);
    free(task->made_key);
    struct cm_call *call = task->call;
    if (--call->left == 0 && call->done != NULL)
        call->done(call);
}

static void finish(struct cm_task *task, const struct cacheman_result *result) {
    const struct cacheman_request *request = task->request;
    *task->result = *result; /* T2 */
    if (request->no_value) {
        drop_value(task->result); /* which a classic server sent, or a warm-up needed */
        task->result->flags = 0;
    }
    if (request->no_reply && !request->want_cas && !is_read(request->verb) &&
        result->status == CM_OK)
        task->result->outcome = CACHEMAN_UNKNOWN; /* whether it was waited for or not */
    end_task(task);
}

static void finish_failed(struct cm_task *task, enum cm_status status) {
    const bool is_miss = status == CM_UNREACHABLE || status == CM_TIMEOUT;
    const struct cacheman_result result = {
        .outcome = is_miss && is_read(task->request->verb) ? CACHEMAN_MISS : CACHEMAN_UNKNOWN,
        .status = status,
        .ttl_s = CACHEMAN_TTL_UNKNOWN,
    };
    finish(task, &result);
}

/* ---- main ---- */

static void push_main(struct cm_task *task) {
    task->main.ask = task->call->extra == NULL ? (struct cm_ask){0} : *task->call->extra;
    task->main.ask.request = *task->request;
    if (task->other_count > 0 && !is_parallel(task->request))
        task->main.ask.request.no_reply = false; /* what follows depends on it */
    task->main.role = ROLE_MAIN;
    push(task, &task->main, server_at(task, task->candidate));
}

static void push_others(struct cm_task *task, const struct cacheman_request *request) {
    for (size_t i = 0; i < task->other_count; i++) {
        struct cm_attempt *attempt = &task->more->others[i];
        attempt->ask = (struct cm_ask){.request = *request};
        if (task->call->extra != NULL) {
            attempt->ask = *task->call->extra;
            attempt->ask.request = *request;
        }
        attempt->role = ROLE_OTHER;
        push(task, attempt, server_at(task, task->candidate + i + 1));
    }
}

static void delete_old(struct cm_task *task) {
    struct cacheman_request request = {.verb = CACHEMAN_DELETE, .key = task->request->key};
    push_request(task, &task->more->old, ROLE_OLD, &request);
}

static void begin_main(struct cm_task *task) {
    const enum cacheman_verb verb = task->request->verb;
    begin_phase(task, CM_PHASE_MAIN);
    push_main(task);
    if (is_parallel(task->request))
        push_others(task, task->request);
    if (task->old != NULL && (verb == CACHEMAN_SET || verb == CACHEMAN_DELETE))
        delete_old(task); /* T1 */
    end_phase(task);
}

/* The first that answered says what came of it; whoever did not spoils the status. */
static void merge_others(struct cm_task *task, struct cacheman_result *result) {
    for (size_t i = 0; i < task->other_count; i++) {
        const struct cacheman_result *other = &task->more->others[i].answer.result;
        if (result->outcome == CACHEMAN_UNKNOWN && other->status == CM_OK) {
            const enum cm_status status = result->status;
            *result = *other;
            result->status = status;
        }
        if (result->status == CM_OK)
            result->status = other->status;
    }
}

/* The old server may still have what should be gone: it is not asked again (T1). */
static void spoil(const struct cm_task *task, const struct cm_server *server) {
    struct cm_view *view = task->call->view;
    for (size_t i = 0; i < view->server_count; i++) {
        if (view->servers[i] == server)
            atomic_store_explicit(&view->spoiled[i], true, memory_order_relaxed);
    }
}

/* A deletion that found the item at the old server alone has found it. */
static void merge_old(struct cm_task *task, struct cacheman_result *result) {
    const struct cacheman_result *old = &task->more->old.answer.result;
    if (old->status != CM_OK)
        spoil(task, task->old);
    if (task->request->verb == CACHEMAN_DELETE && result->outcome == CACHEMAN_MISS &&
        old->outcome == CACHEMAN_HIT)
        result->outcome = CACHEMAN_HIT;
    if (result->status == CM_OK)
        result->status = old->status;
}

static void begin_create(struct cm_task *task);
static void begin_warm(struct cm_task *task);
static void begin_follow(struct cm_task *task);

/* Goes to the next candidate if the server was not there. If it was the call's own time that ran
 * out, attempts there end at once. */
static bool try_next(struct cm_task *task) {
    const enum cm_status status = task->main.answer.result.status;
    const bool was_away = status == CM_UNREACHABLE || status == CM_TIMEOUT;
    const bool is_free = is_read(task->request->verb) || task->other_count == 0;
    if (!was_away || task->call->over || !is_free || !is_repeatable(task->request) ||
        task->candidate + 1 >= task->candidate_count)
        return false;
    task->candidate++;
    if (task->other_count > 0)
        task->other_count--;
    begin_main(task);
    return true;
}

static void parallel_ended(struct cm_task *task) {
    struct cacheman_result result = task->main.answer.result;
    merge_others(task, &result);
    if (task->old != NULL && task->request->verb != CACHEMAN_TOUCH)
        merge_old(task, &result);
    finish(task, &result);
}

static void main_ended(struct cm_task *task) {
    const struct cacheman_result *result = &task->main.answer.result;
    const struct cacheman_request *request = task->request;
    if (try_next(task))
        return;
    if (is_parallel(request))
        parallel_ended(task);
    else if (result->status != CM_OK)
        finish_failed(task, result->status);
    else if (result->outcome == CACHEMAN_MISS && is_read(request->verb) && task->old != NULL &&
             !task->warmed)
        begin_warm(task);
    else if (result->outcome == CACHEMAN_MISS && request->create)
        begin_create(task);
    else if (task->other_count > 0 &&
             (result->outcome == CACHEMAN_STORED || result->outcome == CACHEMAN_HIT))
        begin_follow(task);
    else
        finish(task, result);
}

/* ---- a counter that is to be created, where the server does not do it by itself ---- */

static void begin_create(struct cm_task *task) {
    const struct cacheman_request *request = task->request;
    struct cm_more *more = more_of(task);
    if (more == NULL) {
        finish_failed(task, CM_NO_MEMORY);
        return;
    }
    const size_t bytes = cm_num_format_u64(more->number, request->initial);
    const struct cacheman_request add = {
        .verb = CACHEMAN_ADD,
        .key = request->key,
        .value = cacheman_bytes(more->number, bytes),
        .ttl_s = request->ttl_s,
    };
    begin_phase(task, CM_PHASE_CREATE);
    push_request(task, &task->main, ROLE_MAIN, &add);
    end_phase(task);
}

static void create_ended(struct cm_task *task) {
    struct cacheman_result result = task->main.answer.result;
    if (result.status != CM_OK) {
        finish_failed(task, result.status);
    } else if (result.outcome == CACHEMAN_STORED) {
        result.outcome = CACHEMAN_HIT;
        result.number = task->request->initial;
        finish(task, &result);
    } else {
        begin_main(task); /* somebody else has created it */
    }
}

/* ---- the other replicas, afterwards ---- */

/* What brings the others to where the first is; what they would make of the request itself is not
 * known, so that they rather forget. */
static struct cacheman_request repeatable_of(const struct cacheman_request *request) {
    struct cacheman_request other = *request;
    other.want_cas = false;
    switch (request->verb) {
    case CACHEMAN_ADD:
    case CACHEMAN_REPLACE:
    case CACHEMAN_CAS:
        other.verb = CACHEMAN_SET;
        break;
    case CACHEMAN_GET_AND_TOUCH:
        other.verb = CACHEMAN_TOUCH;
        break;
    default:
        other.verb = CACHEMAN_DELETE;
        other.cas = 0;
    }
    return other;
}

static void begin_follow(struct cm_task *task) {
    const struct cacheman_request other = repeatable_of(task->request);
    begin_phase(task, CM_PHASE_FOLLOW);
    push_others(task, &other);
    end_phase(task);
}

static void migrate_delete_ended(struct cm_task *task) {
    if (task->more->old.answer.result.status != CM_OK)
        spoil(task, task->old);
    begin_main(task);
}

static void follow_ended(struct cm_task *task) {
    struct cacheman_result result = task->main.answer.result;
    merge_others(task, &result);
    finish(task, &result);
}

/* ---- warm-up ---- */

static void read_old(struct cm_task *task, enum cm_phase phase) {
    const struct cacheman_request get = {
        .verb = CACHEMAN_GET, .key = task->request->key, .want_ttl = true};
    task->warmed = true;
    begin_phase(task, phase);
    push_request(task, &task->more->old, ROLE_OLD, &get);
    end_phase(task);
}

/* Whether the old server had the item and told how long it has to live: else it is left there. */
static bool take_found(struct cm_task *task) {
    struct cacheman_result *found = &task->more->old.answer.result;
    if (found->status != CM_OK || found->outcome != CACHEMAN_HIT || found->ttl_s == 0 ||
        found->ttl_s == CACHEMAN_TTL_UNKNOWN || found->stale) {
        drop_value(found);
        return false;
    }
    task->more->found = *found;
    found->value = cacheman_bytes(NULL, 0);
    return true;
}

static void add_found(struct cm_task *task, enum cm_phase phase) {
    const struct cacheman_result *found = &task->more->found;
    struct cacheman_request add = {
        .verb = CACHEMAN_ADD,
        .key = task->request->key,
        .value = found->value,
        .flags = found->flags,
        .ttl_s = found->ttl_s == CACHEMAN_TTL_FOREVER ? 0 : found->ttl_s,
        .want_cas = task->request->want_cas,
    };
    if (task->request->verb == CACHEMAN_GET_AND_TOUCH)
        add.ttl_s = task->request->ttl_s;
    begin_phase(task, phase);
    push_request(task, &task->main, ROLE_MAIN, &add);
    end_phase(task);
}

static void begin_warm(struct cm_task *task) {
    read_old(task, CM_PHASE_WARM_READ);
}

static void warm_read_ended(struct cm_task *task) {
    if (take_found(task))
        add_found(task, CM_PHASE_WARM_ADD);
    else
        finish(task, &task->main.answer.result); /* the miss, as it was */
}

static void warm_add_ended(struct cm_task *task) {
    const struct cacheman_result added = task->main.answer.result;
    if (added.status == CM_OK && added.outcome != CACHEMAN_STORED) {
        drop_value(&task->more->found);
        begin_main(task); /* somebody else has stored something newer */
        return;
    }
    struct cacheman_result result = task->more->found;
    task->more->found.value = cacheman_bytes(NULL, 0);
    result.cas = added.cas;
    if (!task->request->want_ttl)
        result.ttl_s = CACHEMAN_TTL_UNKNOWN;
    finish(task, &result);
}

static void migrate_read_ended(struct cm_task *task) {
    if (take_found(task))
        add_found(task, CM_PHASE_MIGRATE_ADD);
    else
        begin_main(task);
}

static void migrate_add_ended(struct cm_task *task) {
    drop_value(&task->more->found);
    begin_phase(task, CM_PHASE_MIGRATE_DELETE);
    delete_old(task); /* T1 */
    end_phase(task);
}

/* ---- steps ---- */

static void advance(struct cm_task *task) {
    static void (*const ended[])(struct cm_task *) = {
        [CM_PHASE_MIGRATE_READ] = migrate_read_ended,
        [CM_PHASE_MIGRATE_ADD] = migrate_add_ended,
        [CM_PHASE_MIGRATE_DELETE] = migrate_delete_ended,
        [CM_PHASE_MAIN] = main_ended,
        [CM_PHASE_CREATE] = create_ended,
        [CM_PHASE_WARM_READ] = warm_read_ended,
        [CM_PHASE_WARM_ADD] = warm_add_ended,
        [CM_PHASE_FOLLOW] = follow_ended,
    };
    ended[task->phase](task);
}

static bool is_up(const struct cm_server *server) {
    return cm_server_health(server) != CACHEMAN_DOWN;
}

static void choose(struct cm_task *task) {
    const struct cm_view *view = task->call->view;
    const struct cm_slice key = cm_slice(task->request->key.data, task->request->key.bytes);
    const size_t replicas = (size_t)view->settings.replicas;
    const bool fails_over = view->settings.dead == CM_DEAD_FAILOVER;
    const size_t count =
        cm_ring_order(view->ring, key, task->candidates, fails_over ? CM_CANDIDATES_MAX : replicas);
    for (size_t i = 0; i < count; i++) {
        if (is_up(view->servers[task->candidates[i]]))
            task->candidates[task->candidate_count++] = task->candidates[i];
    }
    if (task->request->verb != CACHEMAN_GET && task->candidate_count > 1)
        task->other_count =
            (uint8_t)((task->candidate_count < replicas ? task->candidate_count : replicas) - 1);
}

/* The old server, if it is another one and what it has can be trusted. */
static void find_old(struct cm_task *task) {
    struct cm_view *view = task->call->view;
    const struct cm_slice key = cm_slice(task->request->key.data, task->request->key.bytes);
    if (CM_LIKELY(view->previous == NULL) || task->candidate_count == 0)
        return;
    const size_t place = cm_view_previous(view, key, cm_os_monotonic_ns());
    if (place == CM_VIEW_NOWHERE || place == task->candidates[0])
        return;
    if (is_up(view->servers[place]))
        task->old = view->servers[place];
    else if (!is_read(task->request->verb))
        spoil(task, view->servers[place]);
}

static enum cm_status prepare(struct cm_task *task) {
    if ((unsigned)task->request->verb > CACHEMAN_DECREMENT)
        return CM_INVALID;
    enum cm_status status = cm_key_make(task, settings_of(task));
    if (status != CM_OK)
        return status;
    if (task->request->value.bytes > CM_WIRE_VALUE_MAX)
        return CM_TOO_LARGE;
    choose(task);
    find_old(task);
    if (task->candidate_count == 0)
        return CM_UNREACHABLE;
    if ((task->other_count > 0 || task->old != NULL) && more_of(task) == NULL)
        return CM_NO_MEMORY;
    return CM_OK;
}

static void start(struct cm_task *task) {
    const bool leases = task->call->extra != NULL && task->call->extra->lease;
    enum cm_status status = prepare(task);
    if (status != CM_OK)
        finish_failed(task, status);
    else if (task->old != NULL && (needs_item(task->request) || leases))
        read_old(task, CM_PHASE_MIGRATE_READ);
    else
        begin_main(task);
}

/* ---- calls ---- */

void cm_call_init(struct cm_call *call, const struct cacheman_call *what) {
    call->count = what->count;
    call->over = false;
    for (size_t i = 0; i < what->count; i++) {
        struct cm_task *task = &call->tasks[i];
        __builtin_prefetch(
            what->requests[i].key.data); /* cm_call_start() reads one after another */
        task->request = &what->requests[i];
        task->result = &what->results[i];
        task->call = call;
        task->made_key = NULL;
        task->old = NULL;
        task->candidate_count = task->candidate = task->pending = task->other_count = 0;
        task->warmed = false;
        task->more = NULL;
    }
}

void cm_call_start(struct cm_call *call) {
    call->left = call->count + 1;
    for (size_t i = 0; i < call->count; i++)
        start(&call->tasks[i]);
    if (--call->left == 0 && call->done != NULL)
        call->done(call);
}

enum cm_status cm_call_status(const struct cacheman_call *what) {
    for (size_t i = 0; i < what->count; i++) {
        if (what->results[i].status != CM_OK)
            return what->results[i].status;
    }
    return CM_OK;
}

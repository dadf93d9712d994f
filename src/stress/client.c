/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/worker.h"

#define LATE_NS 50000000u /* what was due at the very end may still be sent so much later */

/* A request that the plan has come up with. */
struct draw {
    enum cm_stress_kind kind;
    uint32_t key;
    uint64_t due_ns;
};

/* ---- what comes next ----------------------------------------------------------------------- */

uint64_t cm_stress_worker_due_ns(const struct cm_stress_worker *worker, uint64_t number) {
    const struct cm_stress_run *run = worker->wires.run;
    const double place = (double)(number * (uint64_t)run->options->threads + worker->index);
    return run->start_ns + (uint64_t)(place * 1e9 / (double)run->options->rate);
}

static bool is_ending(const struct cm_stress_run *run) {
    return atomic_load_explicit(&run->ending, memory_order_relaxed) != CM_STRESS_GO_ON;
}

bool cm_stress_worker_has_more(const struct cm_stress_worker *worker, uint64_t now_ns) {
    const struct cm_stress_run *run = worker->wires.run;
    if (run->phase == CM_STRESS_CONNECTING || is_ending(run))
        return false;
    if (run->phase == CM_STRESS_LOADING)
        return worker->load_next < (uint64_t)run->options->keys;
    if (worker->drawn >= worker->quota)
        return false;
    if (run->options->rate == 0 || run->end_ns == UINT64_MAX)
        return now_ns < run->end_ns;
    return cm_stress_worker_due_ns(worker, worker->due_number) < run->end_ns &&
           now_ns < run->end_ns + LATE_NS;
}

/* The next request of those that may be sent now. */
static bool draw_next(struct cm_stress_worker *worker, uint64_t now_ns, struct draw *next) {
    const struct cm_stress_run *run = worker->wires.run;
    next->due_ns = now_ns;
    if (run->phase == CM_STRESS_LOADING) {
        next->kind = CM_STRESS_SET;
        next->key = (uint32_t)worker->load_next;
        worker->load_next += (uint64_t)run->options->threads;
        return true;
    }
    if (run->options->rate > 0) {
        next->due_ns = cm_stress_worker_due_ns(worker, worker->due_number);
        if (next->due_ns > now_ns)
            return false;
        worker->due_number++;
    }
    worker->drawn++;
    next->kind = cm_stress_plan_kind(&worker->plan);
    next->key = cm_stress_plan_key(&worker->plan);
    return true;
}

/* ---- encoding ------------------------------------------------------------------------------ */

static uint32_t place_of(const struct cm_stress_run *run, struct cm_slice key) {
    if (run->target.count == 1)
        return 0;
    const uint32_t prefix = run->script.names.prefix_bytes; /* which places nothing */
    return cm_ring_pick(run->target.view->ring, cm_slice(key.data + prefix, key.len - prefix));
}

/* Room for a request; false, and counted, if the server is not there. */
static bool reserve(struct cm_stress_conn *conn, size_t bytes) {
    if (conn->state != CM_STRESS_OPEN) {
        conn->wires->tally->skipped++;
        return false;
    }
    if (cm_buf_reserve(&conn->out, bytes) == CM_OK)
        return true;
    conn->wires->tally->skipped++;
    cm_stress_tally_trouble(conn->wires->tally, "out of memory");
    return false;
}

static bool stores(enum cm_stress_kind kind) {
    return kind == CM_STRESS_SET || kind == CM_STRESS_ADD || kind == CM_STRESS_COUNTER;
}

static char *put_value(struct cm_stress_worker *worker, const struct cm_stress_ask *ask, char *at) {
    if (ask->kind == CM_STRESS_COUNTER) {
        *at = '0';
        return at + 1;
    }
    const struct cm_stress_content content = {ask->key, cm_random_next(&worker->plan.random),
                                              ask->value_bytes};
    cm_stress_value_make(&worker->wires.run->block, &content, at);
    return at + ask->value_bytes;
}

static void put_one(struct cm_stress_client *client, const struct draw *what) {
    struct cm_stress_worker *worker = client->worker;
    const struct cm_stress_run *run = worker->wires.run;
    const struct cm_stress_dialect *dialect = run->script.dialect;
    const bool counts = what->kind == CM_STRESS_INCR || what->kind == CM_STRESS_COUNTER;
    char name[CM_STRESS_KEY_BYTES_MAX];
    struct cm_stress_ask ask = {.kind = what->kind, .ttl_s = run->ttl_s};
    ask.key = cm_stress_name(&run->script.names, counts ? CM_STRESS_COUNTERS : CM_STRESS_VALUES,
                             what->key, name);
    if (stores(what->kind))
        ask.value_bytes = counts ? 1 : cm_stress_plan_bytes(&worker->plan);
    struct cm_stress_conn *conn = &client->conns[place_of(run, ask.key)];
    if (!reserve(conn, CM_STRESS_REQUEST_BYTES + ask.key.len + ask.value_bytes))
        return;
    char *at = cm_buf_tail(&conn->out), *end = dialect->put(at, &ask);
    if (stores(what->kind))
        end = dialect->put_end(put_value(worker, &ask, end), &ask);
    cm_buf_wrote(&conn->out, (size_t)(end - at));
    cm_stress_reader_ask(&conn->reader, what->kind, what->due_ns);
    cm_stress_reader_key(&conn->reader, what->key);
}

/* Those of the keys put together that belong to one server. */
static void put_many(struct cm_stress_client *client, uint32_t place, uint64_t due_ns) {
    struct cm_stress_worker *worker = client->worker;
    const struct cm_stress_script *script = &worker->wires.run->script;
    struct cm_stress_conn *conn = &client->conns[place];
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->multiget; i++) {
        if (worker->places[i] != place)
            continue;
        worker->slices[count] =
            cm_slice(worker->names + (size_t)i * CM_STRESS_KEY_BYTES_MAX, script->names.bytes);
        worker->chosen[count++] = worker->numbers[i];
    }
    if (count == 0 ||
        !reserve(conn, (CM_STRESS_REQUEST_BYTES + script->names.bytes) * (size_t)(count + 1)))
        return;
    const struct cm_stress_ask ask = {.kind = CM_STRESS_GET, .key = worker->slices[0]};
    char *at = cm_buf_tail(&conn->out);
    char *end = count == 1 ? script->dialect->put(at, &ask)
                           : script->dialect->put_many(at, worker->slices, count);
    cm_buf_wrote(&conn->out, (size_t)(end - at));
    cm_stress_reader_ask(&conn->reader, CM_STRESS_GET, due_ns);
    for (uint32_t i = 0; i < count; i++)
        cm_stress_reader_key(&conn->reader, worker->chosen[i]);
}

static void put_multiget(struct cm_stress_client *client, const struct draw *what) {
    struct cm_stress_worker *worker = client->worker;
    const struct cm_stress_run *run = worker->wires.run;
    for (uint32_t i = 0; i < run->script.multiget; i++) {
        char *name = worker->names + (size_t)i * CM_STRESS_KEY_BYTES_MAX;
        worker->numbers[i] = i == 0 ? what->key : cm_stress_plan_key(&worker->plan);
        worker->places[i] = place_of(
            run, cm_stress_name(&run->script.names, CM_STRESS_VALUES, worker->numbers[i], name));
    }
    for (uint32_t place = 0; place < run->target.count; place++)
        put_many(client, place, what->due_ns);
}

/* What was missed before is stored, up to a batch full; returns the requests. */
static uint32_t put_missed(struct cm_stress_client *client, struct cm_stress_conn *conn,
                           uint64_t now_ns) {
    struct cm_stress_reader *reader = &conn->reader;
    const uint32_t depth = reader->script->depth;
    const uint32_t count = reader->missed_count < depth ? reader->missed_count : depth;
    for (uint32_t i = 0; i < count; i++) {
        const struct cm_stress_missed *missed = &reader->missed[--reader->missed_count];
        put_one(client, &(struct draw){missed->is_counter ? CM_STRESS_COUNTER : CM_STRESS_SET,
                                       missed->key, now_ns});
    }
    return count;
}

/* ---- batches ------------------------------------------------------------------------------- */

static size_t server_count(const struct cm_stress_client *client) {
    return client->worker->wires.run->target.count;
}

/* Puts a batch into the connections' output. */
static void make_batch(struct cm_stress_client *client, uint64_t now_ns) {
    struct cm_stress_worker *worker = client->worker;
    const struct cm_stress_script *script = &worker->wires.run->script;
    uint32_t count = 0;
    struct draw next;
    for (size_t i = 0; i < server_count(client); i++)
        cm_stress_reader_clear(&client->conns[i].reader);
    if (!is_ending(worker->wires.run)) {
        for (size_t i = 0; i < server_count(client); i++) {
            const uint32_t missed = put_missed(client, &client->conns[i], now_ns);
            count = missed > count ? missed : count;
        }
    }
    for (; count < script->depth && cm_stress_worker_has_more(worker, now_ns); count++) {
        if (!draw_next(worker, now_ns, &next))
            break;
        if (next.kind == CM_STRESS_GET && script->multiget > 1)
            put_multiget(client, &next);
        else
            put_one(client, &next);
    }
}

static bool has_missed(const struct cm_stress_client *client) {
    for (size_t i = 0; i < server_count(client); i++) {
        if (client->conns[i].reader.missed_count > 0)
            return true;
    }
    return false;
}

static void become_idle(struct cm_stress_client *client) {
    struct cm_stress_worker *worker = client->worker;
    client->state = CM_STRESS_IDLE;
    client->next = NULL;
    *worker->idle_end = client;
    worker->idle_end = &client->next;
}

static void send_batch(struct cm_stress_client *client, uint64_t now_ns) {
    client->state = CM_STRESS_BUSY;
    client->begun_ns = now_ns;
    client->worker->busy++;
    for (size_t i = 0; i < server_count(client); i++) {
        struct cm_stress_conn *conn = &client->conns[i];
        if (conn->state == CM_STRESS_OPEN && cm_buf_len(&conn->out) > 0)
            cm_stress_conn_flush(conn, now_ns);
    }
}

static void start_batch(struct cm_stress_client *client, uint64_t now_ns) {
    make_batch(client, now_ns);
    client->left = 0;
    for (size_t i = 0; i < server_count(client); i++)
        client->left += client->conns[i].reader.asked;
    if (client->left > 0)
        send_batch(client, now_ns);
    else
        client->state =
            CM_STRESS_WAITING; /* all is over, or nobody was there: until the next tick */
}

/* Whether it makes sense to begin: no connection is being made that has not been there before. */
static bool is_ready(const struct cm_stress_client *client) {
    bool any = false;
    for (size_t i = 0; i < server_count(client); i++) {
        const struct cm_stress_conn *conn = &client->conns[i];
        if (conn->state != CM_STRESS_OPEN && conn->failures == 0)
            return false;
        any = any || conn->state == CM_STRESS_OPEN;
    }
    return any;
}

void cm_stress_client_go_on(struct cm_stress_client *client, uint64_t now_ns) {
    const struct cm_stress_worker *worker = client->worker;
    const struct cm_stress_run *run = worker->wires.run;
    client->state = CM_STRESS_WAITING;
    if (run->phase == CM_STRESS_CONNECTING || !is_ready(client))
        return;
    const bool is_open_loop = run->phase == CM_STRESS_RUNNING && run->options->rate > 0;
    if (!is_open_loop || has_missed(client) ||
        cm_stress_worker_due_ns(worker, worker->due_number) <= now_ns)
        start_batch(client, now_ns);
    else
        become_idle(client);
}

void cm_stress_worker_pump(struct cm_stress_worker *worker, uint64_t now_ns) {
    while (worker->idle != NULL && cm_stress_worker_has_more(worker, now_ns) &&
           cm_stress_worker_due_ns(worker, worker->due_number) <= now_ns) {
        struct cm_stress_client *client = worker->idle;
        worker->idle = client->next;
        if (worker->idle == NULL)
            worker->idle_end = &worker->idle;
        cm_stress_client_go_on(client, now_ns);
    }
}

/* ---- what connections tell ----------------------------------------------------------------- */

static bool is_to_reconnect(const struct cm_stress_client *client) {
    const struct cm_stress_run *run = client->worker->wires.run;
    const uint64_t limit = (uint64_t)run->options->reconnect;
    if (limit == 0 || run->phase != CM_STRESS_RUNNING)
        return false;
    for (size_t i = 0; i < server_count(client); i++) {
        if (client->conns[i].served >= limit)
            return true;
    }
    return false;
}

static void reconnect(struct cm_stress_client *client, uint64_t now_ns) {
    client->state = CM_STRESS_WAITING;
    for (size_t i = 0; i < server_count(client); i++) {
        if (client->conns[i].state == CM_STRESS_OPEN)
            cm_stress_conn_close(&client->conns[i]);
    }
    for (size_t i = 0; i < server_count(client); i++) {
        if (client->conns[i].state == CM_STRESS_DOWN && client->conns[i].failures == 0)
            cm_stress_conn_dial(&client->conns[i], now_ns);
    }
}

void cm_stress_client_on_open(struct cm_stress_client *client, uint64_t now_ns) {
    if (client->state == CM_STRESS_WAITING)
        cm_stress_client_go_on(client, now_ns);
}

void cm_stress_client_on_answers(struct cm_stress_client *client, uint32_t count, uint64_t now_ns) {
    client->left -= count;
    if (client->left > 0 || client->state != CM_STRESS_BUSY)
        return;
    client->worker->busy--;
    if (is_to_reconnect(client) && cm_stress_worker_has_more(client->worker, now_ns))
        reconnect(client, now_ns);
    else
        cm_stress_client_go_on(client, now_ns);
}

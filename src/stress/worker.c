/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/worker.h"

#include <stdlib.h>

#define EVENTS_MAX  256
#define TICK_NS     10000000u
#define FAREWELL_NS 1000000000u /* so long answers are waited for once the run is to end early */

/* ---- making -------------------------------------------------------------------------------- */

/* This thread's part of `count` things. */
static uint64_t share_of(const struct cm_stress_worker *worker, int64_t count) {
    const uint64_t threads = (uint64_t)worker->wires.run->options->threads;
    return (uint64_t)count / threads + (worker->index < (uint64_t)count % threads);
}

static enum cm_status make_clients(struct cm_stress_worker *worker) {
    struct cm_stress_run *run = worker->wires.run;
    const size_t servers = run->target.count;
    const uint32_t count = (uint32_t)share_of(worker, run->options->connections);
    worker->clients = calloc(count, sizeof *worker->clients);
    worker->conns = calloc(count * servers, sizeof *worker->conns);
    if (worker->clients == NULL || worker->conns == NULL)
        return CM_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct cm_stress_client *client = &worker->clients[i];
        *client = (struct cm_stress_client){.worker = worker, .conns = &worker->conns[i * servers]};
        worker->client_count++;
        for (size_t s = 0; s < servers; s++) {
            enum cm_status status = cm_stress_conn_init(&client->conns[s], &worker->wires,
                                                        run->target.view->servers[s]);
            client->conns[s].client = client;
            if (status != CM_OK)
                return status;
        }
    }
    return CM_OK;
}

static enum cm_status make_rest(struct cm_stress_worker *worker) {
    const uint32_t multiget = worker->wires.run->script.multiget;
    worker->tally = calloc(1, sizeof *worker->tally);
    worker->names = calloc(multiget, CM_STRESS_KEY_BYTES_MAX);
    worker->slices = calloc(multiget, sizeof *worker->slices);
    worker->numbers = calloc(multiget, sizeof *worker->numbers);
    worker->places = calloc(multiget, sizeof *worker->places);
    worker->chosen = calloc(multiget, sizeof *worker->chosen);
    worker->wires.input = malloc(CM_STRESS_INPUT_BYTES);
    worker->wires.tally = worker->tally;
    if (worker->tally == NULL || worker->names == NULL || worker->slices == NULL ||
        worker->numbers == NULL || worker->places == NULL || worker->chosen == NULL ||
        worker->wires.input == NULL)
        return CM_NO_MEMORY;
    return cm_os_poller_open(&worker->wires.poller);
}

enum cm_status cm_stress_worker_create(struct cm_stress_run *run, uint32_t index,
                                       struct cm_stress_worker **out) {
    struct cm_stress_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return CM_NO_MEMORY;
    worker->wires.run = run;
    worker->wires.poller.impl = -1;
    worker->index = index;
    enum cm_status status = make_rest(worker);
    if (status == CM_OK)
        status = make_clients(worker);
    if (status != CM_OK) {
        cm_stress_worker_destroy(worker);
        return status;
    }
    cm_stress_plan_init(&worker->plan, run->options, index);
    *out = worker;
    return CM_OK;
}

void cm_stress_worker_destroy(struct cm_stress_worker *worker) {
    if (worker == NULL)
        return;
    for (size_t i = 0; i < worker->client_count * worker->wires.run->target.count; i++) {
        if (worker->conns[i].wires != NULL)
            cm_stress_conn_deinit(&worker->conns[i]);
    }
    cm_os_poller_close(&worker->wires.poller);
    free(worker->wires.input);
    free(worker->clients);
    free(worker->conns);
    free(worker->names);
    free(worker->slices);
    free(worker->numbers);
    free(worker->places);
    free(worker->chosen);
    free(worker->tally);
    free(worker);
}

/* ---- what time brings ---------------------------------------------------------------------- */

static size_t conn_count(const struct cm_stress_worker *worker) {
    return worker->client_count * worker->wires.run->target.count;
}

static uint64_t timeout_ns(const struct cm_stress_worker *worker) {
    return (uint64_t)worker->wires.run->options->where.timeout_us * 1000;
}

static bool is_overdue(const struct cm_stress_worker *worker, const struct cm_stress_conn *conn,
                       uint64_t now_ns) {
    if (conn->state == CM_STRESS_DOWN)
        return false;
    const bool is_open = conn->state == CM_STRESS_OPEN;
    if (is_open && conn->reader.answered == conn->reader.asked)
        return false;
    const uint64_t since_ns = is_open ? conn->client->begun_ns : conn->dialled_ns;
    return now_ns > since_ns && now_ns - since_ns > timeout_ns(worker);
}

static void look_at_conn(struct cm_stress_worker *worker, struct cm_stress_conn *conn,
                         uint64_t now_ns) {
    if (is_overdue(worker, conn, now_ns)) {
        worker->tally->timeouts++;
        cm_stress_tally_trouble(worker->tally, "%.60s: no answer in time", conn->server->name);
        cm_stress_conn_fail(conn, now_ns);
    } else if (conn->state == CM_STRESS_DOWN && conn->failures > 0 && now_ns >= conn->retry_ns &&
               worker->wires.run->phase != CM_STRESS_CONNECTING) {
        cm_stress_conn_dial(conn, now_ns);
    } else if (conn->resume_ns != 0 && now_ns >= conn->resume_ns && conn->state == CM_STRESS_OPEN) {
        cm_stress_conn_resume(conn);
    }
}

/* Nobody to talk to for as long as an answer may take: that is the end. */
static void watch_desertion(struct cm_stress_worker *worker, uint64_t now_ns) {
    if (worker->wires.open_count > 0 || worker->wires.run->phase == CM_STRESS_CONNECTING ||
        worker->deserted_ns == 0)
        worker->deserted_ns = now_ns;
    if (now_ns - worker->deserted_ns <= timeout_ns(worker))
        return;
    atomic_store_explicit(&worker->wires.run->is_deserted, true, memory_order_relaxed);
    cm_stress_run_end(worker->wires.run, CM_STRESS_WIND_UP);
}

static void tick(struct cm_stress_worker *worker, uint64_t now_ns) {
    for (size_t i = 0; i < conn_count(worker); i++)
        look_at_conn(worker, &worker->conns[i], now_ns);
    for (uint32_t i = 0; i < worker->client_count; i++) {
        if (worker->clients[i].state == CM_STRESS_WAITING)
            cm_stress_client_go_on(&worker->clients[i], now_ns);
    }
    watch_desertion(worker, now_ns);
    worker->tick_ns = now_ns + TICK_NS;
}

static void begin_to_count(struct cm_stress_worker *worker, uint64_t now_ns) {
    memset(worker->tally, 0, sizeof *worker->tally);
    worker->is_warm = true;
    worker->begin_ns = now_ns;
    worker->drawn = 0;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void show(struct cm_stress_worker *worker) {
    const struct cm_stress_tally *tally = worker->tally;
    struct cm_stress_shown *shown = &worker->shown;
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < CM_STRESS_KINDS; i++)
        sum_ns += tally->latency[i].sum_ns;
    atomic_store_explicit(&shown->requests, cm_stress_tally_requests(tally), memory_order_relaxed);
    atomic_store_explicit(&shown->latency_sum_ns, sum_ns, memory_order_relaxed);
    atomic_store_explicit(&shown->keys, tally->keys, memory_order_relaxed);
    atomic_store_explicit(&shown->hits, tally->hits, memory_order_relaxed);
    atomic_store_explicit(&shown->open, worker->wires.open_count, memory_order_relaxed);
    atomic_store_explicit(&shown->troubles,
                          tally->errors + tally->lost + tally->bad + tally->wrong + tally->refused,
                          memory_order_relaxed);
}

static uint64_t wait_ns(const struct cm_stress_worker *worker, uint64_t now_ns) {
    uint64_t until_ns = worker->tick_ns;
    if (worker->idle != NULL) {
        const uint64_t due_ns = cm_stress_worker_due_ns(worker, worker->due_number);
        until_ns = due_ns < until_ns ? due_ns : until_ns;
    }
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

static bool is_settled(const struct cm_stress_worker *worker) {
    for (size_t i = 0; i < conn_count(worker); i++) {
        if (worker->conns[i].state != CM_STRESS_OPEN && worker->conns[i].failures == 0)
            return false;
    }
    return true;
}

static bool is_over(const struct cm_stress_worker *worker, uint64_t now_ns) {
    const struct cm_stress_run *run = worker->wires.run;
    const int ending = atomic_load_explicit(&run->ending, memory_order_relaxed);
    if (ending == CM_STRESS_LEAVE)
        return true;
    if (run->phase == CM_STRESS_CONNECTING)
        return ending != CM_STRESS_GO_ON || is_settled(worker);
    return worker->busy == 0 && !cm_stress_worker_has_more(worker, now_ns);
}

static void turn(struct cm_stress_worker *worker, uint64_t now_ns) {
    struct cm_os_event events[EVENTS_MAX];
    const size_t count =
        cm_os_poller_wait(&worker->wires.poller, events, EVENTS_MAX, wait_ns(worker, now_ns));
    for (size_t i = 0; i < count; i++)
        cm_stress_conn_on_event(events[i].context, &events[i]);
}

static void start_phase(struct cm_stress_worker *worker, uint64_t now_ns) {
    const struct cm_stress_run *run = worker->wires.run;
    const int64_t requests = run->options->requests;
    worker->is_warm = run->phase != CM_STRESS_RUNNING;
    worker->idle = NULL;
    worker->idle_end = &worker->idle;
    worker->load_next = worker->index;
    worker->due_number = worker->drawn = 0;
    worker->quota = requests == 0 ? UINT64_MAX : share_of(worker, requests);
    worker->begin_ns = now_ns;
    worker->tick_ns = now_ns + TICK_NS;
    if (run->phase == CM_STRESS_CONNECTING) {
        for (size_t i = 0; i < conn_count(worker); i++)
            cm_stress_conn_dial(&worker->conns[i], now_ns);
        return;
    }
    if (run->phase == CM_STRESS_RUNNING && run->warm_ns <= now_ns)
        begin_to_count(worker, now_ns);
    for (uint32_t i = 0; i < worker->client_count; i++) {
        if (worker->clients[i].state == CM_STRESS_WAITING)
            cm_stress_client_go_on(&worker->clients[i], cm_os_monotonic_ns());
    }
}

/* What was due before it was over, and is never sent. */
static uint64_t count_unsent(const struct cm_stress_worker *worker, uint64_t now_ns) {
    const struct cm_stress_run *run = worker->wires.run;
    const uint64_t end_ns = now_ns < run->end_ns ? now_ns : run->end_ns;
    if (run->options->rate == 0 || run->phase != CM_STRESS_RUNNING)
        return 0;
    uint64_t low = worker->due_number, high = low + ((uint64_t)1 << 40);
    if (worker->quota < UINT64_MAX)
        high =
            low + (worker->quota - (worker->drawn < worker->quota ? worker->drawn : worker->quota));
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (cm_stress_worker_due_ns(worker, middle) < end_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low - worker->due_number;
}

static void end_phase(struct cm_stress_worker *worker) {
    worker->finish_ns = cm_os_monotonic_ns();
    worker->tally->unsent = count_unsent(worker, worker->finish_ns);
    for (uint32_t i = 0; i < worker->client_count; i++) {
        if (worker->clients[i].state == CM_STRESS_BUSY)
            worker->tally->lost += worker->clients[i].left;
        worker->clients[i].state = CM_STRESS_WAITING;
    }
    show(worker);
}

void cm_stress_worker_main(void *context) {
    struct cm_stress_worker *worker = context;
    const struct cm_stress_run *run = worker->wires.run;
    uint64_t now_ns = cm_os_monotonic_ns(), ending_ns = 0;
    start_phase(worker, now_ns);
    while (!is_over(worker, now_ns)) {
        turn(worker, now_ns);
        now_ns = cm_os_monotonic_ns();
        if (!worker->is_warm && now_ns >= run->warm_ns)
            begin_to_count(worker, now_ns);
        if (now_ns >= worker->tick_ns)
            tick(worker, now_ns);
        if (run->phase == CM_STRESS_RUNNING && run->options->rate > 0)
            cm_stress_worker_pump(worker, now_ns);
        show(worker);
        if (atomic_load_explicit(&run->ending, memory_order_relaxed) == CM_STRESS_GO_ON)
            ending_ns = now_ns;
        else if (now_ns - ending_ns > FAREWELL_NS)
            break;
    }
    end_phase(worker);
    worker->on_end(worker->context);
}

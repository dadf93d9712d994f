/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/worker.h"

#include "base/os/process.h"
#include "metrics/metrics.h"
#include "net/conn.h"
#include "net/internal.h"
#include "net/secure.h"

#include <stdlib.h>

enum {
    STACK_BYTES = 256 << 10,
    SWEEP_MS = 1000,
    LOOK_MS = 1000,
    /* The store is left and entered again after so much input, for reclaim to go on (W2). */
    TURN_BYTES_MAX = 1 << 20,
    HOLD_STEP = 16 << 10,
    PAUSE_STEP_MS = 20,
    TELL_MS = 50,
    MANY_CONNS = 32,
};

/* ---- the store ---- */

static void leave_store(struct cm_worker *worker) {
    if (worker->in_store)
        cmstore_end(worker->store_thread);
    worker->in_store = false;
    worker->turn_bytes = 0;
}

void cm_worker_enter_store(struct cm_worker *worker) {
    if (worker->turn_bytes > TURN_BYTES_MAX)
        leave_store(worker);
    if (!worker->in_store)
        cmstore_begin(worker->store_thread);
    worker->in_store = true;
}

static void on_leave(uv_prepare_t *handle) {
    struct cm_worker *worker = handle->data;
    leave_store(worker);
    worker->turn++;
}

void cm_worker_hold(struct cm_worker *worker, int64_t bytes) {
    worker->held_bytes += bytes;
    int64_t change = worker->held_bytes - worker->held_bytes_shared;
    if (change < HOLD_STEP && change > -HOLD_STEP)
        return;
    worker->held_bytes_shared = worker->held_bytes;
    cm_net_hold(worker->net, change);
}

/* ---- the end ---- */

static void close_handles(struct cm_worker *worker) {
    uv_mutex_lock(&worker->lock);
    worker->ended = true;
    uv_mutex_unlock(&worker->lock);
    cm_udp_close(worker);
    uv_close((uv_handle_t *)&worker->wake, NULL);
    uv_close((uv_handle_t *)&worker->leave, NULL);
    uv_close((uv_handle_t *)&worker->again_idle, NULL);
    uv_close((uv_handle_t *)&worker->sweep, NULL);
    uv_close((uv_handle_t *)&worker->look, NULL);
    uv_close((uv_handle_t *)&worker->deadline, NULL);
    uv_close((uv_handle_t *)&worker->pauses, NULL);
    uv_close((uv_handle_t *)&worker->tell, NULL);
}

static void end_if_empty(struct cm_worker *worker) {
    uint32_t count = atomic_load_explicit(&worker->conn_count, memory_order_relaxed);
    if (worker->stopping != CM_WORKER_RUNS && count == 0 &&
        !uv_is_closing((uv_handle_t *)&worker->wake)) {
        leave_store(worker);
        close_handles(worker);
    }
}

/* What many connections had in the allocator's memory lies scattered in it once they are gone: it is
 * given back each time that their number has halved. */
static void trim_if_many_left(struct cm_worker *worker) {
    uint32_t before = atomic_load_explicit(&worker->conn_count, memory_order_relaxed);
    uint32_t now = before - 1;
    if (before >= MANY_CONNS && before / 4 > worker->trim_at)
        worker->trim_at = before / 2;
    if (worker->trim_at == 0 || now > worker->trim_at)
        return;
    worker->trim_at = now / 2;
    cm_os_process_trim();
}

void cm_worker_lost_connection(struct cm_worker *worker) {
    struct cm_net *net = worker->net;
    trim_if_many_left(worker);
    atomic_fetch_sub_explicit(&worker->conn_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&net->connections, 1, memory_order_relaxed);
    if (atomic_load_explicit(&net->accept_paused, memory_order_relaxed))
        uv_async_send(&net->wake);
    end_if_empty(worker);
}

typedef bool conn_test(const struct cm_worker *worker, const struct cm_conn *conn);

/* Closes the connections for which `test` holds; returns how many. */
static unsigned close_where(struct cm_worker *worker, conn_test *test, enum cm_session_end end) {
    unsigned closed = 0;
    struct cm_link *next;
    for (struct cm_link *link = worker->conns.next; link != &worker->conns; link = next) {
        next = link->next;
        struct cm_conn *conn = CM_LINKED(link, struct cm_conn, all);
        if (test(worker, conn)) {
            if (!conn->leaving) /* or it has a reason already */
                conn->why = end;
            cm_conn_close(conn);
            closed++;
        }
    }
    return closed;
}

static bool is_any(const struct cm_worker *worker, const struct cm_conn *conn) {
    (void)worker;
    (void)conn;
    return true;
}

/* Nothing came in the last turn, so everything received has been read. */
static bool is_drained(const struct cm_worker *worker, const struct cm_conn *conn) {
    return conn->read_turn != worker->turn && cm_conn_is_quiet(conn);
}

static bool is_idle(const struct cm_worker *worker, const struct cm_conn *conn) {
    uint32_t now = (uint32_t)(uv_now(&worker->loop) / 1000);
    uint32_t active = atomic_load_explicit(&conn->active_s, memory_order_relaxed);
    bool listens = conn->state == CM_SESSION_WATCH;
    uint32_t timeout = atomic_load_explicit(&worker->net->idle_timeout_s, memory_order_relaxed);
    return !listens && timeout > 0 && now - active > timeout;
}

/* It goes at last, read or not: a client must not be able to keep it. */
static bool may_leave_now(const struct cm_worker *worker, const struct cm_conn *conn) {
    uint32_t now = (uint32_t)(uv_now(&worker->loop) / 1000);
    if (!conn->leaving)
        return false;
    return now - conn->leaving_s > CM_SECURE_LEAVE_S || cm_secure_may_leave(conn, true);
}

/* Only progress after the handshake counts as such. */
static bool is_slow_to_shake(const struct cm_worker *worker, const struct cm_conn *conn) {
    uint32_t now = (uint32_t)(uv_now(&worker->loop) / 1000);
    uint32_t opened = atomic_load_explicit(&conn->active_s, memory_order_relaxed);
    return cm_secure_is_shaking(conn) && now - opened > CM_SECURE_HANDSHAKE_S;
}

static void on_deadline(uv_timer_t *timer) {
    close_where(timer->data, is_any, CM_SESSION_END_SHUTDOWN);
}

static void on_pause_over(uv_timer_t *timer);

/* Connections whose pause is over go on in the next turn; sets the timer for the others. */
static void end_pauses(struct cm_worker *worker) {
    uint64_t now_ms = uv_now(&worker->loop);
    uint64_t first_ms = UINT64_MAX;
    struct cm_link *next;
    for (struct cm_link *place = worker->paused.next; place != &worker->paused; place = next) {
        next = place->next;
        const struct cm_conn *conn = cm_conn_of_place(place);
        if (conn->paused_until_ms <= now_ms || worker->stopping != CM_WORKER_RUNS) {
            cm_link_remove(place);
            cm_worker_go_on_later(worker, place);
        } else if (conn->paused_until_ms < first_ms) {
            first_ms = conn->paused_until_ms;
        }
    }
    if (first_ms == UINT64_MAX)
        return;
    /* Not for each connection by itself, however many there are. */
    uint64_t wait_ms = first_ms - now_ms;
    uv_timer_start(&worker->pauses, on_pause_over,
                   wait_ms > PAUSE_STEP_MS ? wait_ms : PAUSE_STEP_MS, 0);
}

static void on_pause_over(uv_timer_t *timer) {
    end_pauses(timer->data);
}

void cm_worker_pause(struct cm_worker *worker, struct cm_conn *conn, uint32_t ms) {
    conn->paused_until_ms = uv_now(&worker->loop) + ms;
    cm_link_append(&worker->paused, &conn->place);
    if (!uv_is_active((uv_handle_t *)&worker->pauses) || worker->stopping != CM_WORKER_RUNS ||
        ms < uv_timer_get_due_in(&worker->pauses))
        end_pauses(worker);
}

static void stop(struct cm_worker *worker, enum cm_worker_stop how) {
    bool first = worker->stopping == CM_WORKER_RUNS;
    worker->stopping = how;
    if (first) {
        worker->drain_turn = worker->turn;
        uint32_t wanted_ms = worker->net->options.stop_ms;
        uint32_t stop_ms = wanted_ms > 0 ? wanted_ms : CM_NET_STOP_MS;
        uv_timer_start(&worker->deadline, on_deadline, stop_ms, 0);
        end_pauses(worker);
        cm_udp_close(worker);
        cm_worker_progressed(worker);
    }
    if (how == CM_WORKER_QUITS)
        close_where(worker, is_any, CM_SESSION_END_SHUTDOWN);
    end_if_empty(worker);
}

/* ---- turns ---- */

static void on_again(uv_idle_t *idle) {
    struct cm_worker *worker = idle->data;
    struct cm_link waiting;
    cm_link_init(&waiting);
    cm_link_move_all(&waiting, &worker->again);
    while (!cm_link_is_alone(&waiting)) {
        struct cm_link *place = waiting.next;
        cm_link_remove(place);
        cm_conn_go_on(cm_conn_of_place(place));
    }
    struct cm_conn *shaker = cm_secure_next(worker);
    if (shaker != NULL)
        cm_conn_read_on(shaker);
    bool draining = worker->stopping != CM_WORKER_RUNS;
    /* One whole turn reads what the system still holds. */
    if (draining && worker->turn > worker->drain_turn)
        close_where(worker, is_drained, CM_SESSION_END_SHUTDOWN);
    if (cm_link_is_alone(&worker->again) && cm_link_is_alone(&worker->shaking) &&
        (!draining || worker->turn != worker->progress_turn))
        uv_idle_stop(idle);
}

void cm_worker_go_on_later(struct cm_worker *worker, struct cm_link *link) {
    cm_link_append(&worker->again, link);
    uv_idle_start(&worker->again_idle, on_again);
}

void cm_worker_shake_later(struct cm_worker *worker, struct cm_link *link) {
    cm_link_append(&worker->shaking, link);
    uv_idle_start(&worker->again_idle, on_again);
}

/* ---- who watches ---- */

static void on_tell(uv_timer_t *timer) {
    struct cm_worker *worker = timer->data;
    struct cm_link waiting;
    cm_link_init(&waiting);
    cm_link_move_all(&waiting, &worker->watching);
    while (!cm_link_is_alone(&waiting)) {
        struct cm_link *place = waiting.next;
        cm_link_remove(place);
        cm_conn_go_on(cm_conn_of_place(place));
    }
    if (cm_link_is_alone(&worker->watching))
        uv_timer_stop(timer);
}

void cm_worker_watch(struct cm_worker *worker, struct cm_link *link) {
    cm_link_append(&worker->watching, link);
    if (!uv_is_active((uv_handle_t *)&worker->tell))
        uv_timer_start(&worker->tell, on_tell, TELL_MS, TELL_MS);
}

void cm_worker_progressed(struct cm_worker *worker) {
    if (worker->stopping != CM_WORKER_RUNS && !uv_is_closing((uv_handle_t *)&worker->again_idle)) {
        worker->progress_turn = worker->turn;
        uv_idle_start(&worker->again_idle, on_again);
    }
}

static void on_sweep(uv_timer_t *timer) {
    struct cm_worker *worker = timer->data;
    struct cm_net *net = worker->net;
    if (net->options.tls != NULL) {
        unsigned slow = close_where(worker, is_slow_to_shake, CM_SESSION_END_ERROR);
        atomic_fetch_add_explicit(&net->handshake_errors, slow, memory_order_relaxed);
        close_where(worker, may_leave_now, CM_SESSION_END_NORMAL);
        cm_worker_progressed(worker); /* while draining, what was sent may have left */
    }
    if (atomic_load_explicit(&net->idle_timeout_s, memory_order_relaxed) > 0) {
        unsigned idle = close_where(worker, is_idle, CM_SESSION_END_IDLE);
        atomic_fetch_add_explicit(&net->idle_kicks, idle, memory_order_relaxed);
    }
}

/* Once there is something to look for. */
static void sweep_if_wanted(struct cm_worker *worker) {
    struct cm_net *net = worker->net;
    bool wanted = net->options.tls != NULL ||
                  atomic_load_explicit(&net->idle_timeout_s, memory_order_relaxed) > 0;
    if (wanted && !uv_is_active((uv_handle_t *)&worker->sweep))
        uv_timer_start(&worker->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

/* ---- how late the loop is: what a connection waits for the others ---- */

static void on_look(uv_timer_t *timer);

static void look_again(struct cm_worker *worker) {
    uv_update_time(&worker->loop); /* which the timer counts from */
    worker->look_due_ns = uv_hrtime() + LOOK_MS * (uint64_t)1000000;
    uv_timer_start(&worker->look, on_look, LOOK_MS, 0);
}

/* The loop counts milliseconds: what is less is not late. */
static void on_look(uv_timer_t *timer) {
    struct cm_worker *worker = timer->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t late_ns = now_ns > worker->look_due_ns ? now_ns - worker->look_due_ns : 0;
    cm_metrics_count(worker->metrics, CM_METRIC_loop_looks);
    if (late_ns >= 1000000)
        cm_metrics_add(worker->metrics, CM_METRIC_loop_lag_us, late_ns / 1000);
    look_again(worker);
}

/* ---- what other threads send ---- */

static void on_wake(uv_async_t *async) {
    struct cm_worker *worker = async->data;
    struct cm_arrival *arrivals;
    size_t count;
    uv_mutex_lock(&worker->lock);
    arrivals = worker->arrivals;
    count = worker->arrival_count;
    worker->arrivals = NULL;
    worker->arrival_count = worker->arrival_capacity = 0;
    enum cm_worker_stop how = worker->stop_wanted;
    uv_mutex_unlock(&worker->lock);
    for (size_t i = 0; i < count; i++)
        cm_conn_open(worker, arrivals[i]);
    free(arrivals);
    if (how > worker->stopping)
        stop(worker, how);
    if (worker->stopping == CM_WORKER_RUNS)
        sweep_if_wanted(worker);
}

/* Caller holds the lock. */
static void wake_locked(struct cm_worker *worker) {
    if (!worker->ended)
        uv_async_send(&worker->wake);
}

/* Caller holds the lock. */
static enum cm_status push_arrival_locked(struct cm_worker *worker, struct cm_arrival arrival) {
    if (worker->arrival_count == worker->arrival_capacity) {
        size_t capacity = worker->arrival_capacity > 0 ? worker->arrival_capacity * 2 : 16;
        void *grown = realloc(worker->arrivals, capacity * sizeof *worker->arrivals);
        if (grown == NULL)
            return CM_NO_MEMORY;
        worker->arrivals = grown;
        worker->arrival_capacity = capacity;
    }
    worker->arrivals[worker->arrival_count++] = arrival;
    return CM_OK;
}

enum cm_status cm_worker_give(struct cm_worker *worker, struct cm_arrival arrival) {
    uv_mutex_lock(&worker->lock);
    enum cm_status status = push_arrival_locked(worker, arrival);
    if (status == CM_OK) {
        atomic_fetch_add_explicit(&worker->conn_count, 1, memory_order_relaxed);
        wake_locked(worker);
    }
    uv_mutex_unlock(&worker->lock);
    return status;
}

void cm_worker_wake(struct cm_worker *worker) {
    uv_mutex_lock(&worker->lock);
    wake_locked(worker);
    uv_mutex_unlock(&worker->lock);
}

void cm_worker_stop(struct cm_worker *worker, enum cm_worker_stop how) {
    uv_mutex_lock(&worker->lock);
    worker->stop_wanted = how;
    wake_locked(worker);
    uv_mutex_unlock(&worker->lock);
}

/* ---- life ---- */

/* Handles of the loop; none of these calls can fail once the loop and the async are there. */
static enum cm_status init_loop(struct cm_worker *worker) {
    if (uv_loop_init(&worker->loop) != 0)
        return CM_SYSTEM;
    if (uv_async_init(&worker->loop, &worker->wake, on_wake) != 0) {
        uv_loop_close(&worker->loop);
        return CM_SYSTEM;
    }
    uv_prepare_init(&worker->loop, &worker->leave);
    uv_idle_init(&worker->loop, &worker->again_idle);
    uv_timer_init(&worker->loop, &worker->sweep);
    uv_timer_init(&worker->loop, &worker->look);
    uv_timer_init(&worker->loop, &worker->deadline);
    uv_timer_init(&worker->loop, &worker->pauses);
    uv_timer_init(&worker->loop, &worker->tell);
    worker->wake.data = worker->leave.data = worker->again_idle.data = worker;
    worker->sweep.data = worker->deadline.data = worker->pauses.data = worker->tell.data = worker;
    uv_prepare_start(&worker->leave, on_leave);
    worker->look.data = worker;
    look_again(worker);
    sweep_if_wanted(worker);
    return CM_OK;
}

static enum cm_status init_sessions(struct cm_worker *worker) {
    const struct cm_session_env *env = worker->net->options.env;
    worker->input = malloc(CM_WORKER_INPUT_BYTES);
    if (worker->input == NULL)
        return CM_NO_MEMORY;
    enum cm_status status = cm_session_out_init(&worker->out);
    if (status == CM_OK)
        status = cmstore_attach(env->store, &worker->store_thread);
    if (status == CM_OK)
        status =
            cm_session_worker_create(env, worker->store_thread, worker->metrics, &worker->sessions);
    return status;
}

static void deinit_sessions(struct cm_worker *worker) {
    cm_session_worker_destroy(worker->sessions);
    cmstore_detach(worker->store_thread);
    cm_session_out_deinit(&worker->out);
    cm_buf_deinit(&worker->plain);
    cm_buf_deinit(&worker->cipher);
    free(worker->udp);
    free(worker->input);
}

static void run_loop(struct cm_worker *worker) {
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    leave_store(worker);
    int closed = uv_loop_close(&worker->loop);
    CM_CHECK(closed == 0);
}

enum cm_status cm_worker_init(struct cm_worker *worker, struct cm_net *net,
                              struct cm_metrics *metrics) {
    *worker = (struct cm_worker){.net = net, .metrics = metrics};
    cm_link_init(&worker->conns);
    cm_link_init(&worker->again);
    cm_link_init(&worker->paused);
    cm_link_init(&worker->watching);
    cm_link_init(&worker->stalled);
    cm_link_init(&worker->shaking);
    if (uv_mutex_init(&worker->lock) != 0)
        return CM_SYSTEM;
    enum cm_status status = init_sessions(worker);
    if (status == CM_OK)
        status = init_loop(worker);
    if (status == CM_OK) {
        status = cm_udp_init(worker);
        if (status != CM_OK) {
            close_handles(worker);
            run_loop(worker);
        }
    }
    if (status != CM_OK) {
        deinit_sessions(worker);
        uv_mutex_destroy(&worker->lock);
    }
    return status;
}

static void worker_main(void *context) {
    struct cm_worker *worker = context;
    struct cm_net *net = worker->net;
    run_loop(worker);
    atomic_fetch_add(&net->workers_ended, 1);
    uv_async_send(&net->wake);
}

enum cm_status cm_worker_start(struct cm_worker *worker) {
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_BYTES};
    if (uv_thread_create_ex(&worker->thread, &options, worker_main, worker) != 0)
        return CM_SYSTEM;
    worker->started = true;
    return CM_OK;
}

void cm_worker_deinit(struct cm_worker *worker) {
    if (!worker->started) {
        close_handles(worker);
        run_loop(worker);
    }
    CM_CHECK(cm_link_is_alone(&worker->conns));
    CM_CHECK(worker->arrival_count == 0);
    deinit_sessions(worker);
    uv_mutex_destroy(&worker->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/control.h"

#include "base/os/process.h"
#include "cli/units.h"
#include "stress/stress.h"
#include <signal.h>
#include <stdio.h>
#include <uv.h>

#define LINE_COLUMNS 78
#define PROGRESS_MS  1000

struct phase {
    struct cm_stress_control *control;
    uv_loop_t loop;
    uv_async_t ended; /* a worker is done */
    uv_timer_t progress, warm;
    uv_signal_t signals[2];
    atomic_size_t working;
    uint64_t own_ns, server_ns;
    uint64_t shown_ns, requests, latency_sum_ns; /* when the last line was printed */
    bool is_tty, has_line;
};

/* ---- the line a second --------------------------------------------------------------------- */

struct sums {
    uint64_t requests, latency_sum_ns, keys, hits, troubles, open;
};

static struct sums add_up(const struct cm_stress_control *control) {
    struct sums sums = {0};
    for (size_t i = 0; i < control->worker_count; i++) {
        struct cm_stress_shown *shown = &control->workers[i]->shown;
        sums.requests += atomic_load_explicit(&shown->requests, memory_order_relaxed);
        sums.latency_sum_ns += atomic_load_explicit(&shown->latency_sum_ns, memory_order_relaxed);
        sums.keys += atomic_load_explicit(&shown->keys, memory_order_relaxed);
        sums.hits += atomic_load_explicit(&shown->hits, memory_order_relaxed);
        sums.troubles += atomic_load_explicit(&shown->troubles, memory_order_relaxed);
        sums.open += atomic_load_explicit(&shown->open, memory_order_relaxed);
    }
    return sums;
}

static const char *name_of(const struct cm_stress_run *run, uint64_t now_ns) {
    if (run->phase == CM_STRESS_LOADING)
        return "loading";
    return now_ns < run->warm_ns ? "warming up" : "running";
}

static void print_line(struct phase *phase, const struct sums *sums, uint64_t now_ns) {
    const struct cm_stress_run *run = phase->control->run;
    const double seconds = (double)(now_ns - phase->shown_ns) / 1e9;
    const uint64_t requests = sums->requests - phase->requests;
    const uint64_t mean_ns =
        requests == 0 ? 0 : (sums->latency_sum_ns - phase->latency_sum_ns) / requests;
    char rate[CM_UNITS_BYTES], hits[CM_UNITS_BYTES], mean[CM_UNITS_BYTES], line[256];
    snprintf(line, sizeof line,
             "%s %.0f s: %s a second, mean %s, hits %s, %llu connected, %llu errors",
             name_of(run, now_ns), (double)(now_ns - run->start_ns) / 1e9,
             cm_units_count(rate, (double)requests / seconds), cm_units_duration(mean, mean_ns),
             cm_units_percent(hits, (double)sums->hits, (double)sums->keys),
             (unsigned long long)sums->open, (unsigned long long)sums->troubles);
    if (phase->is_tty)
        fprintf(stderr, "\r%-*s", LINE_COLUMNS, line);
    else
        fprintf(stderr, "%s\n", line);
    phase->has_line = phase->is_tty;
}

static void on_progress(uv_timer_t *timer) {
    struct phase *phase = timer->data;
    const struct sums sums = add_up(phase->control);
    const uint64_t now_ns = cm_os_monotonic_ns();
    if (sums.requests >= phase->requests) /* counting has not begun anew since */
        print_line(phase, &sums, now_ns);
    phase->requests = sums.requests;
    phase->latency_sum_ns = sums.latency_sum_ns;
    phase->shown_ns = now_ns;
}

/* ---- CPU time ------------------------------------------------------------------------------ */

static void read_cpu(const struct phase *phase, uint64_t *own_ns, uint64_t *server_ns) {
    const int64_t pid = phase->control->run->options->pid;
    *own_ns = cm_os_process_cpu_ns(cm_os_process_id());
    *server_ns = pid > 0 ? cm_os_process_cpu_ns(pid) : 0;
}

static void on_warm(uv_timer_t *timer) {
    struct phase *phase = timer->data;
    read_cpu(phase, &phase->own_ns, &phase->server_ns);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void on_signal(uv_signal_t *handle, int number) {
    struct phase *phase = handle->data;
    struct cm_stress_run *run = phase->control->run;
    (void)number;
    cm_stress_run_end(run, atomic_load(&run->ending) == CM_STRESS_GO_ON ? CM_STRESS_WIND_UP
                                                                        : CM_STRESS_LEAVE);
}

static void on_ended(uv_async_t *handle) {
    struct phase *phase = handle->data;
    if (atomic_load(&phase->working) == 0)
        uv_stop(&phase->loop);
}

/* In a worker's thread, last of all. */
static void on_worker_end(void *context) {
    struct phase *phase = context;
    atomic_fetch_sub(&phase->working, 1);
    uv_async_send(&phase->ended);
}

static enum cm_status open_loop(struct phase *phase) {
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&phase->loop) != 0)
        return CM_SYSTEM;
    uv_timer_init(&phase->loop, &phase->progress);
    uv_timer_init(&phase->loop, &phase->warm);
    phase->progress.data = phase->warm.data = phase->ended.data = phase;
    int error = uv_async_init(&phase->loop, &phase->ended, on_ended);
    phase->ended.data = phase;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&phase->loop, &phase->signals[i]);
        phase->signals[i].data = phase;
        error |= uv_signal_start(&phase->signals[i], on_signal, numbers[i]);
    }
    CM_CHECK(error == 0);
    return CM_OK;
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    uv_close(handle, NULL);
}

static void close_loop(struct phase *phase) {
    uv_walk(&phase->loop, close_handle, NULL);
    (void)uv_run(&phase->loop, UV_RUN_DEFAULT);
    CM_CHECK(uv_loop_close(&phase->loop) == 0);
}

/* Returns how many have been started. */
static size_t start_workers(struct phase *phase) {
    struct cm_stress_control *control = phase->control;
    size_t count = 0;
    atomic_store(&phase->working, control->worker_count);
    for (; count < control->worker_count; count++) {
        struct cm_stress_worker *worker = control->workers[count];
        worker->on_end = on_worker_end;
        worker->context = phase;
        if (cm_os_thread_start(&worker->thread, cm_stress_worker_main, worker, "stress") != CM_OK)
            break;
    }
    return count;
}

static void watch_workers(struct phase *phase) {
    const struct cm_stress_control *control = phase->control;
    const struct cm_stress_run *run = control->run;
    const uint64_t now_ns = cm_os_monotonic_ns();
    phase->is_tty = uv_guess_handle(2) == UV_TTY;
    phase->shown_ns = now_ns;
    read_cpu(phase, &phase->own_ns, &phase->server_ns);
    if (run->phase == CM_STRESS_RUNNING && run->warm_ns > now_ns)
        uv_timer_start(&phase->warm, on_warm, (run->warm_ns - now_ns) / 1000000, 0);
    if (control->shows_progress && run->phase != CM_STRESS_CONNECTING)
        uv_timer_start(&phase->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
    if (atomic_load(&phase->working) > 0)
        (void)uv_run(&phase->loop, UV_RUN_DEFAULT);
    if (phase->has_line)
        fprintf(stderr, "\r%-*s\r", LINE_COLUMNS, "");
}

enum cm_status cm_stress_control_run(struct cm_stress_control *control) {
    struct phase phase = {.control = control};
    uint64_t own_ns = 0, server_ns = 0;
    enum cm_status status = open_loop(&phase);
    if (status != CM_OK)
        return status;
    const size_t started = start_workers(&phase);
    if (started < control->worker_count) {
        status = CM_SYSTEM;
        cm_stress_run_end(control->run, CM_STRESS_LEAVE);
        atomic_fetch_sub(&phase.working, control->worker_count - started);
    }
    watch_workers(&phase);
    read_cpu(&phase, &own_ns, &server_ns);
    control->own_cpu_ns = own_ns - phase.own_ns;
    control->server_cpu_ns = server_ns > phase.server_ns ? server_ns - phase.server_ns : 0;
    for (size_t i = 0; i < started; i++)
        cm_os_thread_join(&control->workers[i]->thread);
    close_loop(&phase);
    return status;
}

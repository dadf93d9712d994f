/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/stress.h"

#include "base/os/process.h"
#include "cli/exit.h"
#include "cli/json.h"
#include "cli/safe.h"
#include "stress/control.h"
#include "stress/report.h"
#include <stdlib.h>
#include <unistd.h>

#define FILES_BESIDE 64 /* descriptors that are no connections */

static const char no_memory[] = "out of memory";

/* All that a run needs. */
struct stress {
    struct cm_stress_options options;
    struct cm_stress_run run;
    struct cm_stress_control control;
    struct cm_stress_result result;
    char error[CM_STRESS_ERROR_BYTES]; /* why it ended before there was a result */
};

/* The message may be a server's. */
static int fail(struct stress *stress, int status, const char *message) {
    fprintf(stderr, "%s: ", cm_stress_cli.name);
    cm_safe_print(stderr, cm_slice(message, strlen(message)), 0);
    fputc('\n', stderr);
    snprintf(stress->error, sizeof stress->error, "%s", message);
    return status;
}

/* ---- setting up ---------------------------------------------------------------------------- */

static int set_up_script(struct stress *stress) {
    struct cm_stress_run *run = &stress->run;
    const struct cm_stress_options *options = &stress->options;
    const char *prefix = run->target.view->settings.prefix;
    if (!cm_stress_names_init(&run->script.names, prefix, (uint32_t)options->key_bytes))
        return cm_cli_usage_error(&cm_stress_cli,
                                  "prefix and --key-bytes together exceed a key's 250 bytes");
    cm_stress_block_init(&run->block);
    run->options = options;
    run->script.dialect = cm_stress_dialect((enum cm_stress_protocol)options->protocol);
    run->script.block = &run->block;
    run->script.depth = (uint32_t)options->depth;
    run->script.multiget = (uint32_t)options->multiget;
    run->script.verify = options->verify;
    run->script.fill = options->fill;
    run->ttl_s = (uint32_t)((options->ttl_us + 999999) / 1000000);
    return CM_EXIT_OK;
}

/* The process whose CPU time is wanted. */
static int check_process(const struct cm_stress_options *options) {
    char message[80];
    if (options->pid == 0 || cm_os_process_cpu_ns(options->pid) > 0)
        return CM_EXIT_OK;
    snprintf(message, sizeof message, "--pid=%lld: there is no such process",
             (long long)options->pid);
    return cm_cli_usage_error(&cm_stress_cli, message);
}

static int set_up_workers(struct stress *stress) {
    const size_t count = (size_t)stress->options.threads;
    const uint64_t files =
        (uint64_t)stress->options.connections * stress->run.target.count + FILES_BESIDE;
    if (cm_os_raise_open_files(files) < files)
        return fail(stress, CM_EXIT_UNAVAILABLE,
                    "so many connections exceed the limit of open files; see ulimit -n");
    stress->control.run = &stress->run;
    stress->control.shows_progress =
        stress->options.progress || (!stress->options.quiet && isatty(STDERR_FILENO));
    stress->control.workers = calloc(count, sizeof(struct cm_stress_worker *));
    for (uint32_t i = 0; stress->control.workers != NULL && i < count; i++) {
        if (cm_stress_worker_create(&stress->run, i, &stress->control.workers[i]) != CM_OK)
            break;
        stress->control.worker_count++;
    }
    return stress->control.worker_count == count ? CM_EXIT_OK
                                                 : fail(stress, CM_EXIT_UNAVAILABLE, no_memory);
}

static void tear_down(struct stress *stress) {
    for (size_t i = 0; i < stress->control.worker_count; i++)
        cm_stress_worker_destroy(stress->control.workers[i]);
    free(stress->control.workers);
    cm_stress_target_close(&stress->run.target);
    free(stress);
}

/* ---- phases -------------------------------------------------------------------------------- */

static int run_phase(struct stress *stress, enum cm_stress_phase phase) {
    struct cm_stress_run *run = &stress->run;
    const struct cm_stress_options *options = &stress->options;
    run->phase = phase;
    run->start_ns = cm_os_monotonic_ns();
    run->warm_ns = run->start_ns + (uint64_t)options->warmup_us * 1000;
    run->end_ns =
        options->requests > 0 ? UINT64_MAX : run->warm_ns + (uint64_t)options->duration_us * 1000;
    return cm_stress_control_run(&stress->control) == CM_OK
               ? CM_EXIT_OK
               : fail(stress, CM_EXIT_UNAVAILABLE, "cannot start threads");
}

/* Adds up what the threads have counted, who begin anew. */
static void collect(struct stress *stress, struct cm_stress_tally *into) {
    uint64_t begin_ns = UINT64_MAX, finish_ns = 0;
    stress->result.open_count = 0;
    for (size_t i = 0; i < stress->control.worker_count; i++) {
        struct cm_stress_worker *worker = stress->control.workers[i];
        cm_stress_tally_merge(into, worker->tally);
        memset(worker->tally, 0, sizeof *worker->tally);
        stress->result.open_count += worker->wires.open_count;
        if (!worker->is_warm)
            continue;
        begin_ns = worker->begin_ns < begin_ns ? worker->begin_ns : begin_ns;
        finish_ns = worker->finish_ns > finish_ns ? worker->finish_ns : finish_ns;
    }
    stress->result.seconds = finish_ns > begin_ns ? (double)(finish_ns - begin_ns) / 1e9 : 0;
}

static bool is_going_on(const struct stress *stress) {
    return atomic_load(&stress->run.ending) == CM_STRESS_GO_ON;
}

/* A server that is not there from the beginning is a mistake, not a measurement. */
static int connect_all(struct stress *stress) {
    int status = run_phase(stress, CM_STRESS_CONNECTING);
    if (status != CM_EXIT_OK)
        return status;
    collect(stress, &stress->result.total);
    const size_t wanted = (size_t)stress->options.connections * stress->run.target.count;
    if (stress->result.open_count == wanted || !is_going_on(stress))
        return CM_EXIT_OK;
    const struct cm_stress_tally *total = &stress->result.total;
    char message[CM_STRESS_ERROR_BYTES];
    snprintf(message, sizeof message, "%zu of %zu connections failed: %s",
             wanted - stress->result.open_count, wanted, total->troubles[0].text);
    return fail(stress,
                total->is_denied ? CM_EXIT_DENIED
                : total->bad > 0 ? CM_EXIT_PROTOCOL
                                 : CM_EXIT_UNAVAILABLE,
                message);
}

/* What went wrong while loading went wrong as well. */
static void keep_troubles(struct cm_stress_tally *total, const struct cm_stress_tally *loaded) {
    struct cm_stress_tally *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return;
    copy->errors = loaded->errors;
    copy->bad = loaded->bad;
    copy->lost = loaded->lost;
    copy->timeouts = loaded->timeouts;
    copy->refused = loaded->refused;
    copy->is_denied = loaded->is_denied;
    memcpy(copy->troubles, loaded->troubles, sizeof copy->troubles);
    cm_stress_tally_merge(total, copy);
    free(copy);
}

static int run_all(struct stress *stress) {
    struct cm_stress_result *result = &stress->result;
    const bool only_loads = stress->options.duration_us == 0 && stress->options.requests == 0;
    int status = connect_all(stress);
    if (status == CM_EXIT_OK && stress->options.load && is_going_on(stress)) {
        status = run_phase(stress, CM_STRESS_LOADING);
        collect(stress, &result->loaded);
        keep_troubles(&result->total, &result->loaded);
    }
    result->seconds = 0;
    if (status == CM_EXIT_OK && !only_loads && is_going_on(stress)) {
        status = run_phase(stress, CM_STRESS_RUNNING);
        collect(stress, &result->total);
        result->own_cpu_ns = stress->control.own_cpu_ns;
        result->server_cpu_ns = stress->control.server_cpu_ns;
    }
    return status;
}

static int report(struct stress *stress) {
    stress->result.run = &stress->run;
    const bool written = stress->options.json ? cm_stress_report_json(&stress->result)
                                              : cm_stress_report_text(&stress->result);
    if (!written)
        return fail(stress, CM_EXIT_OUTPUT, "cannot write to standard output");
    return cm_stress_report_exit(&stress->result);
}

static int open_target(struct stress *stress) {
    char why[CM_STRESS_ERROR_BYTES];
    const int status = cm_stress_target_open(&stress->run.target, &stress->options.where, why);
    return status == CM_EXIT_OK ? status : fail(stress, status, why);
}

static int run(struct stress *stress) {
    int status = check_process(&stress->options);
    if (status == CM_EXIT_OK)
        status = open_target(stress);
    if (status == CM_EXIT_OK)
        status = set_up_script(stress);
    if (status == CM_EXIT_OK)
        status = set_up_workers(stress);
    if (status == CM_EXIT_OK)
        status = run_all(stress);
    return status;
}

int cm_stress_main(char **argv) {
    struct stress *stress = calloc(1, sizeof *stress);
    int status = CM_EXIT_OK;
    if (stress == NULL) {
        fprintf(stderr, "%s: %s\n", cm_stress_cli.name, no_memory);
        return CM_EXIT_UNAVAILABLE;
    }
    if (cm_stress_options_read(argv, &stress->options, &status)) {
        status = run(stress);
        if (status == CM_EXIT_OK)
            status = report(stress);
        else if (stress->options.json && stress->error[0] != '\0')
            cm_json_print_error(stdout, status, stress->error);
    }
    tear_down(stress);
    return status;
}

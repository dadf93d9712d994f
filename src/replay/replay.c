/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/replay.h"

#include "cli/exit.h"
#include "cli/json.h"
#include "cli/safe.h"
#include "replay/plot.h"
#include "replay/progress.h"
#include "replay/report.h"
#include "replay/settings.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All targets go through the trace in step, a window each in turn, so that it is read once and in
 * bounded memory, and their time is each one's own. */
struct replay {
    struct cm_replay_settings settings;
    struct cm_trace *trace;
    struct cm_trace_request next; /* read, but of no window yet */
    bool has_next;
    enum cm_trace_step step;     /* of the trace; what is not REQUEST ends it */
    struct cm_window windows[2]; /* a target keeps the one before */
    struct cm_values values;
    struct cm_target targets[CM_REPLAY_TARGETS_MAX];
    size_t target_count;
    struct cm_series series;
    struct cm_progress progress;
    struct cm_report report;
    struct cm_counts row[CM_REPLAY_TARGETS_MAX]; /* at the last row of --interval */
    uint64_t row_at;
    int status;
    char error[600]; /* the first complaint */
};

static void complain(struct replay *replay, int status, const char *message) {
    if (replay->status == CM_EXIT_OK)
        snprintf(replay->error, sizeof replay->error, "%s", message);
    cm_progress_clear(&replay->progress);
    fputs("cacheman replay: ", stderr);
    cm_safe_print(stderr, cm_slice(message, strlen(message)), 0); /* part of it may be a server's */
    fputc('\n', stderr);
    if (replay->status == CM_EXIT_OK)
        replay->status = status;
}

static void complain_of_plot(struct replay *replay) {
    char reason[300];
    snprintf(reason, sizeof reason, "cannot write %.200s: %s", replay->settings.plot,
             strerror(errno));
    complain(replay, CM_EXIT_OUTPUT, reason);
}

static void run_out_of_memory(struct replay *replay) {
    complain(replay, CM_EXIT_UNAVAILABLE, cm_status_text(CM_NO_MEMORY));
}

/* ---- before --------------------------------------------------------------------------------- */

static void open_trace(struct replay *replay) {
    char why[CM_TRACE_WHY_BYTES];
    const struct cm_trace_options options = {
        .hash_keys = replay->settings.keys == 1,
        .needs_sizes = replay->settings.value_size == NULL,
    };
    enum cm_status status = cm_trace_open(replay->settings.trace, &options, &replay->trace, why);
    if (status == CM_INVALID)
        complain(replay, CM_EXIT_INPUT, why);
    else if (status != CM_OK)
        run_out_of_memory(replay);
}

static void open_target(struct replay *replay, const char *servers) {
    char *where = NULL, *why = NULL;
    const struct cm_target_options options = {
        .values = &replay->values,
        .fixed_sizes = replay->settings.value_size != NULL,
        .verify = replay->settings.verify,
        .window = (size_t)replay->settings.window,
    };
    struct cm_cli_where choice = replay->settings.where;
    if (servers != NULL)
        choice.servers = servers;
    int status = cm_cli_where_make(&choice, &where, &why);
    if (status != CM_EXIT_OK) {
        complain(replay, status, why == NULL ? cm_status_text(CM_NO_MEMORY) : why);
        free(why);
        return;
    }
    struct cm_target *target = &replay->targets[replay->target_count];
    enum cm_status opened = cm_target_open(target, where, &options);
    free(where);
    if (opened == CM_OK)
        replay->target_count++;
    else if (opened == CM_NO_MEMORY)
        run_out_of_memory(replay);
    else
        complain(replay, opened == CM_SYSTEM ? CM_EXIT_INPUT : CM_EXIT_USAGE, target->why);
}

static void make_values(struct replay *replay) {
    const struct cm_replay_settings *settings = &replay->settings;
    bool fixed = settings->value_size != NULL;
    replay->values.least = fixed ? (uint32_t)settings->value_least : 0;
    replay->values.most = fixed ? (uint32_t)settings->value_most : 0;
    size_t room = (size_t)settings->window;
    if (cm_values_reserve(&replay->values, replay->values.most) != CM_OK ||
        cm_window_init(&replay->windows[0], room) != CM_OK ||
        cm_window_init(&replay->windows[1], room) != CM_OK ||
        cm_series_init(&replay->series, settings->server_count) != CM_OK)
        run_out_of_memory(replay);
}

/* Better before the replay than after it. */
static void try_plot(struct replay *replay) {
    FILE *file = fopen(replay->settings.plot, "a");
    if (file == NULL || fclose(file) != 0)
        complain_of_plot(replay);
}

static void begin(struct replay *replay) {
    open_trace(replay);
    if (replay->status == CM_EXIT_OK && replay->settings.plot != NULL)
        try_plot(replay);
    for (size_t i = 0; i < replay->settings.server_count && replay->status == CM_EXIT_OK; i++)
        open_target(replay, replay->settings.servers[i]);
    if (replay->status == CM_EXIT_OK)
        make_values(replay);
    for (size_t i = 0; i < replay->target_count && replay->status == CM_EXIT_OK; i++)
        cm_target_look(&replay->targets[i]);
    const char *path = replay->settings.trace, *slash = strrchr(path, '/');
    replay->report = (struct cm_report){
        .trace = strcmp(path, "-") == 0 ? "standard input"
                 : slash == NULL        ? path
                                        : slash + 1,
        .targets = replay->targets,
        .target_count = replay->target_count,
        .series = &replay->series,
        .window = (size_t)replay->settings.window,
    };
}

static void end(struct replay *replay) {
    cm_trace_close(replay->trace);
    for (size_t i = 0; i < replay->target_count; i++)
        cm_target_close(&replay->targets[i]);
    cm_window_deinit(&replay->windows[0]);
    cm_window_deinit(&replay->windows[1]);
    cm_series_deinit(&replay->series);
    cm_values_deinit(&replay->values);
}

/* ---- the trace ------------------------------------------------------------------------------ */

static bool look_ahead(struct replay *replay) {
    if (!replay->has_next && replay->step == CM_TRACE_REQUEST) {
        replay->step = cm_trace_next(replay->trace, &replay->next);
        replay->has_next = replay->step == CM_TRACE_REQUEST;
    }
    return replay->has_next;
}

static void skip(struct replay *replay) {
    for (int64_t i = 0; i < replay->settings.skip && look_ahead(replay); i++)
        replay->has_next = false;
}

static bool is_within_limit(const struct replay *replay, size_t more) {
    int64_t limit = replay->settings.limit;
    return limit == 0 || replay->report.requests + more < (uint64_t)limit;
}

/* Fills the window; false if nothing is left. */
static bool fill(struct replay *replay, struct cm_window *window) {
    cm_window_clear(window);
    while (is_within_limit(replay, window->count) && look_ahead(replay)) {
        if (replay->settings.value_size == NULL &&
            cm_values_reserve(&replay->values, replay->next.value_bytes) != CM_OK) {
            run_out_of_memory(replay);
            return false;
        }
        if (!cm_window_add(window, &replay->next))
            break;
        replay->has_next = false;
    }
    return window->count > 0;
}

/* ---- over time ------------------------------------------------------------------------------ */

static void note_point(struct replay *replay, bool is_last) {
    uint64_t requests = replay->report.requests;
    long place = is_last ? cm_series_end(&replay->series, requests)
                         : cm_series_add(&replay->series, requests);
    for (size_t i = 0; place >= 0 && i < replay->target_count; i++) {
        size_t at = (size_t)place * replay->target_count + i;
        replay->series.misses[at] = replay->targets[i].counts.misses;
        replay->series.answered[at] = replay->targets[i].counts.requests;
    }
}

static void note_row(struct replay *replay, bool is_last) {
    uint64_t interval = (uint64_t)replay->settings.interval;
    uint64_t since = replay->report.requests - replay->row_at;
    if (interval == 0 || since == 0 || (since < interval && !is_last))
        return;
    cm_progress_clear(&replay->progress);
    cm_report_row(stdout, &replay->report, replay->row);
    fflush(stdout);
    replay->row_at = replay->report.requests;
    for (size_t i = 0; i < replay->target_count; i++)
        replay->row[i] = replay->targets[i].counts;
}

static void show_progress(struct replay *replay) {
    double part = cm_trace_progress(replay->trace);
    double limit = (double)replay->settings.limit;
    if (limit > 0 && (double)replay->report.requests / limit > part)
        part = (double)replay->report.requests / limit;
    cm_progress_show(&replay->progress, &(struct cm_progress_state){
                                            part,
                                            replay->report.requests,
                                            replay->targets,
                                            replay->target_count,
                                        });
}

/* ---- replaying ------------------------------------------------------------------------------ */

static bool is_anybody_left(const struct replay *replay) {
    for (size_t i = 0; i < replay->target_count; i++) {
        if (replay->targets[i].failure == CM_OK)
            return true;
    }
    return false;
}

static void run(struct replay *replay) {
    skip(replay);
    cm_progress_begin(&replay->progress);
    if (replay->settings.interval > 0)
        cm_report_head(stdout, &replay->report);
    while (is_anybody_left(replay)) {
        struct cm_window *window = &replay->windows[replay->report.windows % 2];
        if (!fill(replay, window))
            break;
        for (size_t i = 0; i < replay->target_count; i++)
            cm_target_feed(&replay->targets[i], window);
        replay->report.requests += window->count;
        replay->report.windows++;
        note_point(replay, false);
        note_row(replay, false);
        show_progress(replay);
    }
    for (size_t i = 0; i < replay->target_count; i++)
        cm_target_finish(&replay->targets[i]);
    note_point(replay, true);
    note_row(replay, true);
    cm_progress_clear(&replay->progress);
}

/* ---- after ---------------------------------------------------------------------------------- */

static void judge_targets(struct replay *replay) {
    char message[600];
    for (size_t i = 0; i < replay->target_count; i++) {
        const struct cm_target *target = &replay->targets[i];
        int status = target->failure == CM_NOT_AUTHENTICATED ? CM_EXIT_DENIED
                     : target->failure == CM_BAD_ANSWER      ? CM_EXIT_PROTOCOL
                                                             : CM_EXIT_UNAVAILABLE;
        if (target->failure == CM_OK)
            continue;
        snprintf(message, sizeof message, "%.200s: %s; ended after %" PRIu64 " requests",
                 target->name, target->why, target->counts.requests);
        complain(replay, status, message);
    }
}

static void judge_answers(struct replay *replay) {
    char message[400];
    for (size_t i = 0; i < replay->target_count; i++) {
        const struct cm_counts *counts = &replay->targets[i].counts;
        const char *name = replay->targets[i].name;
        if (counts->errors > 0) {
            snprintf(message, sizeof message, "%.200s: %" PRIu64 " gets were answered by an error",
                     name, counts->errors);
            complain(replay, CM_EXIT_PROTOCOL, message);
        }
        if (counts->wrong > 0) {
            snprintf(message, sizeof message, "%.200s: %" PRIu64 " hits had another key's value",
                     name, counts->wrong);
            complain(replay, CM_EXIT_NO, message);
        }
    }
}

static void plot(struct replay *replay) {
    const char *names[CM_REPLAY_TARGETS_MAX];
    double totals[CM_REPLAY_TARGETS_MAX];
    char title[300];
    FILE *file = fopen(replay->settings.plot, "w");
    for (size_t i = 0; i < replay->target_count; i++) {
        names[i] = replay->targets[i].name;
        totals[i] = cm_counts_miss_ratio(&replay->targets[i].counts);
    }
    snprintf(title, sizeof title, "Miss ratio, %.200s", replay->report.trace);
    if (file != NULL)
        cm_plot_write(file, &(struct cm_plot){title, &replay->series, names, totals});
    bool failed = file == NULL || ferror(file) != 0;
    if (file != NULL && fclose(file) != 0)
        failed = true;
    if (failed)
        complain_of_plot(replay);
}

static void report(struct replay *replay) {
    bool written = true;
    if (replay->step == CM_TRACE_BAD) {
        replay->report.input_error = cm_trace_why(replay->trace);
        complain(replay, CM_EXIT_INPUT, replay->report.input_error);
    }
    judge_targets(replay);
    if (replay->settings.json)
        written = cm_report_json(stdout, &replay->report);
    else if (replay->report.requests > 0 || replay->report.input_error == NULL)
        cm_report_table(stdout, &replay->report);
    if (!written || fflush(stdout) != 0)
        complain(replay, CM_EXIT_OUTPUT, "cannot write the result");
    if (replay->settings.plot != NULL)
        plot(replay);
    judge_answers(replay);
}

int cm_replay_main(char **argv) {
    struct replay replay = {.step = CM_TRACE_REQUEST};
    if (!cm_replay_settings_read(&replay.settings, argv, &replay.status))
        return replay.status;
    begin(&replay);
    if (replay.status == CM_EXIT_OK) {
        run(&replay);
        report(&replay);
    } else if (replay.settings.json) {
        cm_json_print_error(stdout, replay.status, replay.error);
    }
    end(&replay);
    return replay.status;
}

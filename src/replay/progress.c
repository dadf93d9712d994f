/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/progress.h"

#include "base/os/os.h"
#include "base/os/terminal.h"
#include <inttypes.h>
#include <stdio.h>

#define ERRORS       2 /* standard error */
#define BAR_COLUMNS  24
#define LINE_BYTES   512
#define PERIOD_NS    ((uint64_t)200 * 1000 * 1000)
#define COLUMNS_ELSE 80 /* of a terminal that does not tell */
#define CLEAR        "\r\033[K"

void cm_progress_begin(struct cm_progress *progress) {
    uint64_t now_ns = cm_os_monotonic_ns();
    *progress = (struct cm_progress){cm_os_terminal_is(ERRORS), now_ns, now_ns};
}

static size_t columns(void) {
    unsigned columns = COLUMNS_ELSE, rows = 0;
    (void)cm_os_terminal_size(ERRORS, &columns, &rows);
    return columns > 0 ? columns : COLUMNS_ELSE;
}

/* "[#####.....]  42 %"; without its length known nothing. */
static size_t put_bar(char *line, double part) {
    if (part < 0)
        return 0;
    int full = (int)(part * BAR_COLUMNS);
    size_t used = 0;
    line[used++] = '[';
    for (int i = 0; i < BAR_COLUMNS; i++)
        line[used++] = i < full ? '#' : '.';
    return used + (size_t)snprintf(line + used, 12, "] %3d %%  ", (int)(part * 100));
}

void cm_progress_show(struct cm_progress *progress, const struct cm_progress_state *state) {
    uint64_t now_ns = cm_os_monotonic_ns();
    if (!progress->shown || now_ns - progress->last_ns < PERIOD_NS)
        return;
    progress->last_ns = now_ns;
    char line[LINE_BYTES];
    double seconds = (double)(now_ns - progress->begin_ns) / 1e9;
    size_t used = put_bar(line, state->part);
    used += (size_t)snprintf(line + used, 64, "%" PRIu64 " requests, %.0f/s, miss ratio",
                             state->requests, (double)state->requests / seconds);
    for (size_t i = 0; i < state->target_count && used + 16 < sizeof line; i++)
        used += (size_t)snprintf(line + used, 16, " %.4f",
                                 cm_counts_miss_ratio(&state->targets[i].counts));
    size_t room = columns() - 1;
    fprintf(stderr, CLEAR "%.*s", (int)(used < room ? used : room), line);
    fflush(stderr);
}

void cm_progress_clear(struct cm_progress *progress) {
    if (progress->shown) {
        fputs(CLEAR, stderr);
        fflush(stderr);
    }
}

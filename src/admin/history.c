/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/history.h"
#include "base/check.h"
#include "base/os/os.h"

#include <math.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

struct ring {
    struct cm_history_row *rows;
    size_t capacity;
    uint64_t end; /* rows ever written: the next is rows[end % capacity] */
};

/* The minute that is under way. */
struct minute {
    int64_t time_s; /* its label */
    bool is_open;
    double sums[CM_SERIES_COUNT];    /* of values, each times the seconds it stands for */
    double seconds[CM_SERIES_COUNT]; /* 0: no value */
    struct cm_duration_sums before;  /* those at its beginning */
};

struct cm_history {
    struct cm_os_mutex lock; /* guards the rings; all else is the taker's */
    struct ring seconds, minutes;
    struct minute minute;
    bool has_before;
    uint64_t before[CM_SERIES_COUNT]; /* readings of before_ns */
    struct cm_duration_sums durations_before;
    uint64_t before_ns;
    int64_t before_s; /* the label of that reading */
};

enum kind { RATE, LEVEL, PERCENTILE };

static const enum kind kinds[CM_SERIES_COUNT] = {
#define CM_SERIES(name, kind, value) kind,
#define CM_PERCENTILE(name, share)   PERCENTILE,
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
};

/* ---- rings ---- */

static enum cm_status init_ring(struct ring *ring, size_t capacity) {
    ring->rows = calloc(capacity, sizeof *ring->rows);
    ring->capacity = capacity;
    return ring->rows != NULL ? CM_OK : CM_NO_MEMORY;
}

static uint64_t first_of(const struct ring *ring) {
    return ring->end > ring->capacity ? ring->end - ring->capacity : 0;
}

static struct cm_history_row *row_at(const struct ring *ring, uint64_t number) {
    return &ring->rows[number % ring->capacity];
}

/* T1: nothing is labelled later than `last_s`. */
static void move_back(struct ring *ring, int64_t last_s, int64_t step_s) {
    for (uint64_t i = ring->end; i > first_of(ring); i--) {
        struct cm_history_row *row = row_at(ring, i - 1);
        if (row->time_s <= last_s)
            return;
        row->time_s = last_s;
        last_s -= step_s;
    }
}

static void push(struct ring *ring, const struct cm_history_row *row, int64_t step_s) {
    move_back(ring, row->time_s - step_s, step_s);
    *row_at(ring, ring->end) = *row;
    ring->end++;
}

/* The number of the first row that is labelled later. */
static uint64_t find_later(const struct ring *ring, int64_t time_s) {
    uint64_t low = first_of(ring), high = ring->end;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (row_at(ring, middle)->time_s > time_s)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- percentiles ---- */

/* Those of what was counted between two readings. */
static void put_percentiles(struct cm_history_row *row, const struct cm_duration_sums *before,
                            const struct cm_duration_sums *now) {
    struct cm_duration_sums between = *now;
    cm_durations_subtract(&between, before);
    bool is_known = cm_durations_count(&between) > 0;
#define CM_SERIES(name, kind, value)
#define CM_PERCENTILE(name, share)                                                                 \
    row->values[CM_SERIES_##name] =                                                                \
        is_known ? (float)cm_durations_percentile_ns(&between, share) / 1000 : NAN;
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
}

/* ---- minutes ---- */

static void close_minute(struct cm_history *history) {
    struct minute *minute = &history->minute;
    struct cm_history_row row = {.time_s = minute->time_s};
    for (size_t i = 0; i < CM_SERIES_COUNT; i++)
        row.values[i] =
            minute->seconds[i] > 0 ? (float)(minute->sums[i] / minute->seconds[i]) : NAN;
    put_percentiles(&row, &minute->before, &history->durations_before);
    push(&history->minutes, &row, 60);
}

static void add_to_minute(struct cm_history *history, const struct cm_history_row *row,
                          double elapsed_s) {
    struct minute *minute = &history->minute;
    int64_t time_s = row->time_s - row->time_s % 60;
    if (minute->is_open && minute->time_s != time_s) {
        close_minute(history);
        minute->is_open = false;
    }
    if (!minute->is_open) {
        *minute =
            (struct minute){.time_s = time_s, .is_open = true, .before = history->durations_before};
        move_back(&history->minutes, time_s - 60, 60);
    }
    for (size_t i = 0; i < CM_SERIES_COUNT; i++) {
        if (!isnan(row->values[i])) {
            minute->sums[i] += (double)row->values[i] * elapsed_s;
            minute->seconds[i] += elapsed_s;
        }
    }
}

/* ---- seconds ---- */

static void read_series(const struct cm_stats_readings *r, uint64_t *values) {
    struct cm_os_usage usage;
    cm_os_usage(&usage);
#define SERVER(field)                (r->server.field)
#define METRIC(field)                (r->metrics.values[CM_METRIC_##field])
#define STORE(field)                 (r->store.field)
#define USAGE(field)                 (usage.field)
#define CM_SERIES(name, kind, value) values[CM_SERIES_##name] = value;
#define CM_PERCENTILE(name, share)   values[CM_SERIES_##name] = 0; /* put_percentiles() */
#include "tables/history.def"
#undef CM_SERIES
#undef CM_PERCENTILE
#undef SERVER
#undef METRIC
#undef STORE
#undef USAGE
}

/* T3. */
static float rate_of(uint64_t before, uint64_t now, double elapsed_s) {
    return (float)((double)(now >= before ? now - before : now) / elapsed_s);
}

/* The label of a reading that many seconds after the last one: regular as long as the clock goes by
 * that, so that a timer that is a little late now and then leaves no holes. */
static int64_t label_of(const struct cm_history *history, uint64_t elapsed_ns, int64_t wall_s) {
    int64_t expected_s = history->before_s + (int64_t)((elapsed_ns + SECOND_NS / 2) / SECOND_NS);
    return llabs(expected_s - wall_s) <= 1 ? expected_s : wall_s;
}

/* `values` are those of the reading, in the order of the series. */
static void remember(struct cm_history *history, const struct cm_history_reading *reading,
                     const uint64_t *values, const struct cm_history_time *now) {
    uint64_t elapsed_ns = now->monotonic_ns - history->before_ns;
    double elapsed_s = (double)elapsed_ns / (double)SECOND_NS;
    struct cm_history_row row = {.time_s = label_of(history, elapsed_ns, now->wall_s)};
    for (size_t i = 0; i < CM_SERIES_COUNT; i++)
        row.values[i] =
            kinds[i] == RATE ? rate_of(history->before[i], values[i], elapsed_s) : (float)values[i];
    put_percentiles(&row, &history->durations_before, &reading->durations);
    cm_os_mutex_lock(&history->lock);
    push(&history->seconds, &row, 1);
    add_to_minute(history, &row, elapsed_s);
    cm_os_mutex_unlock(&history->lock);
    history->before_s = row.time_s;
}

void cm_history_take(struct cm_history *history, const struct cm_history_reading *reading,
                     const struct cm_history_time *now) {
    uint64_t values[CM_SERIES_COUNT];
    if (history->has_before && now->monotonic_ns - history->before_ns < SECOND_NS / 2)
        return; /* the next one has both */
    read_series(&reading->stats, values);
    if (history->has_before)
        remember(history, reading, values, now);
    else
        history->before_s = now->wall_s;
    memcpy(history->before, values, sizeof values);
    history->durations_before = reading->durations;
    history->before_ns = now->monotonic_ns;
    history->has_before = true;
}

size_t cm_history_copy(struct cm_history *history, const struct cm_history_query *query,
                       bool *more) {
    cm_os_mutex_lock(&history->lock);
    const struct ring *ring =
        query->step == CM_HISTORY_BY_SECOND ? &history->seconds : &history->minutes;
    uint64_t first = find_later(ring, query->since_s);
    size_t count = (size_t)(ring->end - first);
    *more = count > query->room;
    if (*more)
        count = query->room;
    for (size_t i = 0; i < count; i++)
        query->rows[i] = *row_at(ring, first + i);
    cm_os_mutex_unlock(&history->lock);
    return count;
}

/* ---- from beginning to end ---- */

enum cm_status cm_history_create(struct cm_history **out) {
    struct cm_history *history = calloc(1, sizeof *history);
    if (history == NULL)
        return CM_NO_MEMORY;
    enum cm_status status = init_ring(&history->seconds, CM_HISTORY_SECONDS);
    if (status == CM_OK)
        status = init_ring(&history->minutes, CM_HISTORY_MINUTES);
    if (status == CM_OK)
        status = cm_os_mutex_init(&history->lock);
    if (status != CM_OK) {
        free(history->minutes.rows);
        free(history->seconds.rows);
        free(history);
        return status;
    }
    *out = history;
    return CM_OK;
}

void cm_history_destroy(struct cm_history *history) {
    if (history != NULL) {
        cm_os_mutex_deinit(&history->lock);
        free(history->minutes.rows);
        free(history->seconds.rows);
        free(history);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND_NS UINT64_C(1000000000)
#define START_S   INT64_C(1700000080) /* a minute begins 20 seconds later */

/* A server whose clocks and counters the test moves. */
struct rig {
    struct cm_history *history;
    struct cm_history_reading reading;
    struct cm_history_time now;
};

static int set_up(void **state) {
    static struct rig rig;
    rig = (struct rig){.now = {.monotonic_ns = 5 * SECOND_NS, .wall_s = START_S}};
    assert_int_equal(cm_history_create(&rig.history), CM_OK);
    cm_history_take(rig.history, &rig.reading, &rig.now);
    *state = &rig;
    return 0;
}

static int tear_down(void **state) {
    struct rig *rig = *state;
    cm_history_destroy(rig->history);
    return 0;
}

static void count_hits(struct rig *rig, uint64_t hits) {
    rig->reading.stats.metrics.values[CM_METRIC_get_hits] += hits;
}

/* Both clocks go on, and what was counted is read. */
static void pass_ms(struct rig *rig, uint64_t ms) {
    static uint64_t rest_ms;
    rig->now.monotonic_ns += ms * 1000000;
    rest_ms += ms;
    rig->now.wall_s += (int64_t)(rest_ms / 1000);
    rest_ms %= 1000;
    cm_history_take(rig->history, &rig->reading, &rig->now);
}

static void pass_seconds(struct rig *rig, size_t count, uint64_t hits) {
    for (size_t i = 0; i < count; i++) {
        count_hits(rig, hits);
        pass_ms(rig, 1000);
    }
}

/* Owned by the caller. */
static struct cm_history_row *copy(struct rig *rig, enum cm_history_step step, int64_t since_s,
                                   size_t *count) {
    struct cm_history_row *rows = calloc(CM_HISTORY_MINUTES, sizeof *rows);
    bool more;
    assert_non_null(rows);
    const struct cm_history_query query = {step, since_s, rows, CM_HISTORY_MINUTES};
    *count = cm_history_copy(rig->history, &query, &more);
    assert_false(more);
    for (size_t i = 1; i < *count; i++)
        assert_true(rows[i].time_s > rows[i - 1].time_s); /* T1 */
    return rows;
}

static void expect_hits(const struct cm_history_row *row, int64_t time_s, double hits) {
    assert_int_equal(row->time_s, time_s);
    assert_true(fabs((double)row->values[CM_SERIES_get_hits] - hits) < 0.001);
}

static void rates_and_levels(void **state) {
    struct rig *rig = *state;
    size_t count;
    rig->reading.stats.server.curr_connections = 7;
    pass_seconds(rig, 1, 10);
    rig->reading.stats.server.curr_connections = 3;
    pass_seconds(rig, 1, 0);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    assert_int_equal(count, 2);
    expect_hits(&rows[0], START_S + 1, 10);
    expect_hits(&rows[1], START_S + 2, 0);
    assert_true(rows[0].values[CM_SERIES_connections] == 7);
    assert_true(rows[1].values[CM_SERIES_connections] == 3);
    free(rows);
}

static void an_hour_of_seconds_and_minutes_of_it(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 2 * CM_HISTORY_SECONDS, 30);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    assert_int_equal(count, CM_HISTORY_SECONDS);
    expect_hits(&rows[0], START_S + CM_HISTORY_SECONDS + 1, 30);
    expect_hits(&rows[count - 1], START_S + 2 * CM_HISTORY_SECONDS, 30);
    free(rows);
    rows = copy(rig, CM_HISTORY_BY_MINUTE, 0, &count);
    assert_int_equal(count, 120);
    expect_hits(&rows[0], START_S - 40, 30);
    expect_hits(&rows[119], START_S - 40 + 119 * 60, 30);
    free(rows);
}

static void a_week_of_minutes(void **state) {
    struct rig *rig = *state;
    size_t count;
    for (size_t i = 0; i < CM_HISTORY_MINUTES + 100; i++) {
        count_hits(rig, 60);
        pass_ms(rig, 60000);
    }
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_MINUTE, 0, &count);
    assert_int_equal(count, CM_HISTORY_MINUTES);
    expect_hits(&rows[count - 1], START_S - 40 + (CM_HISTORY_MINUTES + 99) * 60, 1);
    free(rows);
}

static void a_minute_is_the_mean_of_its_seconds(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 20,
                 0); /* to the end of the minute, whose last second is the next one's first */
    pass_seconds(rig, 30, 100);
    pass_seconds(rig, 30, 40);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_MINUTE, START_S - 40, &count);
    assert_int_equal(count, 1);
    expect_hits(&rows[0], START_S + 20, (30 * 100 + 29 * 40) / 60.0);
    free(rows);
}

static void a_late_timer_neither_bends_rates_nor_leaves_holes(void **state) {
    struct rig *rig = *state;
    size_t count;
    for (size_t i = 0; i < 1000; i++) {
        const uint64_t ms = 900 + i * 37 % 200;
        count_hits(rig, ms);
        pass_ms(rig, ms);
    }
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs((double)rows[i].values[CM_SERIES_get_hits] - 1000) < 0.1);
        assert_true(i == 0 || rows[i].time_s - rows[i - 1].time_s <= 2);
    }
    free(rows);
}

static void two_ticks_at_once_are_one(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 1, 5);
    count_hits(rig, 1000);
    pass_ms(rig, 3);
    pass_ms(rig, 997);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    assert_int_equal(count, 2);
    expect_hits(&rows[1], START_S + 2, 1000);
    free(rows);
}

static void a_reset_counts_nothing_back(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 1, 1000);
    rig->reading.stats.metrics.values[CM_METRIC_get_hits] = 4;
    pass_ms(rig, 1000);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    expect_hits(&rows[1], START_S + 2, 4);
    free(rows);
}

/* The machine slept: the wall clock alone went on. */
static void a_sleep_is_a_hole(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 3, 10);
    rig->now.wall_s += 7200;
    pass_seconds(rig, 2, 10);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    assert_int_equal(count, 5);
    expect_hits(&rows[2], START_S + 3, 10);
    expect_hits(&rows[3], START_S + 3 + 7201, 10);
    free(rows);
}

static void a_clock_put_back(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 300, 10);
    rig->now.wall_s -= 100000;
    pass_seconds(rig, 1, 20);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, 0, &count);
    assert_int_equal(count, 301);
    expect_hits(&rows[0], START_S + 301 - 100000 - 300, 10);
    expect_hits(&rows[300], START_S + 301 - 100000, 20);
    free(rows);
    pass_seconds(rig, 120, 10);
    rows = copy(rig, CM_HISTORY_BY_MINUTE, 0, &count);
    assert_int_equal(count, 8);
    assert_true(rows[count - 1].time_s <= rig->now.wall_s);
    free(rows);
}

static void a_clock_put_back_within_a_second(void **state) {
    struct rig *rig = *state;
    size_t count;
    for (size_t i = 0; i < 200; i++) {
        rig->now.wall_s -= 1 + (int64_t)(i % 3);
        pass_seconds(rig, 1, 1);
    }
    free(copy(rig, CM_HISTORY_BY_SECOND, 0, &count));
    assert_int_equal(count, 200);
    free(copy(rig, CM_HISTORY_BY_MINUTE, 0, &count));
}

static void count_requests(struct rig *rig, uint64_t ns, uint64_t count) {
    rig->reading.durations.buckets[cm_duration_bucket(ns)] += count;
    rig->reading.durations.sum_ns += ns * count;
}

static void expect_us(double seen, double us) {
    assert_true(seen >= us && seen <= us * 1.13); /* a bucket's width */
}

/* Of the seconds each its own, and of the minute those of all its requests. */
static void percentiles(void **state) {
    struct rig *rig = *state;
    size_t count;
    pass_seconds(rig, 19, 0);
    count_requests(rig, 10000, 1000);
    pass_seconds(rig, 1, 0);
    count_requests(rig, 900000, 100);
    pass_seconds(rig, 1, 0);
    pass_seconds(rig, 60, 0);
    struct cm_history_row *rows = copy(rig, CM_HISTORY_BY_SECOND, START_S + 18, &count);
    assert_true(isnan(rows[0].values[CM_SERIES_latency_p50_us]));
    expect_us((double)rows[1].values[CM_SERIES_latency_p999_us], 10);
    expect_us((double)rows[2].values[CM_SERIES_latency_p50_us], 900);
    assert_true(isnan(rows[3].values[CM_SERIES_latency_p99_us]));
    free(rows);
    rows = copy(rig, CM_HISTORY_BY_MINUTE, START_S - 40, &count);
    assert_int_equal(count, 1);
    expect_us((double)rows[0].values[CM_SERIES_latency_p50_us], 10);
    expect_us((double)rows[0].values[CM_SERIES_latency_p99_us], 900);
    free(rows);
    rows = copy(rig, CM_HISTORY_BY_MINUTE, 0, &count);
    assert_true(isnan(rows[0].values[CM_SERIES_latency_p99_us]));
    free(rows);
}

static void no_more_than_there_is_room_for(void **state) {
    struct rig *rig = *state;
    struct cm_history_row rows[4];
    bool more;
    pass_seconds(rig, 6, 1);
    struct cm_history_query query = {CM_HISTORY_BY_SECOND, START_S + 1, rows, 4};
    assert_int_equal(cm_history_copy(rig->history, &query, &more), 4);
    assert_true(more);
    expect_hits(&rows[3], START_S + 5, 1);
    query.since_s = START_S + 5;
    assert_int_equal(cm_history_copy(rig->history, &query, &more), 1);
    assert_false(more);
    query.since_s = INT64_MAX;
    assert_int_equal(cm_history_copy(rig->history, &query, &more), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
        TEST(rates_and_levels),
        TEST(an_hour_of_seconds_and_minutes_of_it),
        TEST(a_week_of_minutes),
        TEST(a_minute_is_the_mean_of_its_seconds),
        TEST(a_late_timer_neither_bends_rates_nor_leaves_holes),
        TEST(two_ticks_at_once_are_one),
        TEST(a_reset_counts_nothing_back),
        TEST(a_sleep_is_a_hole),
        TEST(a_clock_put_back),
        TEST(a_clock_put_back_within_a_second),
        TEST(percentiles),
        TEST(no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

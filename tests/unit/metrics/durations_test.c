/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics/metrics.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct cm_metrics_group *group;
    struct cm_duration_sums sums[CM_COMMANDS];
};

static int setup(void **state) {
    static struct rig rig;
    assert_int_equal(cm_metrics_group_create(2, &rig.group), CM_OK);
    *state = &rig;
    return 0;
}

static int teardown(void **state) {
    cm_metrics_group_destroy(((struct rig *)*state)->group);
    return 0;
}

static void add(struct rig *rig, unsigned thread, uint64_t ns, uint64_t count) {
    struct cm_metrics *metrics = cm_metrics_of_thread(rig->group, thread);
    cm_durations_add(&metrics->durations[CM_COMMAND_get], ns, count);
}

static const struct cm_duration_sums *gets(struct rig *rig) {
    cm_metrics_read_durations(rig->group, rig->sums);
    return &rig->sums[CM_COMMAND_get];
}

/* Of every duration, without and with a step beyond a power of two. */
static void a_percentile_is_at_most_an_eighth_too_high(void **state) {
    struct cm_duration_sums sums;
    (void)state;
    for (uint64_t base = 1000; base < CM_DURATION_MAX_NS; base += base / 7) {
        for (uint64_t ns = base - 1; ns <= base + 1; ns++) {
            memset(&sums, 0, sizeof sums);
            sums.buckets[cm_duration_bucket(ns)] = 1;
            const uint64_t read_ns = cm_durations_percentile_ns(&sums, .5);
            assert_true(read_ns >= ns);
            assert_true(read_ns <= ns + ns / 8 + 1);
        }
    }
}

static void the_ends_have_buckets(void **state) {
    (void)state;
    assert_int_equal(cm_duration_bucket(0), 0);
    assert_int_equal(cm_duration_bucket(125), 0);
    assert_int_equal(cm_duration_bucket(126), 1);
    assert_int_equal(cm_duration_bucket(CM_DURATION_MAX_NS), CM_DURATION_BUCKETS - 1);
    assert_int_equal(cm_duration_bucket(UINT64_MAX), CM_DURATION_BUCKETS - 1);
}

static void percentiles_count_from_below(void **state) {
    struct rig *rig = *state;
    assert_int_equal(cm_durations_percentile_ns(gets(rig), .99), 0);
    add(rig, 0, 1000, 98);
    add(rig, 1, 8000, 1);
    add(rig, 1, 64000, 1);
    const struct cm_duration_sums *sums = gets(rig);
    assert_int_equal(cm_durations_count(sums), 100);
    assert_int_equal(sums->sum_ns, 170000);
    assert_int_equal(cm_durations_percentile_ns(sums, 0), 1000);
    assert_int_equal(cm_durations_percentile_ns(sums, .98), 1000);
    assert_int_equal(cm_durations_percentile_ns(sums, .99), 8000);
    assert_int_equal(cm_durations_percentile_ns(sums, 1), 64000);
}

static void a_power_of_two_of_microseconds_is_within_itself(void **state) {
    struct rig *rig = *state;
    for (unsigned power = 0; power <= 25; power++) {
        add(rig, 0, (uint64_t)1000 << power, 1);
        add(rig, 0, ((uint64_t)1000 << power) + 1, 1);
    }
    for (unsigned power = 0; power <= 25; power++) {
        assert_int_equal(cm_durations_within(gets(rig), power), 2 * power + 1);
    }
}

static void a_reset_starts_from_zero(void **state) {
    struct rig *rig = *state;
    add(rig, 0, 5000, 3);
    add(rig, 1, 5000, 3);
    cm_metrics_reset(rig->group);
    assert_int_equal(cm_durations_count(gets(rig)), 0);
    assert_int_equal(gets(rig)->sum_ns, 0);
    add(rig, 1, 9000, 2);
    assert_int_equal(cm_durations_count(gets(rig)), 2);
    assert_int_equal(gets(rig)->sum_ns, 18000);
}

static void a_difference_is_what_came_between(void **state) {
    struct rig *rig = *state;
    add(rig, 0, 1000, 10);
    const struct cm_duration_sums before = *gets(rig);
    add(rig, 1, 9000, 2);
    struct cm_duration_sums between = *gets(rig);
    cm_durations_subtract(&between, &before);
    assert_int_equal(cm_durations_count(&between), 2);
    assert_int_equal(between.sum_ns, 18000);
    assert_int_equal(cm_durations_percentile_ns(&between, .01), 9000);
}

static void after_a_reset_nothing_is_subtracted(void **state) {
    struct rig *rig = *state;
    add(rig, 0, 1000, 10);
    const struct cm_duration_sums before = *gets(rig);
    cm_metrics_reset(rig->group);
    add(rig, 0, 1000000, 1);
    struct cm_duration_sums between = *gets(rig);
    cm_durations_subtract(&between, &before);
    assert_int_equal(cm_durations_count(&between), 1);
    assert_int_equal(between.sum_ns, 1000000);
}

static void commands_have_names(void **state) {
    (void)state;
    assert_string_equal(cm_command_kind_name(CM_COMMAND_get), "get");
    assert_string_equal(cm_command_kind_name(CM_COMMAND_other), "other");
    assert_string_equal(cm_command_kind_name(CM_COMMAND_flush), "flush");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_at_most_an_eighth_too_high),
        cmocka_unit_test(the_ends_have_buckets),
        TEST(percentiles_count_from_below),
        TEST(a_power_of_two_of_microseconds_is_within_itself),
        TEST(a_reset_starts_from_zero),
        TEST(a_difference_is_what_came_between),
        TEST(after_a_reset_nothing_is_subtracted),
        cmocka_unit_test(commands_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

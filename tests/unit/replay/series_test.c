/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Two targets: one misses half of everything, the other answers only the first thousand. */
static void fill_in(struct cm_series *series, long place, uint64_t requests) {
    if (place < 0)
        return;
    size_t at = (size_t)place * 2;
    series->answered[at] = requests;
    series->misses[at] = requests / 2;
    series->answered[at + 1] = requests < 1000 ? requests : 1000;
    series->misses[at + 1] = series->answered[at + 1];
}

static void test_any_length_fits(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 63, 64, 65, 65536, 65600, 1000000, 50000000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct cm_series series;
        uint64_t last = 0;
        assert_int_equal(cm_series_init(&series, 2), CM_OK);
        for (uint64_t requests = 50; requests < lengths[i]; requests += 50)
            fill_in(&series, cm_series_add(&series, requests), requests);
        fill_in(&series, cm_series_end(&series, lengths[i]), lengths[i]);
        assert_int_equal(cm_series_end(&series, lengths[i]), -1);
        assert_in_range(series.count, 1, CM_SERIES_POINTS);
        assert_int_equal(series.requests[series.count - 1], lengths[i]);
        for (size_t point = 0; point < series.count; point++) {
            assert_true(series.requests[point] > last);
            last = series.requests[point];
            assert_int_equal(series.answered[2 * point], last);
        }
        cm_series_deinit(&series);
    }
}

static void test_ratios(void **state) {
    (void)state;
    struct cm_series series;
    assert_int_equal(cm_series_init(&series, 2), CM_OK);
    for (uint64_t requests = 100; requests <= 4000; requests += 100)
        fill_in(&series, cm_series_add(&series, requests), requests);
    assert_int_equal(series.count, 40);
    assert_true(cm_series_ratio(&series, 0, -1, 0) == 0.5);
    assert_true(cm_series_ratio(&series, 0, 0, 39) == 0.5);
    assert_true(cm_series_ratio(&series, 1, -1, 39) == 1);
    assert_true(cm_series_ratio(&series, 1, 9, 39) < 0);
    cm_series_deinit(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_length_fits),
        cmocka_unit_test(test_ratios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

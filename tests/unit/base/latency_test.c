/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/latency.h"

#include "base/random.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 20000 };

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void assert_close(uint64_t got, uint64_t exact) {
    assert_true(got >= exact);
    assert_true(got - exact <= exact / CM_LATENCY_STEPS);
}

/* Every percentile beside the list itself, sorted; values of all magnitudes. */
static void test_percentiles(void **state) {
    (void)state;
    static const double shares[] = {0, .001, .1, .5, .9, .99, .999, .9999, 1};
    struct cm_latency *latency = calloc(1, sizeof *latency);
    uint64_t *list = calloc(COUNT, sizeof *list);
    struct cm_random random;
    uint64_t sum = 0;
    cm_random_init(&random, 7);
    for (size_t i = 0; i < COUNT; i++) {
        list[i] = cm_random_next(&random) >> (12 + cm_random_below(&random, 50));
        cm_latency_add(latency, list[i]);
        sum += list[i];
    }
    qsort(list, COUNT, sizeof *list, compare);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        const size_t rank = (size_t)(shares[i] * COUNT + .999999);
        assert_close(cm_latency_percentile_ns(latency, shares[i]), list[rank == 0 ? 0 : rank - 1]);
    }
    assert_int_equal(cm_latency_percentile_ns(latency, 1), list[COUNT - 1]);
    assert_true(cm_latency_mean_ns(latency) == (double)sum / COUNT);
    free(list);
    free(latency);
}

static void test_small_values_are_exact(void **state) {
    (void)state;
    struct cm_latency *latency = calloc(1, sizeof *latency);
    for (uint64_t ns = 0; ns < 200; ns++)
        cm_latency_add(latency, ns);
    for (unsigned percent = 1; percent <= 100; percent++)
        assert_int_equal(cm_latency_percentile_ns(latency, percent / 100.), 2 * percent - 1);
    free(latency);
}

static void test_extremes(void **state) {
    (void)state;
    struct cm_latency *latency = calloc(1, sizeof *latency);
    assert_int_equal(cm_latency_percentile_ns(latency, .5), 0);
    assert_true(cm_latency_mean_ns(latency) == 0);
    cm_latency_add(latency, UINT64_MAX);
    assert_true(cm_latency_percentile_ns(latency, .5) == UINT64_MAX);
    cm_latency_add(latency, 0);
    assert_int_equal(cm_latency_percentile_ns(latency, .5), 0);
    free(latency);
}

static void test_merging(void **state) {
    (void)state;
    struct cm_latency *parts = calloc(3, sizeof *parts);
    for (uint64_t ns = 1; ns <= 1000; ns++) {
        cm_latency_add(&parts[ns % 2], ns * ns);
        cm_latency_add(&parts[2], ns * ns);
    }
    cm_latency_merge(&parts[0], &parts[1]);
    assert_memory_equal(&parts[0], &parts[2], sizeof parts[0]);
    free(parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 50, DRAWS = 100000 };
/* Of chi square with KEYS - 1 degrees of freedom; the seeds are fixed. */
#define CHI_SQUARE_MAX 106.

static double chi_square(const uint32_t *counts, const double *shares, size_t cells) {
    double sum = 0;
    for (size_t i = 0; i < cells; i++) {
        const double expected = shares[i] * DRAWS;
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return sum;
}

static void count_keys(const struct cm_stress_options *options, uint32_t *counts) {
    struct cm_stress_plan plan;
    cm_stress_plan_init(&plan, options, 0);
    for (size_t i = 0; i < DRAWS; i++) {
        const uint32_t key = cm_stress_plan_key(&plan);
        assert_true(key < KEYS);
        counts[key]++;
    }
}

static void test_uniform(void **state) {
    (void)state;
    const struct cm_stress_options options = {.keys = KEYS, .threads = 1, .seed = 4};
    uint32_t counts[KEYS] = {0};
    double shares[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        shares[i] = 1. / KEYS;
    count_keys(&options, counts);
    assert_true(chi_square(counts, shares, KEYS) < CHI_SQUARE_MAX);
}

static int descending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x > y ? -1 : x < y;
}

/* Each rank has a key of its own, wherever it lies. */
static void test_zipf(void **state) {
    (void)state;
    const struct cm_stress_options options = {
        .keys = KEYS, .threads = 1, .seed = 4, .distribution = CM_STRESS_ZIPF, .zipf = 1};
    uint32_t counts[KEYS] = {0};
    double shares[KEYS], sum = 0;
    for (size_t i = 0; i < KEYS; i++)
        sum += shares[i] = 1 / ((double)i + 1);
    for (size_t i = 0; i < KEYS; i++)
        shares[i] /= sum;
    count_keys(&options, counts);
    qsort(counts, KEYS, sizeof counts[0], descending);
    assert_true(chi_square(counts, shares, KEYS) < CHI_SQUARE_MAX);
}

static void test_hot(void **state) {
    (void)state;
    const struct cm_stress_options options = {.keys = KEYS,
                                              .threads = 1,
                                              .seed = 4,
                                              .distribution = CM_STRESS_HOT,
                                              .hot_keys = 5,
                                              .hot_share = 80};
    uint32_t counts[KEYS] = {0};
    double shares[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        shares[i] = .2 / KEYS + (i < 5 ? .8 / 5 : 0);
    count_keys(&options, counts);
    assert_true(chi_square(counts, shares, KEYS) < CHI_SQUARE_MAX);
}

/* Threads share the sequence: together every key once a round. */
static void test_sequential(void **state) {
    (void)state;
    const struct cm_stress_options options = {
        .keys = 9, .threads = 3, .seed = 4, .distribution = CM_STRESS_SEQUENTIAL};
    uint32_t counts[9] = {0};
    for (uint32_t thread = 0; thread < 3; thread++) {
        struct cm_stress_plan plan;
        cm_stress_plan_init(&plan, &options, thread);
        for (uint32_t i = 0; i < 6; i++) {
            const uint32_t key = cm_stress_plan_key(&plan);
            assert_int_equal(key, (thread + 3 * i) % 9);
            counts[key]++;
        }
    }
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(counts[i], 2);
}

static void test_ratio(void **state) {
    (void)state;
    struct cm_stress_options options = {.keys = KEYS, .threads = 1, .seed = 4};
    static const double shares[CM_STRESS_KINDS] = {.5, .3, .05, .05, .04, .06};
    struct cm_stress_plan plan;
    uint32_t counts[CM_STRESS_KINDS] = {0};
    assert_true(
        cm_stress_ratio_read("get=50,set=30,add=5,delete=5,touch=4,incr=6", &options.ratios));
    cm_stress_plan_init(&plan, &options, 0);
    for (size_t i = 0; i < DRAWS; i++)
        counts[cm_stress_plan_kind(&plan)]++;
    assert_true(chi_square(counts, shares, CM_STRESS_KINDS) < 34);
    assert_true(cm_stress_ratio_read("incr=1", &options.ratios));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(cm_stress_plan_kind(&plan), CM_STRESS_INCR);
}

static void test_sizes(void **state) {
    (void)state;
    struct cm_stress_options options = {.keys = KEYS, .threads = 1, .seed = 4};
    struct cm_stress_plan plan;
    uint32_t counts[KEYS] = {0}, below = 0, within = 0;
    double shares[KEYS];
    cm_stress_plan_init(&plan, &options, 0);
    assert_true(cm_stress_sizes_read("100-149", &options.sizes));
    for (size_t i = 0; i < KEYS; i++)
        shares[i] = 1. / KEYS;
    for (size_t i = 0; i < DRAWS; i++)
        counts[cm_stress_plan_bytes(&plan) - 100]++;
    assert_true(chi_square(counts, shares, KEYS) < CHI_SQUARE_MAX);
    assert_true(cm_stress_sizes_read("lognormal:1000:1.5", &options.sizes));
    for (size_t i = 0; i < DRAWS; i++) {
        const uint32_t bytes = cm_stress_plan_bytes(&plan);
        assert_true(bytes <= CM_STRESS_LOG_NORMAL_MAX);
        below += bytes < 1000;
        within += fabs(log(bytes / 1000.)) < 1.5;
    }
    assert_true(below > .49 * DRAWS && below < .51 * DRAWS);
    assert_true(within > .672 * DRAWS && within < .694 * DRAWS); /* one sigma: 68.3 % */
    assert_true(cm_stress_sizes_read("7k", &options.sizes));
    assert_int_equal(cm_stress_plan_bytes(&plan), 7168);
}

static void test_threads_differ(void **state) {
    (void)state;
    const struct cm_stress_options options = {.keys = 1000000, .threads = 2, .seed = 4};
    struct cm_stress_plan one, again, other;
    unsigned same = 0;
    cm_stress_plan_init(&one, &options, 0);
    cm_stress_plan_init(&again, &options, 0);
    cm_stress_plan_init(&other, &options, 1);
    for (size_t i = 0; i < 1000; i++) {
        const uint32_t key = cm_stress_plan_key(&one);
        assert_int_equal(key, cm_stress_plan_key(&again));
        same += key == cm_stress_plan_key(&other);
    }
    assert_true(same < 5);
}

static void test_names(void **state) {
    (void)state;
    struct cm_stress_names names;
    char name[CM_STRESS_KEY_BYTES_MAX];
    assert_true(cm_stress_names_init(&names, "p:", 11));
    assert_true(cm_slice_equal(cm_stress_name(&names, 'k', 0, name), CM_SLICE("p:k0000000000")));
    assert_true(
        cm_slice_equal(cm_stress_name(&names, 'c', 4294967295, name), CM_SLICE("p:c4294967295")));
    assert_true(cm_stress_names_init(&names, "", 250));
    assert_false(cm_stress_names_init(&names, "x", 250));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_hot),
        cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_threads_differ),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

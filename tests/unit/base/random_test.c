/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CELLS = 50, DRAWS = 200000 };
/* Of chi square with CELLS - 1 degrees of freedom: exceeded once in a million times by chance, and
 * since the seed is fixed, never or always. */
#define CHI_SQUARE_MAX 106.

static double chi_square(const uint32_t *counts, const double *shares) {
    double sum = 0;
    for (size_t i = 0; i < CELLS; i++) {
        const double expected = shares[i] * DRAWS;
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    return sum;
}

static void test_uniform(void **state) {
    (void)state;
    struct cm_random random;
    uint32_t below[CELLS] = {0}, unit[CELLS] = {0};
    double shares[CELLS];
    cm_random_init(&random, 1);
    for (size_t i = 0; i < CELLS; i++)
        shares[i] = 1. / CELLS;
    for (size_t i = 0; i < DRAWS; i++) {
        below[cm_random_below(&random, CELLS)]++;
        unit[(size_t)(cm_random_unit(&random) * CELLS)]++;
    }
    assert_true(chi_square(below, shares) < CHI_SQUARE_MAX);
    assert_true(chi_square(unit, shares) < CHI_SQUARE_MAX);
}

static void test_zipf(void **state) {
    (void)state;
    static const double exponents[] = {.5, .99, 1, 1.3, 2.5};
    for (size_t e = 0; e < sizeof exponents / sizeof exponents[0]; e++) {
        struct cm_random random;
        struct cm_zipf zipf;
        uint32_t counts[CELLS] = {0};
        double shares[CELLS], sum = 0;
        for (size_t i = 0; i < CELLS; i++)
            sum += shares[i] = pow((double)i + 1, -exponents[e]);
        for (size_t i = 0; i < CELLS; i++)
            shares[i] /= sum;
        cm_random_init(&random, 2);
        cm_zipf_init(&zipf, exponents[e], CELLS);
        for (size_t i = 0; i < DRAWS; i++)
            counts[cm_zipf_next(&zipf, &random)]++;
        assert_true(chi_square(counts, shares) < CHI_SQUARE_MAX);
    }
}

static void test_repeats(void **state) {
    (void)state;
    struct cm_random one, same, other;
    cm_random_init(&one, 5);
    cm_random_init(&same, 5);
    cm_random_init(&other, 6);
    for (size_t i = 0; i < 100; i++) {
        const uint64_t number = cm_random_next(&one);
        assert_true(number == cm_random_next(&same));
        assert_true(number != cm_random_next(&other));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/options.h"

#include "cli/exit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool read_line(const char *line, struct cm_stress_options *options, int *status) {
    static char text[512];
    static char *words[32];
    size_t count = 0;
    snprintf(text, sizeof text, "stress %s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    return cm_stress_options_read(words, options, status);
}

static void test_defaults(void **state) {
    (void)state;
    struct cm_stress_options options;
    int status = -1;
    assert_true(read_line("", &options, &status));
    assert_int_equal(options.connections, 32);
    assert_int_equal(options.depth, 1);
    assert_int_equal(options.sizes.min, 100);
    assert_int_equal(options.sizes.max, 100);
    assert_int_equal(options.ratios.weights[CM_STRESS_GET], 10);
    assert_int_equal(options.ratios.total, 11);
    assert_int_equal(options.duration_us, 10000000);
}

/* Explicit options win, wherever they stand. */
static void test_scenario_is_overridden(void **state) {
    (void)state;
    struct cm_stress_options options;
    int status = -1;
    assert_true(read_line("--connections=7 --scenario=stampede --keys=9", &options, &status));
    assert_int_equal(options.connections, 7);
    assert_int_equal(options.keys, 9);
    assert_int_equal(options.ttl_us, 1000000);
    assert_int_equal(options.ratios.weights[CM_STRESS_SET], 0);
    assert_true(options.fill);
}

static void test_every_scenario_reads(void **state) {
    (void)state;
    size_t count = 0;
    for (; cm_stress_scenario(count) != NULL; count++) {
        struct cm_stress_options options;
        int status = -1;
        char line[80];
        snprintf(line, sizeof line, "--scenario=%s", cm_stress_scenario(count)->name);
        assert_true(read_line(line, &options, &status));
    }
    assert_int_equal(count, 12);
}

static void test_sizes(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "-",
        "1-",
        "-1",
        "2-1",
        "1-2-3",
        "1x",
        "2g",
        "lognormal",
        "lognormal:",
        "lognormal:1",
        "lognormal:0:1",
        "1 k",
        " 1",
        "+1",
        "lognormal:1:",
        "lognormal:1:11",
        "lognormal:2m:1",
        "1k-x",
        "1:2",
        "99999999999999999999999999999999",
    };
    struct cm_stress_sizes sizes;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(cm_stress_sizes_read(wrong[i], &sizes));
    assert_true(cm_stress_sizes_read("0-1g", &sizes));
    assert_int_equal(sizes.max, 1 << 30);
    assert_true(cm_stress_sizes_read("lognormal:1k:0", &sizes));
    assert_true(sizes.median > 1023 && sizes.median < 1025);
}

static void test_ratio(void **state) {
    (void)state;
    static const char *const wrong[] = {"",      "get",        "get=",   "get=1,",      ",get=1",
                                        "put=1", "get=0",      "get=-1", "get=1000001", "get=x",
                                        "=1",    "get=1;set=1"};
    struct cm_stress_ratio ratio;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(cm_stress_ratio_read(wrong[i], &ratio));
    assert_true(cm_stress_ratio_read("get=1,get=3,set=2", &ratio));
    assert_int_equal(ratio.weights[CM_STRESS_GET], 3);
    assert_int_equal(ratio.total, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_scenario_is_overridden),
        cmocka_unit_test(test_every_scenario_reads),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_size(void **state) {
    (void)state;
    char text[CM_UNITS_BYTES];
    assert_string_equal(cm_units_size(text, 0), "0 B");
    assert_string_equal(cm_units_size(text, 1023), "1023 B");
    assert_string_equal(cm_units_size(text, 1024), "1.00 KiB");
    assert_string_equal(cm_units_size(text, 1536 * 1024), "1.50 MiB");
    assert_string_equal(cm_units_size(text, 10234), "9.99 KiB");
    assert_string_equal(cm_units_size(text, 10235), "10.0 KiB");
    assert_string_equal(cm_units_size(text, 64u << 20), "64.0 MiB");
    assert_string_equal(cm_units_size(text, (1u << 20) - 1), "1.00 MiB");
    assert_string_equal(cm_units_size(text, 1023u << 10), "1023 KiB");
    assert_string_equal(cm_units_size(text, UINT64_MAX), "16384 PiB");
}

static void test_count(void **state) {
    (void)state;
    char text[CM_UNITS_BYTES];
    assert_string_equal(cm_units_count(text, 0), "0");
    assert_string_equal(cm_units_count(text, 999), "999");
    assert_string_equal(cm_units_count(text, 1000), "1.00k");
    assert_string_equal(cm_units_count(text, 12345), "12.3k");
    assert_string_equal(cm_units_count(text, 999949), "1.00M");
    assert_string_equal(cm_units_count(text, 4560000), "4.56M");
    assert_string_equal(cm_units_count(text, -1), "0");
}

static void test_duration(void **state) {
    (void)state;
    char text[CM_UNITS_BYTES];
    assert_string_equal(cm_units_duration(text, 850), "850 ns");
    assert_string_equal(cm_units_duration(text, 1200000), "1.20 ms");
    assert_string_equal(cm_units_duration(text, 999999), "1.00 ms");
    assert_string_equal(cm_units_duration(text, 2500000000), "2.50 s");
    assert_string_equal(cm_units_duration(text, 119000000000), "119 s");
    assert_string_equal(cm_units_duration(text, 120000000000), "2 min");
    assert_string_equal(cm_units_age(text, 0), "0 s");
    assert_string_equal(cm_units_age(text, 302), "5 min 2 s");
    assert_string_equal(cm_units_age(text, 3600), "1 h");
    assert_string_equal(cm_units_age(text, 3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
    assert_string_equal(cm_units_age(text, UINT64_MAX), "213503982334601 d 7 h");
}

static void test_percent(void **state) {
    (void)state;
    char text[CM_UNITS_BYTES];
    assert_string_equal(cm_units_percent(text, 973, 1000), "97.3 %");
    assert_string_equal(cm_units_percent(text, 1, 1), "100.0 %");
    assert_string_equal(cm_units_percent(text, 0, 0), "-");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

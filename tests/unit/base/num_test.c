/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cm_slice text(const char *s) {
    return cm_slice(s, strlen(s));
}

static void test_u64_accepts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t number;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"00000000000000000000000000042", 42},
        {"9999999999999999999", 9999999999999999999U},
        {"18446744073709551615", UINT64_MAX},
        {"00018446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t number = 1;
        assert_true(cm_num_u64(text(rows[i].text), &number));
        assert_true(number == rows[i].number);
    }
}

static const char *const never_numbers[] = {
    "",
    " ",
    "-",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "0x10",
    "1e3",
    "1.0",
    "--1",
    "1-",
    "a",
    "1a",
    "\xff",
    "/",
    ":",
    "18446744073709551616",
    "99999999999999999999",
    "100000000000000000000000000000000000000",
};

static void test_refuses_what_is_no_number(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof never_numbers / sizeof never_numbers[0]; i++) {
        uint32_t small = 11;
        uint64_t large = 12;
        int64_t negative = 13;
        assert_false(cm_num_u32(text(never_numbers[i]), &small));
        assert_false(cm_num_u64(text(never_numbers[i]), &large));
        assert_false(cm_num_i64(text(never_numbers[i]), &negative));
        assert_int_equal(small, 11);
        assert_int_equal(large, 12);
        assert_int_equal(negative, 13);
    }
}

static void test_refuses_nul_inside(void **state) {
    (void)state;
    uint64_t number;
    assert_false(cm_num_u64(CM_SLICE("1\0"), &number));
    assert_false(cm_num_u64(CM_SLICE("1\0002"), &number));
    assert_false(cm_num_u64(cm_slice(NULL, 0), &number));
}

static void test_unsigned_refuses_a_sign(void **state) {
    (void)state;
    uint32_t small;
    uint64_t large;
    assert_false(cm_num_u32(text("-1"), &small));
    assert_false(cm_num_u64(text("-1"), &large));
    assert_false(cm_num_u64(text("-0"), &large));
}

static void test_told(void **state) {
    (void)state;
    assert_float_equal(cm_num_told(text("12.5")), 12.5, 0);
    assert_float_equal(cm_num_told(text("7 apples")), 7, 0);
    assert_float_equal(cm_num_told(cm_slice("123", 2)), 12, 0);
    assert_float_equal(cm_num_told(text("1e18")), 1e18, 0);
    assert_float_equal(cm_num_told(text("1.1e18")), 0, 0);
    assert_float_equal(cm_num_told(text("-1")), 0, 0);
    assert_float_equal(cm_num_told(text("nan")), 0, 0);
    assert_float_equal(cm_num_told(text("inf")), 0, 0);
    assert_float_equal(cm_num_told(text("none")), 0, 0);
    assert_float_equal(cm_num_told(text("0.5000000000000000000000000000000009")), 0.5, 0);
    assert_float_equal(cm_num_told(cm_slice(NULL, 0)), 0, 0);
}

static void test_u32_range(void **state) {
    (void)state;
    uint32_t number = 0;
    assert_true(cm_num_u32(text("4294967295"), &number));
    assert_true(number == UINT32_MAX);
    assert_false(cm_num_u32(text("4294967296"), &number));
    assert_false(cm_num_u32(text("18446744073709551615"), &number));
    assert_true(number == UINT32_MAX);
}

static void test_i64_range(void **state) {
    (void)state;
    int64_t number = 0;
    assert_true(cm_num_i64(text("9223372036854775807"), &number));
    assert_true(number == INT64_MAX);
    assert_true(cm_num_i64(text("-9223372036854775808"), &number));
    assert_true(number == INT64_MIN);
    assert_true(cm_num_i64(text("-0"), &number));
    assert_true(number == 0);
    assert_false(cm_num_i64(text("9223372036854775808"), &number));
    assert_false(cm_num_i64(text("-9223372036854775809"), &number));
}

static void check_format(uint64_t number) {
    char expected[32];
    char got[32];
    memset(got, '#', sizeof got);
    int len = snprintf(expected, sizeof expected, "%" PRIu64, number);
    assert_int_equal(cm_num_format_u64(got, number), len);
    assert_memory_equal(got, expected, (size_t)len);
    assert_int_equal(got[len], '#');
}

static void test_format_u64(void **state) {
    (void)state;
    check_format(0);
    check_format(UINT64_MAX);
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        check_format(power);
        check_format(power - 1);
        check_format(power + 1);
        check_format(power * 10);
        check_format(power * 7);
    }
}

static void test_format_i64(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, 10, -10, 12345, -99999, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char expected[32];
        char got[CM_NUM_I64_CHARS];
        int len = snprintf(expected, sizeof expected, "%" PRId64, numbers[i]);
        assert_int_equal(cm_num_format_i64(got, numbers[i]), len);
        assert_memory_equal(got, expected, (size_t)len);
    }
}

static void test_format_and_parse_agree(void **state) {
    (void)state;
    uint64_t number = 88172645463325252U;
    for (int i = 0; i < 10000; i++) {
        number ^= number << 13; /* xorshift64 */
        number ^= number >> 7;
        number ^= number << 17;
        uint64_t any_length = number >> (i % 64);
        char digits[CM_NUM_U64_CHARS];
        uint64_t back = 0;
        assert_true(cm_num_u64(cm_slice(digits, cm_num_format_u64(digits, any_length)), &back));
        assert_true(back == any_length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64_accepts),
        cmocka_unit_test(test_refuses_what_is_no_number),
        cmocka_unit_test(test_refuses_nul_inside),
        cmocka_unit_test(test_unsigned_refuses_a_sign),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_u32_range),
        cmocka_unit_test(test_i64_range),
        cmocka_unit_test(test_format_u64),
        cmocka_unit_test(test_format_i64),
        cmocka_unit_test(test_format_and_parse_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

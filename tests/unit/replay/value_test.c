/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_values_stay_while_the_block_grows(void **state) {
    (void)state;
    struct cm_values values = {0};
    static const uint64_t hashes[] = {0, 1, 1048575, 1048576, UINT64_MAX};
    char before[5][100];
    assert_int_equal(cm_values_reserve(&values, 100), CM_OK);
    for (size_t i = 0; i < 5; i++)
        memcpy(before[i], cm_value(&values, hashes[i], 100).data, 100);
    assert_memory_not_equal(before[0], before[1], 100);
    assert_memory_not_equal(before[0], before[2], 100);
    assert_memory_equal(before[0], before[3], 100); /* there are only so many places */
    assert_int_equal(cm_values_reserve(&values, 5000001), CM_OK);
    assert_int_equal(cm_values_reserve(&values, 10), CM_OK);
    for (size_t i = 0; i < 5; i++) {
        struct cm_slice value = cm_value(&values, hashes[i], 5000001);
        assert_int_equal(value.len, 5000001);
        assert_memory_equal(before[i], value.data, 100);
        assert_true(cm_value_is(&values, hashes[i], value));
        assert_true(cm_value_is(&values, hashes[i], cm_slice(before[i], 100)));
        assert_true(cm_value_is(&values, hashes[i], cm_slice(NULL, 0)));
        before[i][99] ^= 1;
        assert_false(cm_value_is(&values, hashes[i], cm_slice(before[i], 100)));
    }
    char *long_one = calloc(1, (size_t)32 << 20);
    assert_non_null(long_one);
    assert_false(cm_value_is(&values, 0, cm_slice(long_one, (size_t)32 << 20)));
    free(long_one);
    cm_values_deinit(&values);
    cm_values_deinit(&values);
}

static void test_sizes_follow_from_keys(void **state) {
    (void)state;
    const struct cm_values one = {.least = 7, .most = 7}, range = {.least = 10, .most = 13};
    const struct cm_values all = {.least = 0, .most = UINT32_MAX};
    unsigned seen[4] = {0};
    for (uint64_t hash = 0; hash < 1000; hash++) {
        assert_int_equal(cm_value_bytes(&one, hash), 7);
        uint32_t bytes = cm_value_bytes(&range, hash);
        assert_in_range(bytes, 10, 13);
        assert_int_equal(cm_value_bytes(&range, hash), bytes);
        seen[bytes - 10]++;
    }
    for (size_t i = 0; i < 4; i++)
        assert_in_range(seen[i], 150, 350);
    assert_int_not_equal(cm_value_bytes(&all, 1), cm_value_bytes(&all, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stay_while_the_block_grows),
        cmocka_unit_test(test_sizes_follow_from_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

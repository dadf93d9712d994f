/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define STEP ((size_t)64 << 10)

static void test_grows_in_place(void **state) {
    (void)state;
    struct cm_region region;
    assert_int_equal(cm_region_init(&region, 10 * STEP, STEP, false), CM_OK);
    assert_int_equal(region.committed_bytes, 0);
    assert_int_equal(cm_region_after(&region, 1), STEP);
    assert_int_equal(cm_region_ensure(&region, 1), CM_OK);
    assert_int_equal(region.committed_bytes, STEP);
    unsigned char *base = region.base;
    base[STEP - 1] = 7;
    assert_int_equal(cm_region_ensure(&region, STEP + 1), CM_OK);
    assert_ptr_equal(region.base, base);
    assert_int_equal(base[STEP - 1], 7);
    assert_int_equal(base[STEP], 0);
    assert_int_equal(base[2 * STEP - 1], 0);
    assert_int_equal(cm_region_after(&region, 1), 2 * STEP);
    cm_region_deinit(&region);
    assert_null(region.base);
}

static void test_never_past_the_reservation(void **state) {
    (void)state;
    struct cm_region region;
    assert_int_equal(cm_region_init(&region, 2 * STEP, STEP, false), CM_OK);
    assert_int_equal(cm_region_ensure(&region, 2 * STEP), CM_OK);
    assert_int_equal(cm_region_ensure(&region, 2 * STEP + 1), CM_NO_MEMORY);
    assert_int_equal(region.committed_bytes, 2 * STEP);
    cm_region_deinit(&region);
}

static void test_trimmed_memory_reads_as_zero(void **state) {
    (void)state;
    struct cm_region region;
    assert_int_equal(cm_region_init(&region, 4 * STEP, STEP, false), CM_OK);
    assert_int_equal(cm_region_ensure(&region, 4 * STEP), CM_OK);
    memset(region.base, 1, 4 * STEP);
    cm_region_trim(&region, STEP + 1);
    assert_int_equal(region.committed_bytes, 2 * STEP);
    assert_int_equal(region.base[2 * STEP - 1], 1);
    assert_int_equal(cm_region_ensure(&region, 4 * STEP), CM_OK);
    for (size_t i = 2 * STEP; i < 4 * STEP; i++)
        assert_int_equal(region.base[i], 0);
    cm_region_trim(&region, 8 * STEP); /* nothing to give back */
    assert_int_equal(region.committed_bytes, 4 * STEP);
    cm_region_deinit(&region);
}

static void test_what_no_machine_has(void **state) {
    (void)state;
    struct cm_region region;
    assert_int_equal(cm_region_init(&region, UINT64_C(1) << 62, STEP, false), CM_NO_MEMORY);
    cm_region_deinit(&region); /* of what failed */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_in_place),
        cmocka_unit_test(test_never_past_the_reservation),
        cmocka_unit_test(test_trimmed_memory_reads_as_zero),
        cmocka_unit_test(test_what_no_machine_has),
    };
    return cmocka_run_group_tests_name("store/region", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LENGTH 1000u /* of the log, in segments */

static struct cm_policy *policy;

static int set_up(void **state) {
    (void)state;
    return cm_policy_create(&cm_policy_lru, 1000, &policy) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_policy_destroy(policy);
    return 0;
}

static void empty_segments(unsigned count) {
    struct cm_log_view view = {.small = LENGTH, .item_bytes = 1};
    for (unsigned i = 0; i < count; i++)
        (void)policy->kind->adjust(policy, &view, 1000);
}

static bool keeps(uint8_t bits) {
    struct cm_candidate candidate = {.bits = bits};
    return policy->kind->judge(policy, &candidate).keep;
}

static void test_a_hit_stamps(void **state) {
    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t now = atomic_load(&policy->first_bits);
        for (unsigned bits = 0; bits < 256; bits++)
            assert_int_equal(atomic_load(&policy->on_hit[bits]), now);
        assert_true(keeps(now));
        empty_segments(LENGTH / 100);
        assert_int_equal(atomic_load(&policy->first_bits), (uint8_t)(now + 1));
    }
}

/* Used within the younger nine tenths of a turnover: kept. */
static void test_most_of_a_turnover_is_kept(void **state) {
    (void)state;
    uint8_t then = atomic_load(&policy->first_bits);
    empty_segments(LENGTH / 10 * 9 - LENGTH / 50);
    assert_true(keeps(then));
    empty_segments(LENGTH / 25);
    assert_false(keeps(then));
    empty_segments(LENGTH / 2);
    assert_false(keeps(then));
}

static void test_an_empty_log(void **state) {
    (void)state;
    struct cm_log_view view = {.item_bytes = 1};
    assert_int_equal(policy->kind->adjust(policy, &view, 0), 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_a_hit_stamps),
        EACH(test_most_of_a_turnover_is_kept),
        EACH(test_an_empty_log),
    };
    return cmocka_run_group_tests_name("store/policy/lru", tests, NULL, NULL);
}

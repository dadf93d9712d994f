/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_fifo_keeps_nothing(void **state) {
    (void)state;
    struct cm_policy *policy;
    assert_int_equal(cm_policy_create(&cm_policy_fifo, 1000, &policy), CM_OK);
    for (unsigned bits = 0; bits < 256; bits++) {
        struct cm_candidate candidate = {.hash = bits, .bytes = 100, .bits = (uint8_t)bits};
        assert_false(policy->kind->judge(policy, &candidate).keep);
        assert_int_equal(atomic_load(&policy->on_hit[bits]), bits); /* a hit writes nothing */
    }
    assert_int_equal(policy->kind->admit(policy, 1), CM_LOG_ONLY);
    cm_policy_destroy(policy);
}

static void test_clock_counts_to_three(void **state) {
    (void)state;
    static const uint8_t after_hit[5] = {1, 2, 3, 3, 3};
    struct cm_policy *policy;
    assert_int_equal(cm_policy_create(&cm_policy_clock, 1000, &policy), CM_OK);
    assert_int_equal(atomic_load(&policy->first_bits), 0);
    for (unsigned bits = 0; bits < 5; bits++)
        assert_int_equal(atomic_load(&policy->on_hit[bits]), after_hit[bits]);
    for (unsigned bits = 0; bits < 256; bits++) {
        struct cm_candidate candidate = {.bits = (uint8_t)bits};
        struct cm_verdict verdict = policy->kind->judge(policy, &candidate);
        assert_int_equal(verdict.keep, bits > 0);
        if (verdict.keep)
            assert_int_equal(verdict.bits, (bits < 3 ? bits : 3) - 1);
        assert_int_equal(verdict.log, CM_LOG_ONLY);
    }
    cm_policy_destroy(policy);
}

/* Of two logs, as another policy may have left them, the one with the oldest segment. */
static void test_the_older_log_goes_first(void **state) {
    (void)state;
    struct cm_policy *policy;
    assert_int_equal(cm_policy_create(&cm_policy_fifo, 1000, &policy), CM_OK);
    struct cm_log_view view = {.small = 5, .main = 5, .item_bytes = 1, .small_older = true};
    assert_int_equal(policy->kind->victim_log(policy, &view), CM_LOG_SMALL);
    view.small_older = false;
    assert_int_equal(policy->kind->victim_log(policy, &view), CM_LOG_MAIN);
    cm_policy_destroy(policy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo_keeps_nothing),
        cmocka_unit_test(test_clock_counts_to_three),
        cmocka_unit_test(test_the_older_log_goes_first),
    };
    return cmocka_run_group_tests_name("store/policy/fifo", tests, NULL, NULL);
}

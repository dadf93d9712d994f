/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state) {
    (void)state;
    static const char *const wanted[] = {"fifo", "clock",  "lru",        "lfu",
                                         "duel", "s3fifo", "s3fifo-size"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct cm_policy_kind *kind = cm_policy_find(wanted[i]);
        assert_non_null(kind);
        assert_string_equal(kind->name, wanted[i]);
    }
    assert_null(cm_policy_find("random"));
    assert_null(cm_policy_find(""));
    assert_ptr_equal(cm_policy_find(NULL), cm_policy_nth(0));
    for (size_t i = 0; cm_policy_nth(i); i++) {
        assert_ptr_equal(cm_policy_find(cm_policy_nth(i)->name), cm_policy_nth(i));
        assert_true(strlen(cm_policy_nth(i)->text) <= 90);
    }
}

/* Whatever bits an item has, from whatever policy before, every policy can go on from there. */
static void test_every_policy_reads_any_bits(void **state) {
    (void)state;
    for (size_t i = 0; cm_policy_nth(i); i++) {
        struct cm_policy *policy;
        assert_int_equal(cm_policy_create(cm_policy_nth(i), 100000, &policy), CM_OK);
        struct cm_log_view view = {.small = 100, .main = 100, .item_bytes = 100};
        (void)policy->kind->adjust(policy, &view, 10000);
        for (unsigned at = 0; at < 512; at++) {
            struct cm_candidate candidate = {
                .hash = at, .bytes = 100, .bits = (uint8_t)at, .log = at >= 256};
            struct cm_verdict verdict = policy->kind->judge(policy, &candidate);
            assert_true(!verdict.keep || verdict.log < CM_LOGS);
            assert_true(policy->kind->admit(policy, at) < CM_LOGS);
        }
        assert_true(policy->kind->victim_log(policy, &view) < CM_LOGS);
        cm_policy_destroy(policy);
    }
    cm_policy_destroy(NULL);
}

/* Kept again and again without a hit, an item goes in the end: room can always be made. */
static void test_nobody_is_kept_for_ever(void **state) {
    (void)state;
    for (size_t i = 0; cm_policy_nth(i); i++) {
        struct cm_policy *policy;
        assert_int_equal(cm_policy_create(cm_policy_nth(i), 100000, &policy), CM_OK);
        struct cm_log_view view = {.small = 100, .main = 100, .item_bytes = 100};
        struct cm_verdict verdict = {.keep = true, .bits = 255};
        unsigned rounds = 0;
        while (verdict.keep && rounds++ < 20000) {
            (void)policy->kind->adjust(policy, &view, 10000);
            struct cm_candidate candidate = {
                .hash = 1, .bytes = 100, .bits = verdict.bits, .log = verdict.log};
            verdict = policy->kind->judge(policy, &candidate);
        }
        assert_true(rounds < 20000);
        cm_policy_destroy(policy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_policy_reads_any_bits),
        cmocka_unit_test(test_nobody_is_kept_for_ever),
    };
    return cmocka_run_group_tests_name("store/policy/policy", tests, NULL, NULL);
}

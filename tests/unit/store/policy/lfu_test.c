/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cm_policy *policy;

static int set_up(void **state) {
    (void)state;
    return cm_policy_create(&cm_policy_lfu, 1000, &policy) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_policy_destroy(policy);
    return 0;
}

static struct cm_verdict judge(unsigned bits) {
    struct cm_candidate candidate = {.bits = (uint8_t)bits};
    return policy->kind->judge(policy, &candidate);
}

static void test_hits_count_up_to_a_top(void **state) {
    (void)state;
    unsigned bits = atomic_load(&policy->first_bits), most = 0;
    for (unsigned i = 0; i < 300; i++) {
        unsigned after = atomic_load(&policy->on_hit[bits]);
        assert_true(after == bits + 1 || after == bits);
        bits = most = after;
    }
    assert_int_equal(most, 7);
    assert_int_equal(atomic_load(&policy->on_hit[255]), most); /* as another policy left it */
}

/* A turnover halves: what was used long ago is forgotten in the end. */
static void test_ageing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3000; i++)
        (void)judge(0); /* the rest is used less */
    unsigned bits = 7, rounds = 0;
    while (bits > 0) {
        struct cm_verdict verdict = judge(bits);
        assert_true(verdict.keep);
        assert_int_equal(verdict.bits, bits / 2);
        bits = verdict.bits;
        rounds++;
    }
    assert_int_equal(rounds, 3);
}

/* About three fifths go, the less used ones, whatever the counts are. */
static void test_three_fifths_go(void **state) {
    (void)state;
    static const unsigned ranges[] = {1, 3, 5, 8};
    for (unsigned r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        unsigned dropped = 0, highest = 0, seed = 1;
        for (unsigned i = 0; i < 40000; i++) {
            seed = seed * 1664525u + 1013904223u;
            unsigned bits = (seed >> 16) % ranges[r];
            bool keep = judge(bits).keep;
            if (i < 10000)
                continue;
            dropped += !keep;
            if (!keep && bits > highest)
                highest = bits;
        }
        assert_in_range(dropped, 30000 * 57 / 100, 30000 * 63 / 100);
        assert_true(highest <= ranges[r] * 3 / 5);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_hits_count_up_to_a_top),
        EACH(test_ageing),
        EACH(test_three_fifths_go),
    };
    return cmocka_run_group_tests_name("store/policy/lfu", tests, NULL, NULL);
}

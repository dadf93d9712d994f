/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEGMENTS     1000u
#define ITEMS        4000u
#define ITEM_BYTES   10000u
#define REPORT_EVERY 1000u /* requests between two looks at the queue */

static struct cm_policy *policy;
static struct cm_log_view view;

static uint64_t hash_of(uint64_t n) {
    n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return n ^ n >> 29;
}

static uint64_t adjust(void) {
    return policy->kind->adjust(policy, &view, ITEMS);
}

static int set_up(void **state) {
    (void)state;
    view = (struct cm_log_view){.small = 100, .main = SEGMENTS - 100, .item_bytes = ITEM_BYTES};
    if (cm_policy_create(&cm_policy_duel, ITEMS * 10, &policy) != CM_OK)
        return 1;
    (void)adjust();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    cm_policy_destroy(policy);
    return 0;
}

static void evict_one(void) {
    struct cm_candidate candidate = {.hash = 1, .bytes = ITEM_BYTES, .log = CM_LOG_MAIN};
    assert_false(policy->kind->judge(policy, &candidate).keep);
}

/* Whatever the cache makes of it, the policy hears of a request. */
static void request(uint64_t n) {
    static unsigned requests;
    if (cm_policy_samples(policy, hash_of(n)))
        policy->kind->observe(policy, hash_of(n));
    if (++requests % REPORT_EVERY == 0)
        (void)adjust();
}

/* Does one hit in the small log earn a place in main? It does to begin with. */
static bool one_hit_is_enough(void) {
    uint8_t bits = atomic_load(&policy->on_hit[atomic_load(&policy->first_bits)]);
    struct cm_candidate candidate = {
        .hash = 1, .bytes = ITEM_BYTES, .bits = bits, .log = CM_LOG_SMALL};
    return policy->kind->judge(policy, &candidate).keep;
}

/* What is asked for twice and never again, among what always comes back: one hit says nothing. */
static void request_doubles(void) {
    for (uint64_t n = 0; n < 60 * ITEMS; n++) {
        request(n % (ITEMS * 6 / 10));
        request(10 * ITEMS + n);
        request(10 * ITEMS + n);
    }
}

/* Every key twice, with so many others between that only one hit can be seen in time. */
static void request_pairs(void) {
    for (uint64_t n = ITEMS / 5; n < 60 * ITEMS; n++) {
        request(n);
        request(n - ITEMS / 5);
    }
}

static void test_nothing_is_sampled_before_it_evicts(void **state) {
    (void)state;
    for (uint64_t n = 0; n < 1000; n++)
        assert_false(cm_policy_samples(policy, hash_of(n)));
    uint64_t before = adjust();
    evict_one();
    uint64_t after = adjust();
    assert_in_range(after - before, 1, ITEMS * ITEM_BYTES / 100);
    unsigned sampled = 0;
    for (uint64_t n = 0; n < 100000; n++)
        sampled += cm_policy_samples(policy, hash_of(n));
    assert_in_range(sampled, 100000 / 8 - 800, 100000 / 8 + 800); /* 512 of 4000 */
}

static void test_what_misses_least_is_chosen(void **state) {
    (void)state;
    evict_one();
    (void)adjust();
    assert_true(one_hit_is_enough());
    request_doubles();
    assert_false(one_hit_is_enough());
    request_pairs();
    assert_true(one_hit_is_enough());
}

/* Of what is not in the sample the policy hears nothing, and what comes too fast is left out. */
static void test_queue_is_bounded(void **state) {
    (void)state;
    evict_one();
    (void)adjust();
    for (uint64_t n = 0; n < 50 * ITEMS; n++)
        policy->kind->observe(policy, hash_of(n));
    (void)adjust();
    request_doubles();
    assert_false(one_hit_is_enough());
}

/* The shadows follow the size of the cache, and with little memory there are none. */
static void test_memory(void **state) {
    (void)state;
    evict_one();
    static const uint64_t sizes[] = {1000000, 100, 3, 0, 50000, 700};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t without;
        view.item_bytes = 1;
        (void)policy->kind->adjust(policy, &view, 1);
        without = policy->kind->adjust(policy, &view, sizes[i]);
        view.item_bytes = ITEM_BYTES;
        (void)policy->kind->adjust(policy, &view, 1);
        uint64_t with = policy->kind->adjust(policy, &view, sizes[i]);
        assert_true(with >= without);
        assert_true(with - without <= sizes[i] * ITEM_BYTES / 100);
        for (uint64_t n = 0; n < 5000; n++)
            request(n);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_nothing_is_sampled_before_it_evicts),
        EACH(test_what_misses_least_is_chosen),
        EACH(test_queue_is_bounded),
        EACH(test_memory),
    };
    return cmocka_run_group_tests_name("store/policy/duel", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEGMENTS 1000u
#define ITEMS    100000u
#define HASHES   UINT64_C(0x9e3779b97f4a7c15) /* times a number: a hash */

static struct cm_policy *policy;
static struct cm_log_view view;

static int start(const struct cm_policy_kind *kind) {
    view = (struct cm_log_view){.small = 100, .main = SEGMENTS - 100, .item_bytes = 100};
    if (cm_policy_create(kind, ITEMS * 10, &policy) != CM_OK)
        return 1;
    (void)policy->kind->adjust(policy, &view, ITEMS);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    return start(&cm_policy_s3fifo);
}

static int set_up_sized(void **state) {
    (void)state;
    return start(&cm_policy_s3fifo_size);
}

static int tear_down(void **state) {
    (void)state;
    cm_policy_destroy(policy);
    return 0;
}

static struct cm_verdict judge(uint64_t hash, uint32_t bytes, uint8_t bits, uint8_t log) {
    struct cm_candidate candidate = {.hash = hash, .bytes = bytes, .bits = bits, .log = log};
    return policy->kind->judge(policy, &candidate);
}

static uint8_t hits(unsigned count) {
    uint8_t bits = atomic_load(&policy->first_bits);
    for (; count > 0; count--)
        bits = atomic_load(&policy->on_hit[bits]);
    return bits;
}

static void test_small_log(void **state) {
    (void)state;
    assert_int_equal(policy->kind->admit(policy, HASHES), CM_LOG_SMALL);
    assert_false(judge(HASHES, 100, hits(0), CM_LOG_SMALL).keep);
    for (unsigned n = 1; n < 20; n++) {
        struct cm_verdict verdict = judge(n * HASHES, 100, hits(n), CM_LOG_SMALL);
        assert_true(verdict.keep);
        assert_int_equal(verdict.log, CM_LOG_MAIN);
        assert_int_equal(verdict.bits, 0); /* promotion takes all */
    }
}

/* One round a hit, up to a few. */
static void test_main_log(void **state) {
    (void)state;
    for (unsigned n = 0; n < 5; n++) {
        uint8_t bits = hits(n);
        for (unsigned round = 0; round < n; round++) {
            struct cm_verdict verdict = judge(HASHES, 100, bits, CM_LOG_MAIN);
            assert_true(verdict.keep);
            assert_int_equal(verdict.log, CM_LOG_MAIN);
            bits = verdict.bits;
        }
        assert_false(judge(HASHES, 100, bits, CM_LOG_MAIN).keep);
    }
    assert_int_equal(hits(100), hits(101));
    assert_true(hits(100) < 255);
}

static void test_ghost_leads_to_main(void **state) {
    (void)state;
    assert_false(judge(7 * HASHES, 100, hits(0), CM_LOG_SMALL).keep);
    assert_int_equal(policy->kind->admit(policy, 7 * HASHES), CM_LOG_MAIN);
    assert_int_equal(atomic_load(&policy->ghost_hits), 1);
    assert_int_equal(policy->kind->admit(policy, 7 * HASHES), CM_LOG_SMALL); /* once */
}

static void test_room_is_made_where_too_much_is(void **state) {
    (void)state;
    assert_int_equal(policy->kind->victim_log(policy, &view), CM_LOG_MAIN);
    view.small = 500;
    view.main = 500;
    assert_int_equal(policy->kind->victim_log(policy, &view), CM_LOG_SMALL);
    view.small = 10;
    view.main = 0;
    assert_int_equal(policy->kind->victim_log(policy, &view), CM_LOG_SMALL);
}

static void test_adoption(void **state) {
    (void)state;
    assert_false(policy->kind->adopts(policy, &view));
    view.small = SEGMENTS;
    view.main = 0;
    unsigned adopted = 0;
    for (; policy->kind->adopts(policy, &view); adopted++) {
        view.small--;
        view.main++;
    }
    assert_in_range(adopted, SEGMENTS * 85 / 100, SEGMENTS * 92 / 100);
}

/* Segments the small log keeps of a full cache. */
static unsigned share_now(void) {
    (void)policy->kind->adjust(policy, &view, ITEMS);
    view.small = SEGMENTS;
    view.main = 0;
    while (policy->kind->adopts(policy, &view)) {
        view.small--;
        view.main++;
    }
    return view.small;
}

/* Keys come back that one of the logs evicted: its share grows, within bounds. */
static unsigned share_after(uint8_t log) {
    uint64_t n = 1;
    for (unsigned round = 0; round < 500; round++) {
        for (unsigned i = 0; i < 2000; i++, n++) {
            (void)judge(n * HASHES, 100, hits(0), log);
            (void)policy->kind->admit(policy, n * HASHES);
        }
        (void)policy->kind->adjust(policy, &view, ITEMS);
    }
    return share_now();
}

/* The keeper asks from the start, and a flush may come: the share is that of the cache when full. */
static void look_while_empty(void) {
    static const struct cm_log_view empty = {.item_bytes = 1};
    static const struct cm_log_view begun = {.small = 2, .item_bytes = 100};
    (void)policy->kind->adjust(policy, &empty, 0);
    (void)policy->kind->adjust(policy, &begun, ITEMS / 500);
}

static void test_share_of_an_empty_cache(void **state) {
    (void)state;
    tear_down(NULL);
    assert_int_equal(cm_policy_create(&cm_policy_s3fifo, ITEMS * 10, &policy), CM_OK);
    look_while_empty();
    assert_in_range(share_now(), 95, 110);
    unsigned grown = share_after(CM_LOG_SMALL);
    look_while_empty();
    assert_int_equal(share_now(), grown);
}

static void test_share_grows(void **state) {
    (void)state;
    assert_in_range(share_after(CM_LOG_SMALL), 500, 950);
}

static void test_share_shrinks(void **state) {
    (void)state;
    assert_in_range(share_after(CM_LOG_MAIN), 1, 50);
}

/* An item four times the mean needs four hits for a round, one of a quarter a quarter. */
static void test_rent(void **state) {
    (void)state;
    assert_true(judge(HASHES, 100, hits(1), CM_LOG_MAIN).keep);
    assert_false(judge(HASHES, 400, hits(3), CM_LOG_MAIN).keep);
    assert_true(judge(HASHES, 400, hits(4), CM_LOG_MAIN).keep);
    uint8_t bits = hits(1);
    unsigned rounds = 0;
    while (judge(HASHES, 25, bits, CM_LOG_MAIN).keep && rounds < 10) {
        bits = judge(HASHES, 25, bits, CM_LOG_MAIN).bits;
        rounds++;
    }
    assert_int_equal(rounds, 4);
    assert_false(judge(HASHES, UINT32_MAX, hits(100), CM_LOG_MAIN).keep);
    assert_false(judge(HASHES, 1, 0, CM_LOG_SMALL).keep); /* never read: out, however small */
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_small_log),
        EACH(test_main_log),
        EACH(test_ghost_leads_to_main),
        EACH(test_room_is_made_where_too_much_is),
        EACH(test_adoption),
        EACH(test_share_grows),
        EACH(test_share_shrinks),
        EACH(test_share_of_an_empty_cache),
        cmocka_unit_test_setup_teardown(test_rent, set_up_sized, tear_down),
    };
    return cmocka_run_group_tests_name("store/policy/s3fifo", tests, NULL, NULL);
}

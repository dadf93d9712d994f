/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "rig.h"

#define DEADLINE_NS (UINT64_C(60) * 1000000000)

static void open_and_fill(struct rig *rig, unsigned items, uint32_t expires) {
    struct cmstore_options options = {.memory_bytes = UINT64_C(16) << 20, .clock_s = RIG_START_S};
    struct cmstore_store_options set = {.expires = expires};
    char key[16];
    rig_open_with(rig, &options);
    for (unsigned i = 0; i < items; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_store(rig, key, 100, &set), CM_OK);
    }
}

/* To the second: at the second itself it is gone. */
static void test_expiry(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    for (uint32_t s = 0; s < 5; s++) {
        char key[8];
        struct cmstore_store_options set = {.expires = RIG_START_S + s};
        snprintf(key, sizeof key, "%u", s);
        assert_int_equal(rig_store(&rig, key, s < 3 ? 10 : 300000, &set), CM_OK);
    }
    for (uint32_t now = 0; now < 6; now++) {
        cmstore_set_clock(rig.store, RIG_START_S + now);
        for (uint32_t s = 0; s < 5; s++) {
            char key[8];
            snprintf(key, sizeof key, "%u", s);
            assert_int_equal(rig_has(&rig, key), s > now);
        }
    }
    assert_int_equal(rig_counters(&rig).items, 0);
    assert_int_equal(rig_counters(&rig).expired, 5);
    assert_int_equal(rig_counters(&rig).expired_unfetched, 1);
    rig_close(&rig);
}

static void test_the_answer_says_that_it_expired(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_store_options set = {.expires = RIG_START_S + 1};
    rig_open(&rig, UINT64_C(4) << 20, 0);
    assert_int_equal(rig_store(&rig, "a", 10, &set), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 1);
    assert_true(rig_get(&rig, "a").expired);
    assert_false(rig_get(&rig, "a").expired); /* it is forgotten now */
    assert_int_equal(rig_store(&rig, "a", 10, NULL), CM_OK);
    cmstore_flush(rig.thread, RIG_START_S + 2);
    cmstore_set_clock(rig.store, RIG_START_S + 2);
    assert_true(rig_get(&rig, "a").flushed);
    rig_close(&rig);
}

/* Nobody asks for them, and they go all the same. */
static void test_sweep_finds_the_expired(void **state) {
    (void)state;
    struct rig rig;
    open_and_fill(&rig, 20000, RIG_START_S + 5);
    struct cmstore_store_options never = {.expires = 0};
    assert_int_equal(rig_store(&rig, "stays", 10, &never), CM_OK);
    uint64_t deadline = cm_os_monotonic_ns() + DEADLINE_NS;
    uint32_t now = RIG_START_S + 5;
    while (rig_counters(&rig).items > 1 && cm_os_monotonic_ns() < deadline) {
        cmstore_set_clock(rig.store, now++);
        assert_int_equal(rig_set(&rig, "nudge", 1), CM_OK);
        rig_delete(&rig, "nudge");
        cm_os_thread_yield();
    }
    assert_int_equal(rig_counters(&rig).items, 1);
    assert_true(rig_counters(&rig).expired == 20000);
    assert_true(rig_has(&rig, "stays"));
    rig_close(&rig);
}

static void test_flush_at_once(void **state) {
    (void)state;
    struct rig rig;
    open_and_fill(&rig, 5000, 0);
    for (unsigned round = 0; round < 50; round++) {
        char key[16];
        snprintf(key, sizeof key, "%u", round);
        assert_int_equal(rig_set(&rig, key, 10), CM_OK);
        cmstore_flush(rig.thread, round % 3 ? 0 : RIG_START_S);
        assert_false(rig_has(&rig, key));
        assert_int_equal(rig_set(&rig, key, 10), CM_OK);
        assert_true(rig_has(&rig, key));
    }
    uint64_t deadline = cm_os_monotonic_ns() + DEADLINE_NS;
    while (rig_counters(&rig).items > 1 && cm_os_monotonic_ns() < deadline)
        cm_os_thread_yield();
    assert_int_equal(rig_counters(&rig).items, 1);
    rig_close(&rig);
}

static void test_flush_later(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    assert_int_equal(rig_set(&rig, "before", 10), CM_OK);
    cmstore_flush(rig.thread, RIG_START_S + 5);
    assert_int_equal(rig_set(&rig, "between", 10), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 4);
    assert_true(rig_has(&rig, "before") && rig_has(&rig, "between"));
    cmstore_set_clock(rig.store, RIG_START_S + 5);
    assert_false(rig_has(&rig, "before") || rig_has(&rig, "between"));
    assert_int_equal(rig_set(&rig, "after", 10), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 9);
    assert_true(rig_has(&rig, "after"));
    rig_close(&rig);
}

static void test_a_later_flush_replaces_a_pending_one(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    cmstore_flush(rig.thread, RIG_START_S + 5);
    cmstore_flush(rig.thread, RIG_START_S + 10);
    assert_int_equal(rig_set(&rig, "a", 10), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 6);
    assert_true(rig_has(&rig, "a"));
    cmstore_flush(rig.thread, 0); /* also instead of the pending one */
    assert_false(rig_has(&rig, "a"));
    assert_int_equal(rig_set(&rig, "a", 10), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 20);
    assert_true(rig_has(&rig, "a"));
    rig_close(&rig);
}

static void test_the_clock_only_moves_forward(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    assert_int_equal(cmstore_clock(rig.store), RIG_START_S);
    cmstore_set_clock(rig.store, RIG_START_S - 1);
    cmstore_set_clock(rig.store, 0);
    assert_int_equal(cmstore_clock(rig.store), RIG_START_S);
    cmstore_set_clock(rig.store, UINT32_MAX);
    assert_true(cmstore_clock(rig.store) == UINT32_MAX);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_the_answer_says_that_it_expired),
        cmocka_unit_test(test_sweep_finds_the_expired),
        cmocka_unit_test(test_flush_at_once),
        cmocka_unit_test(test_flush_later),
        cmocka_unit_test(test_a_later_flush_replaces_a_pending_one),
        cmocka_unit_test(test_the_clock_only_moves_forward),
    };
    return cmocka_run_group_tests_name("store/sweep", tests, NULL, NULL);
}

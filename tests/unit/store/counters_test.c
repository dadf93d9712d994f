/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void test_levels(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    struct cmstore_counters c = rig_counters(&rig);
    assert_int_equal(c.items, 0);
    assert_int_equal(c.item_bytes, 0);
    assert_true(c.memory_limit == UINT64_C(4) << 20);
    assert_int_equal(rig_set(&rig, "a", 100), CM_OK);
    assert_int_equal(rig_set(&rig, "b", 300000), CM_OK);
    c = rig_counters(&rig);
    assert_int_equal(c.items, 2);
    assert_int_equal(c.item_bytes, rig_get(&rig, "a").item_bytes + rig_get(&rig, "b").item_bytes);
    assert_true(c.memory_used >= c.item_bytes && c.memory_used <= c.memory_limit);
    assert_true(c.segments * c.segment_bytes + c.index_bytes <= c.memory_limit);
    assert_true(c.segments_free < c.segments);
    assert_true(c.segments_open > 0);
    assert_true(c.segments_free + c.segments_open + c.segments_sealed <= c.segments);
    rig_delete(&rig, "a");
    rig_delete(&rig, "b");
    c = rig_counters(&rig);
    assert_int_equal(c.items, 0);
    assert_int_equal(c.item_bytes, 0);
    rig_close(&rig);
}

static void test_events_and_their_reset(void **state) {
    (void)state;
    struct rig rig;
    char key[16];
    rig_open(&rig, CMSTORE_MEMORY_MIN, 0);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(&rig, key, 200), CM_OK);
        assert_int_equal(rig_set(&rig, key, 200), CM_OK);
        if (i % 2)
            (void)rig_get(&rig, key);
    }
    struct cmstore_counters c = rig_counters(&rig);
    assert_int_equal(c.items_total, 20000);
    assert_int_equal(c.items + c.evictions, 10000);
    assert_true(c.evicted_unfetched > 0 && c.evicted_unfetched < c.evictions);
    assert_true(c.evicted_unfetched + c.evicted_active <= c.evictions);
    assert_true(c.reclaimed_segments > 0);
    assert_int_equal(c.evicted_idle_s, 0); /* the clock stands still */
    assert_int_equal(c.evicted_ages[CMSTORE_EVICTED_WITHIN_1_S], c.evictions);
    assert_int_equal(c.evicted_ages[CMSTORE_EVICTED_WITHIN_5_S], 0);
    assert_true(c.segments_sealed > c.segments_open);
    assert_true(c.in_place > 9000);
    uint64_t items = c.items, bytes = c.item_bytes;
    cmstore_reset_counters(rig.store);
    c = rig_counters(&rig);
    assert_true(c.items == items && c.item_bytes == bytes);
    assert_int_equal(
        c.items_total + c.evictions + c.evicted_unfetched + c.in_place + c.copied_bytes, 0);
    assert_int_equal(c.evicted_ages[CMSTORE_EVICTED_WITHIN_1_S], 0);
    assert_int_equal(rig_set(&rig, "again", 200), CM_OK);
    assert_int_equal(rig_counters(&rig).items_total, 1);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_events_and_their_reset),
    };
    return cmocka_run_group_tests_name("store/counters", tests, NULL, NULL);
}

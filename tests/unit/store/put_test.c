/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include "rig.h"

#define MEMORY (UINT64_C(4) << 20)

static struct rig rig;

static int set_up(void **state) {
    (void)state;
    rig_open(&rig, MEMORY, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static uint32_t live_bytes(void) {
    uint32_t live = 0;
    for (uint32_t i = 1; i < rig.store->arena.next_unused; i++)
        live += atomic_load(&cm_arena_segment(&rig.store->arena, i)->live);
    return live;
}

static uint64_t in_place(void) {
    return rig_counters(&rig).in_place;
}

static void test_same_size_goes_in_place(void **state) {
    (void)state;
    assert_int_equal(rig_set(&rig, "key", 100), CM_OK);
    uint32_t live = live_bytes();
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(rig_set(&rig, "key", 100), CM_OK);
        assert_true(in_place() == i);
    }
    assert_int_equal(live_bytes(), live);
    rig_expect(&rig, "key", 100);
}

static void test_shorter_goes_in_place_and_leaves_a_filler(void **state) {
    (void)state;
    assert_int_equal(rig_set(&rig, "key", 101), CM_OK);
    uint32_t live = live_bytes();
    assert_int_equal(rig_set(&rig, "key", 30), CM_OK);
    assert_int_equal(in_place(), 1);
    assert_int_equal(live_bytes(), live - 68); /* whole units */
    assert_int_equal(rig_counters(&rig).item_bytes, live_bytes());
    rig_expect(&rig, "key", 30);
    /* The hole is gone for good: the old length is written anew. */
    assert_int_equal(rig_set(&rig, "key", 101), CM_OK);
    assert_int_equal(in_place(), 1);
    assert_int_equal(live_bytes(), live);
    rig_expect(&rig, "key", 101);
}

/* Up to the next unit there is room that nobody uses. */
static void test_longer_within_the_unit_goes_in_place(void **state) {
    (void)state;
    assert_int_equal(rig_set(&rig, "key", 98), CM_OK); /* 12 + 3 + 98 = 113, of 116 */
    assert_int_equal(rig_set(&rig, "key", 101), CM_OK);
    assert_int_equal(in_place(), 1);
    assert_int_equal(rig_set(&rig, "key", 102), CM_OK);
    assert_int_equal(in_place(), 1);
    rig_expect(&rig, "key", 102);
}

static void test_fields_decide_too(void **state) {
    (void)state;
    struct cmstore_store_options flags = {.client_flags = 7}, expiry = {.expires = 1000},
                                 wide = {.cas_new = UINT64_MAX}, narrow = {.cas_new = 5};
    assert_int_equal(rig_set(&rig, "key", 50), CM_OK);
    assert_int_equal(rig_store(&rig, "key", 50, &flags), CM_OK); /* no room for flags */
    assert_int_equal(in_place(), 0);
    assert_int_equal(rig_set(&rig, "key", 50), CM_OK); /* room that is not needed */
    assert_int_equal(in_place(), 1);
    assert_int_equal(rig_get(&rig, "key").client_flags, 0);
    assert_int_equal(rig_store(&rig, "key", 50, &flags), CM_OK);
    assert_int_equal(in_place(), 2);
    assert_int_equal(rig_get(&rig, "key").client_flags, 7);
    assert_int_equal(rig_store(&rig, "key", 50, &expiry), CM_OK);
    assert_int_equal(in_place(), 2);
    assert_int_equal(rig_get(&rig, "key").expires, 1000);
    assert_int_equal(rig_store(&rig, "key", 50, &wide), CM_OK);
    assert_int_equal(in_place(), 2);
    assert_true(rig_get(&rig, "key").cas == UINT64_MAX);
    assert_int_equal(rig_store(&rig, "key", 50, &narrow), CM_OK);
    assert_int_equal(in_place(), 3);
    assert_true(rig_get(&rig, "key").cas == 5);
}

/* A pin anywhere in the segment is enough: whoever holds it reads without looking. */
static void test_never_under_a_pin(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "key");
    struct cmstore_pin pin;
    assert_int_equal(rig_set(&rig, "key", 64), CM_OK);
    assert_int_equal(cmstore_pin(rig.thread, &key, NULL, &pin), CM_OK);
    unsigned char before[64];
    memcpy(before, pin.item.value.data, 64);
    rig.values++;
    assert_int_equal(rig_set(&rig, "key", 64), CM_OK);
    rig.values--;
    assert_int_equal(in_place(), 0);
    assert_memory_equal(pin.item.value.data, before, 64);
    assert_int_equal(rig_get(&rig, "key").outcome, CMSTORE_HIT);
    assert_memory_equal(rig.buffer, rig.values + 1, 64);
    cmstore_unpin(&pin);
    assert_int_equal(rig_set(&rig, "key", 64), CM_OK);
    assert_int_equal(in_place(), 1);
}

static void test_touch_needs_room_for_an_expiry_once(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "key");
    struct cmstore_item item;
    assert_int_equal(rig_set(&rig, "key", 64), CM_OK);
    uint64_t cas = rig_get(&rig, "key").cas;
    assert_int_equal(cmstore_touch(rig.thread, &key, 500, &item), CM_OK);
    assert_int_equal(in_place(), 0);
    assert_int_equal(cmstore_touch(rig.thread, &key, 600, &item), CM_OK);
    assert_int_equal(cmstore_touch(rig.thread, &key, 0, &item), CM_OK);
    assert_int_equal(in_place(), 2);
    assert_true(rig_get(&rig, "key").cas == cas);
    rig_expect(&rig, "key", 64);
}

/* Overwriting for ever leaves holes for ever, and they do not cost the others their place. */
static void test_holes_are_reclaimed(void **state) {
    (void)state;
    char name[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "still%u", i);
        assert_int_equal(rig_set(&rig, name, 1000), CM_OK);
    }
    for (unsigned i = 0; i < 50000; i++) {
        snprintf(name, sizeof name, "moving%u", i % 500);
        assert_int_equal(rig_set(&rig, name, 500 + i % 7 * 100), CM_OK);
    }
    assert_true(rig_counters(&rig).reclaimed_segments > 1000);
    assert_int_equal(rig_counters(&rig).items, 1500);
    assert_int_equal(rig_counters(&rig).evictions, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_same_size_goes_in_place),
        EACH(test_shorter_goes_in_place_and_leaves_a_filler),
        EACH(test_longer_within_the_unit_goes_in_place),
        EACH(test_fields_decide_too),
        EACH(test_never_under_a_pin),
        EACH(test_touch_needs_room_for_an_expiry_once),
        EACH(test_holes_are_reclaimed),
    };
    return cmocka_run_group_tests_name("store/put", tests, NULL, NULL);
}

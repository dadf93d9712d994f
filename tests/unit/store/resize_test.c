/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

#include "rig.h"

static void fill(const struct rig *rig, unsigned from, unsigned to) {
    char key[16];
    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(rig, key, 8), CM_OK);
    }
}

static void empty(const struct rig *rig, unsigned from, unsigned to) {
    char key[16];
    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "%u", i);
        rig_delete(rig, key);
    }
}

static void shrink(const struct rig *rig) {
    cm_os_mutex_lock(&rig->store->keeper.mutex);
    while (cm_index_shrink(rig->store))
        continue;
    cm_os_mutex_unlock(&rig->store->keeper.mutex);
}

/* The index follows the number of items both ways, a bucket at a time, and loses nobody. */
static void test_follows_the_items(void **state) {
    (void)state;
    struct rig rig;
    char key[16];
    rig_open(&rig, UINT64_C(64) << 20, 0);
    assert_int_equal(rig_counters(&rig).index_buckets, CM_BUCKETS_MIN);
    for (unsigned round = 0; round < 3; round++) {
        fill(&rig, 0, 100000);
        uint64_t buckets = rig_counters(&rig).index_buckets;
        assert_true(buckets >= 100000 / CM_BUCKET_ITEMS - 64);
        assert_true(buckets <= 100000 / CM_BUCKET_ITEMS + 1);
        for (unsigned i = 0; i < 100000; i += 97) {
            snprintf(key, sizeof key, "%u", i);
            assert_true(rig_has(&rig, key));
        }
        cmstore_check(rig.thread);
        uint64_t bytes = rig_counters(&rig).index_bytes;
        empty(&rig, 100, 100000);
        shrink(&rig);
        assert_int_equal(rig_counters(&rig).index_buckets, CM_BUCKETS_MIN);
        assert_true(rig_counters(&rig).index_bytes < bytes / 2);
        for (unsigned i = 0; i < 100; i++) {
            snprintf(key, sizeof key, "%u", i);
            assert_true(rig_has(&rig, key));
        }
        cmstore_check(rig.thread);
    }
    rig_close(&rig);
}

/* Where there is no room for a larger index, its buckets get longer and all goes on. */
static void test_without_room_to_grow(void **state) {
    (void)state;
    struct cmstore_options options = {
        .memory_bytes = CMSTORE_MEMORY_MIN, .no_evict = true, .no_background = true};
    struct rig rig;
    char key[16];
    unsigned count = 0;
    rig_open_with(&rig, &options);
    for (;; count++) {
        snprintf(key, sizeof key, "%u", count);
        if (rig_set(&rig, key, 0) != CM_OK)
            break;
    }
    assert_true(count > 20000);
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_true(rig_has(&rig, key));
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_the_items),
        cmocka_unit_test(test_without_room_to_grow),
    };
    return cmocka_run_group_tests_name("store/resize", tests, NULL, NULL);
}

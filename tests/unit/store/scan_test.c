/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

#include "rig.h"

#define KEYS 20000u

struct seen {
    unsigned char times[KEYS];
    unsigned count;
};

static void visit(void *context, const struct cmstore_visit *visit) {
    struct seen *seen = context;
    char key[16] = "";
    assert_true(visit->key_bytes < sizeof key);
    memcpy(key, visit->key, visit->key_bytes);
    unsigned id = (unsigned)strtoul(key, NULL, 10);
    assert_true(id < KEYS);
    assert_null(visit->item.value.data);
    assert_int_equal(visit->item.value.bytes, id % 50);
    assert_int_equal(visit->item.outcome, CMSTORE_HIT);
    assert_int_equal(visit->item.client_flags, id);
    seen->times[id]++;
    seen->count++;
}

static void put(const struct rig *rig, unsigned id) {
    char key[16];
    struct cmstore_store_options options = {.client_flags = id};
    snprintf(key, sizeof key, "%u", id);
    assert_int_equal(rig_store(rig, key, id % 50, &options), CM_OK);
}

static void test_nothing(void **state) {
    (void)state;
    static struct seen seen;
    struct rig rig;
    uint64_t cursor = 0, calls = 0;
    rig_open(&rig, UINT64_C(16) << 20, 0);
    do {
        cursor = cmstore_scan(rig.thread, cursor, visit, &seen);
        assert_true(++calls <= CM_BUCKETS_MIN);
    } while (cursor);
    assert_int_equal(seen.count, 0);
    rig_close(&rig);
}

/* Whatever the number of buckets: powers of two and between. */
static void test_everything_once(void **state) {
    (void)state;
    static struct seen seen;
    struct rig rig;
    rig_open(&rig, UINT64_C(16) << 20, 0);
    for (unsigned count = 1; count < KEYS; count += count / 3 + 1) {
        for (unsigned id = 0; id < count; id++)
            put(&rig, id);
        uint64_t cursor = 0;
        memset(&seen, 0, sizeof seen);
        do {
            cursor = cmstore_scan(rig.thread, cursor, visit, &seen);
        } while (cursor);
        assert_int_equal(seen.count, count);
        for (unsigned id = 0; id < count; id++)
            assert_int_equal(seen.times[id], 1);
    }
    rig_close(&rig);
}

/* The table grows tenfold, and shrinks again, between one step and the next. */
static void test_while_it_grows_and_shrinks(void **state) {
    (void)state;
    static struct seen seen;
    struct rig rig;
    char key[16];
    rig_open(&rig, UINT64_C(16) << 20, 0);
    for (unsigned id = 0; id < 1000; id++)
        put(&rig, id);
    uint64_t cursor = 0;
    unsigned at = 1000, step = 0;
    memset(&seen, 0, sizeof seen);
    do {
        cursor = cmstore_scan(rig.thread, cursor, visit, &seen);
        for (unsigned i = 0; i < 200 && step / 60 % 2 == 0 && at < KEYS; i++)
            put(&rig, at++);
        for (unsigned i = 0; i < 200 && step / 60 % 2 == 1 && at > 1000; i++) {
            snprintf(key, sizeof key, "%u", --at);
            rig_delete(&rig, key);
        }
        cm_os_mutex_lock(&rig.store->keeper.mutex);
        (void)cm_index_shrink(rig.store);
        cm_os_mutex_unlock(&rig.store->keeper.mutex);
        step++;
    } while (cursor);
    for (unsigned id = 0; id < 1000; id++)
        assert_int_equal(seen.times[id], 1);
    rig_close(&rig);
}

static void test_what_is_no_longer_valid_is_left_out(void **state) {
    (void)state;
    static struct seen seen;
    struct rig rig;
    struct cmstore_store_options expiring = {.client_flags = 1, .expires = RIG_START_S + 1};
    rig_open(&rig, UINT64_C(16) << 20, 0);
    assert_int_equal(rig_store(&rig, "1", 1, &expiring), CM_OK);
    put(&rig, 2);
    cmstore_flush(rig.thread, RIG_START_S + 3);
    for (uint32_t now = 0; now < 4; now++) {
        uint64_t cursor = 0;
        memset(&seen, 0, sizeof seen);
        cmstore_set_clock(rig.store, RIG_START_S + now);
        do {
            cursor = cmstore_scan(rig.thread, cursor, visit, &seen);
        } while (cursor);
        assert_int_equal(seen.times[1], now < 1);
        assert_int_equal(seen.times[2], now < 3);
    }
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_everything_once),
        cmocka_unit_test(test_while_it_grows_and_shrinks),
        cmocka_unit_test(test_what_is_no_longer_valid_is_left_out),
    };
    return cmocka_run_group_tests_name("store/scan", tests, NULL, NULL);
}

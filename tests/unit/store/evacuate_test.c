/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

/* What the hook has been told. */
struct told {
    unsigned count;
    uint64_t id_sum;
    unsigned fetched, expiring;
};

static void on_evict(void *context, const struct cmstore_evicted *evicted) {
    struct told *told = context;
    struct cmstore_visit visit;
    char key[16] = "";
    assert_int_equal(cmstore_describe_evicted(evicted, &visit), RIG_START_S);
    assert_true(visit.key_bytes < sizeof key);
    memcpy(key, visit.key, visit.key_bytes);
    unsigned id = (unsigned)strtoul(key, NULL, 10);
    assert_int_equal(visit.item.value.bytes, 200 + id % 50);
    assert_null(visit.item.value.data);
    assert_int_equal(visit.item.last_access_s, RIG_START_S);
    told->count++;
    told->id_sum += id;
    told->fetched += visit.item.fetched;
    told->expiring += visit.item.expires != 0;
}

static void test_every_eviction_is_told_once(void **state) {
    (void)state;
    struct rig rig;
    struct told told = {0};
    char key[16];
    uint64_t sum = 0;
    rig_open_with(&rig, &(struct cmstore_options){
                            .memory_bytes = CMSTORE_MEMORY_MIN,
                            .no_background = true,
                            .hash_seed = 1,
                            .clock_s = RIG_START_S,
                            .on_evict = on_evict,
                            .on_evict_context = &told,
                        });
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "%u", i);
        struct cmstore_store_options options = {.expires = i % 3 ? 0 : RIG_START_S + 1000};
        struct cmstore_key k = rig_key(&rig, key);
        struct cmstore_value value = {rig.values, 200 + i % 50};
        assert_int_equal(cmstore_store(rig.thread, &k, value, &options, NULL), CM_OK);
        if (i % 2)
            (void)rig_get(&rig, key);
    }
    struct cmstore_counters c = rig_counters(&rig);
    assert_true(told.count > 1000);
    assert_int_equal(told.count, c.evictions);
    assert_int_equal(told.count - told.fetched, c.evicted_unfetched);
    assert_true(told.expiring > 0 && told.expiring < told.count);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "%u", i);
        sum += rig_get(&rig, key).outcome == CMSTORE_MISS ? i : 0;
    }
    assert_true(sum == told.id_sum);
    rig_close(&rig);
}

/* Neither deleting, nor flushing, nor expiring is evicting. */
static void test_nothing_else_is_told(void **state) {
    (void)state;
    struct rig rig;
    struct told told = {0};
    rig_open_with(&rig, &(struct cmstore_options){
                            .memory_bytes = CMSTORE_MEMORY_MIN,
                            .no_background = true,
                            .clock_s = RIG_START_S,
                            .on_evict = on_evict,
                            .on_evict_context = &told,
                        });
    assert_int_equal(rig_set(&rig, "0", 200), CM_OK);
    rig_delete(&rig, "0");
    assert_int_equal(rig_set(&rig, "1", 201), CM_OK);
    cmstore_flush(rig.thread, 0);
    struct cmstore_store_options options = {.expires = RIG_START_S + 1};
    struct cmstore_key key = rig_key(&rig, "2");
    struct cmstore_value value = {rig.values, 202};
    assert_int_equal(cmstore_store(rig.thread, &key, value, &options, NULL), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 2);
    assert_int_equal(rig_get(&rig, "2").outcome, CMSTORE_MISS);
    assert_int_equal(told.count, 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_eviction_is_told_once),
        cmocka_unit_test(test_nothing_else_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

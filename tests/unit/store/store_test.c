/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#define MIB (UINT64_C(1) << 20)

static enum cm_status create(const struct cmstore_options *options) {
    cmstore *store = NULL;
    enum cm_status status = cmstore_create(options, &store);
    assert_int_equal(store != NULL, status == CM_OK);
    cmstore_destroy(store);
    return status;
}

static void test_refused_options(void **state) {
    (void)state;
    static const struct {
        struct cmstore_options options;
        enum cm_status status;
    } cases[] = {
        {{.memory_bytes = 0}, CM_OK},
        {{.memory_bytes = MIB}, CM_OK},
        {{.memory_bytes = MIB - 1}, CM_INVALID},
        {{.memory_bytes = 1}, CM_INVALID},
        {{.memory_bytes = UINT64_MAX}, CM_INVALID},
        {{.memory_bytes = UINT64_MAX / 32 + 1}, CM_INVALID},
        {{.memory_bytes = 2 * MIB, .item_bytes_max = MIB}, CM_OK},
        {{.memory_bytes = 2 * MIB, .item_bytes_max = MIB + 1}, CM_INVALID},
        {{.item_bytes_max = CMSTORE_ITEM_MIN}, CM_OK},
        {{.item_bytes_max = CMSTORE_ITEM_MIN - 1}, CM_INVALID},
        {{.item_bytes_max = 1}, CM_INVALID},
        {{.memory_bytes = UINT64_C(4) << 30, .item_bytes_max = CMSTORE_ITEM_MAX}, CM_OK},
        {{.memory_bytes = UINT64_C(4) << 30, .item_bytes_max = CMSTORE_ITEM_MAX + 1}, CM_INVALID},
        {{.policy = ""}, CM_UNKNOWN_POLICY},
        {{.policy = "LRU"}, CM_UNKNOWN_POLICY},
        {{.policy = "lru "}, CM_UNKNOWN_POLICY},
        {{.no_background = true}, CM_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(create(&cases[i].options), cases[i].status);
    assert_int_equal(create(NULL), CM_OK);
}

static void test_defaults(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 0, 0);
    assert_true(rig_counters(&rig).memory_limit == CMSTORE_MEMORY_DEFAULT);
    assert_true(cmstore_item_bytes_max(rig.store) == CMSTORE_ITEM_DEFAULT);
    assert_true(rig_counters(&rig).segments >= 500);
    rig_close(&rig);
    rig_open(&rig, MIB, 0);
    assert_true(cmstore_item_bytes_max(rig.store) == MIB / 2);
    rig_close(&rig);
}

static void test_every_policy_by_name(void **state) {
    (void)state;
    const char *text, *name;
    size_t count = 0;
    for (; (name = cmstore_policy_name(count, &text)) != NULL; count++) {
        struct cmstore_options options = {.memory_bytes = MIB, .policy = name};
        struct rig rig;
        assert_true(strlen(text) > 10);
        rig_open_with(&rig, &options);
        assert_string_equal(cmstore_policy(rig.store), name);
        rig_close(&rig);
    }
    assert_true(count >= 5);
    assert_null(cmstore_policy_name(count, NULL));
    assert_null(cmstore_policy_name(SIZE_MAX, NULL));
}

static void test_policy_switch_keeps_items(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, MIB, 0);
    assert_int_equal(rig_set(&rig, "a", 100), CM_OK);
    for (size_t i = 0; cmstore_policy_name(i, NULL); i++) {
        const char *name = cmstore_policy_name(i, NULL);
        assert_int_equal(cmstore_set_policy(rig.thread, name), CM_OK);
        assert_string_equal(cmstore_policy(rig.store), name);
        rig_expect(&rig, "a", 100);
    }
    const char *before = cmstore_policy(rig.store);
    assert_int_equal(cmstore_set_policy(rig.thread, "none"), CM_UNKNOWN_POLICY);
    assert_int_equal(cmstore_set_policy(rig.thread, NULL), CM_UNKNOWN_POLICY);
    assert_string_equal(cmstore_policy(rig.store), before);
    rig_close(&rig);
}

static void test_memory_up_and_down(void **state) {
    (void)state;
    struct rig rig;
    char key[16];
    rig_open(&rig, 8 * MIB, MIB / 2);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(&rig, key, 500), CM_OK);
    }
    uint64_t full = rig_counters(&rig).item_bytes;
    assert_true(full > 7 * MIB);
    assert_int_equal(cmstore_set_memory(rig.thread, 2 * MIB), CM_OK);
    assert_true(rig_counters(&rig).memory_used <= 2 * MIB);
    assert_true(rig_counters(&rig).memory_limit == 2 * MIB);
    assert_true(rig_counters(&rig).item_bytes > MIB);
    assert_true(rig_has(&rig, key));
    assert_int_equal(cmstore_set_memory(rig.thread, 16 * MIB), CM_OK);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(&rig, key, 500), CM_OK);
    }
    assert_true(rig_counters(&rig).item_bytes > full);
    rig_close(&rig);
}

static void test_memory_refusals(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 8 * MIB, MIB);
    assert_int_equal(cmstore_set_memory(rig.thread, 0), CM_LIMIT_TOO_SMALL);
    assert_int_equal(cmstore_set_memory(rig.thread, MIB - 1), CM_LIMIT_TOO_SMALL);
    assert_int_equal(cmstore_set_memory(rig.thread, 2 * MIB - 2), CM_LIMIT_TOO_SMALL);
    assert_int_equal(cmstore_set_memory(rig.thread, 2 * MIB), CM_OK);
    assert_int_equal(cmstore_set_memory(rig.thread, UINT64_C(1) << 50), CM_INVALID);
    assert_int_equal(cmstore_set_memory(rig.thread, UINT64_MAX), CM_INVALID);
    assert_true(rig_counters(&rig).memory_limit == 2 * MIB);
    rig_close(&rig);
}

/* A store that must not evict must not be made to by its limit. */
static void test_memory_of_no_evict(void **state) {
    (void)state;
    struct cmstore_options options = {.memory_bytes = 8 * MIB,
                                      .item_bytes_max = MIB / 2,
                                      .no_evict = true,
                                      .no_background = true};
    struct rig rig;
    char key[16];
    rig_open_with(&rig, &options);
    for (unsigned i = 0; i < 6000; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(&rig, key, 500), CM_OK);
    }
    assert_int_equal(cmstore_set_memory(rig.thread, 2 * MIB), CM_LIMIT_TOO_SMALL);
    assert_true(rig_counters(&rig).memory_limit == 8 * MIB);
    assert_int_equal(cmstore_set_memory(rig.thread, 5 * MIB), CM_OK);
    assert_int_equal(rig_counters(&rig).items, 6000);
    assert_int_equal(rig_counters(&rig).evictions, 0);
    rig_close(&rig);
}

/* What others need is taken out of the items' memory. */
static void test_charge(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 8 * MIB, 0);
    uint64_t before = rig_counters(&rig).segments;
    cmstore_charge(rig.store, 4 * MIB);
    assert_true(rig_counters(&rig).segments < before * 6 / 10);
    cmstore_charge(rig.store, 100 * MIB); /* more than there is: some are left to work with */
    assert_true(rig_counters(&rig).segments >= 8);
    assert_int_equal(rig_set(&rig, "a", 10), CM_OK);
    cmstore_charge(rig.store, -104 * (int64_t)MIB);
    assert_true(rig_counters(&rig).segments == before);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_options),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_policy_by_name),
        cmocka_unit_test(test_policy_switch_keeps_items),
        cmocka_unit_test(test_memory_up_and_down),
        cmocka_unit_test(test_memory_refusals),
        cmocka_unit_test(test_memory_of_no_evict),
        cmocka_unit_test(test_charge),
    };
    return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}

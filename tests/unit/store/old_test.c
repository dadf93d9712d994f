/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

/* Changes that hand back what was there before, and those that keep some of it. */

static struct rig rig;

static int set_up(void **state) {
    (void)state;
    rig_open(&rig, UINT64_C(8) << 20, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    cmstore_check(rig.thread);
    rig_close(&rig);
    return 0;
}

static struct cmstore_stored store(const char *name, struct cmstore_value value,
                                   const struct cmstore_store_options *options) {
    struct cmstore_key key = rig_key(&rig, name);
    struct cmstore_stored stored;
    assert_int_equal(cmstore_store(rig.thread, &key, value, options, &stored), CM_OK);
    return stored;
}

/* The pinned value is `bytes` of `from`; unpins it. */
static void expect_old(struct cmstore_pin *old, const unsigned char *from, size_t bytes) {
    assert_int_equal(old->item.outcome, CMSTORE_HIT);
    assert_int_equal(old->item.value.bytes, bytes);
    for (size_t offset = 0; offset < bytes;) {
        struct cmstore_value part = cmstore_pin_part(old, offset);
        assert_memory_equal(part.data, from + offset, part.bytes);
        offset += part.bytes;
    }
    cmstore_unpin(old);
}

static const size_t sizes[] = {0, 1, 8, 100, 20000, 40000, 300000};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* Whatever the sizes, and even where the new value would fit into the old one's place. */
static void test_store_hands_back_the_old(void **state) {
    (void)state;
    struct cmstore_pin old;
    const struct cmstore_store_options swap = {.old = &old};
    (void)store("a", (struct cmstore_value){rig.values, sizes[0]}, &swap);
    assert_int_equal(old.item.outcome, CMSTORE_MISS);
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        size_t before = sizes[i % SIZES], after = sizes[i / SIZES];
        assert_int_equal(rig_set(&rig, "a", before), CM_OK);
        struct cmstore_value value = {(const char *)rig.values + 1, after};
        assert_int_equal(store("a", value, &swap).outcome, CMSTORE_STORED);
        expect_old(&old, (const unsigned char *)rig.values, before);
        assert_int_equal(rig_get(&rig, "a").value.bytes, after);
        assert_memory_equal(rig.buffer, value.data, after);
    }
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
}

static void test_store_refused_shows_what_is_there(void **state) {
    (void)state;
    struct cmstore_pin old;
    const struct cmstore_store_options add = {.mode = CMSTORE_ADD, .old = &old};
    const struct cmstore_store_options replace = {.mode = CMSTORE_REPLACE, .old = &old};
    const struct cmstore_value value = {"new", 3};
    assert_int_equal(store("a", value, &replace).outcome, CMSTORE_NOT_STORED);
    assert_int_equal(old.item.outcome, CMSTORE_MISS);
    assert_int_equal(rig_set(&rig, "a", 50), CM_OK);
    assert_int_equal(store("a", value, &add).outcome, CMSTORE_NOT_STORED);
    expect_old(&old, (const unsigned char *)rig.values, 50);
    rig_expect(&rig, "a", 50);
}

static void test_streamed_store_changes_its_mind(void **state) {
    (void)state;
    struct cmstore_pin old;
    const struct cmstore_key key = rig_key(&rig, "a");
    const struct cmstore_store_options late = {.expires = RIG_START_S + 50, .old = &old};
    for (size_t i = 0; i < SIZES; i++) {
        cmstore_writer *writer;
        struct cmstore_stored stored;
        assert_int_equal(rig_set(&rig, "a", 77), CM_OK);
        assert_int_equal(cmstore_write_begin(rig.thread, &key, sizes[i], NULL, &writer), CM_OK);
        assert_int_equal(cmstore_write(rig.thread, writer, rig.values, sizes[i]), CM_OK);
        cmstore_write_change(writer, &late);
        assert_int_equal(cmstore_write_commit(rig.thread, writer, &stored), CM_OK);
        assert_int_equal(stored.value_bytes, sizes[i]);
        expect_old(&old, (const unsigned char *)rig.values, 77);
        rig_expect(&rig, "a", sizes[i]);
        assert_int_equal(rig_get(&rig, "a").expires, RIG_START_S + 50);
    }
}

static void test_delete_hands_back_the_old(void **state) {
    (void)state;
    struct cmstore_pin old;
    struct cmstore_item item;
    const struct cmstore_key key = rig_key(&rig, "a");
    const struct cmstore_delete_options take = {.old = &old};
    const struct cmstore_delete_options wrong = {.compare_cas = true, .cas = 1000000, .old = &old};
    for (size_t i = 0; i < SIZES; i++) {
        assert_int_equal(rig_set(&rig, "a", sizes[i]), CM_OK);
        assert_int_equal(cmstore_delete(rig.thread, &key, &wrong, &item), CM_OK);
        assert_int_equal(item.outcome, CMSTORE_EXISTS);
        assert_int_equal(old.item.outcome, CMSTORE_MISS);
        assert_int_equal(cmstore_delete(rig.thread, &key, &take, &item), CM_OK);
        assert_false(rig_has(&rig, "a"));
        expect_old(&old, (const unsigned char *)rig.values, sizes[i]);
    }
    assert_int_equal(cmstore_delete(rig.thread, &key, &take, &item), CM_OK);
    assert_int_equal(old.item.outcome, CMSTORE_MISS);
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
}

static void test_expiry_is_kept(void **state) {
    (void)state;
    const struct cmstore_store_options first = {.expires = RIG_START_S + 9};
    const struct cmstore_store_options keep = {.keep_expires = true, .expires = RIG_START_S + 70};
    for (size_t i = 0; i < SIZES; i++) {
        assert_int_equal(rig_store(&rig, "a", 5, &first), CM_OK);
        assert_int_equal(rig_store(&rig, "a", sizes[i], &keep), CM_OK);
        assert_int_equal(rig_get(&rig, "a").expires, RIG_START_S + 9);
        rig_delete(&rig, "a");
        assert_int_equal(rig_store(&rig, "a", sizes[i], &keep), CM_OK);
        assert_int_equal(rig_get(&rig, "a").expires, RIG_START_S + 70);
    }
}

static void test_sizes_of_joined_values(void **state) {
    (void)state;
    const struct cmstore_store_options append = {.mode = CMSTORE_APPEND, .vivify = true};
    size_t total = 0;
    for (size_t i = 0; i < SIZES; i++) {
        total += sizes[i];
        struct cmstore_value value = {rig.values, sizes[i]};
        assert_int_equal(store("a", value, &append).value_bytes, total);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_hands_back_the_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_store_refused_shows_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streamed_store_changes_its_mind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_hands_back_the_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expiry_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_of_joined_values, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

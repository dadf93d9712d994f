/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/index.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cm_index index_;

static int set_up(void **state) {
    (void)state;
    return cm_index_init(&index_, UINT64_C(64) << 20, false) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_index_deinit(&index_);
    return 0;
}

static void test_slots(void **state) {
    (void)state;
    uint64_t hash = UINT64_C(0xabcd000000001234), place = CM_SLOT_PLACE_MASK;
    uint64_t word = cm_slot_make(hash, 0xee, place);
    assert_true(cm_slot_place(word) == place);
    assert_int_equal(cm_slot_bits(word), 0xee);
    assert_true(cm_slot_tagged(word, hash));
    assert_true(cm_slot_tagged(word, hash ^ 0xffff));
    assert_false(cm_slot_tagged(word, hash ^ UINT64_C(1) << 48));
    assert_false(cm_slot_tagged(0, 0)); /* an empty slot is nobody's */
    assert_true(cm_slot_tagged(cm_slot_make(0, 0, 1), 0));
}

/* Linear hashing: the buckets from the split point on are still chosen by one bit less. */
static void test_numbers(void **state) {
    (void)state;
    for (uint64_t count = 64; count < 1000; count++) {
        for (uint64_t hash = 0; hash < 5000; hash += 7) {
            uint64_t number = cm_index_number(hash, count);
            uint64_t later = cm_index_number(hash, count + 1);
            assert_true(number < count);
            assert_true(later == number || later == count); /* a split moves only to the new one */
        }
    }
}

static unsigned count_words(struct cm_bucket *bucket) {
    unsigned words = 0;
    struct cm_run run = cm_run_first(bucket, atomic_load(&bucket->head));
    do {
        for (unsigned i = 0; i < run.count; i++)
            words += atomic_load(&run.slots[i]) != 0;
    } while (cm_run_next(&index_, &run));
    return words;
}

static enum cm_status insert(struct cm_bucket *bucket, uint64_t hash, uint64_t place) {
    return cm_bucket_insert(&index_, bucket, hash, cm_slot_make(hash, 0, place));
}

/* In a bucket and its spill buckets, every place is found until it is removed. */
static void test_insert_and_remove(void **state) {
    (void)state;
    struct cm_bucket *bucket = cm_index_lock(&index_, 5);
    for (uint64_t order = 0; order < 3; order++) {
        for (uint64_t place = 1; place <= 200; place++) {
            assert_int_equal(insert(bucket, 5, place), CM_OK);
            assert_int_equal(count_words(bucket), place);
        }
        for (uint64_t i = 0; i < 200; i++) {
            uint64_t place = order == 0 ? i + 1 : order == 1 ? 200 - i : i * 77 % 200 + 1;
            cm_slot *slot = cm_bucket_find_place(&index_, bucket, place);
            assert_non_null(slot);
            assert_true(cm_slot_place(atomic_load(slot)) == place);
            cm_bucket_remove(&index_, bucket, slot);
            assert_null(cm_bucket_find_place(&index_, bucket, place));
            assert_int_equal(count_words(bucket), 199 - i);
        }
        assert_int_equal(atomic_load(&bucket->head) >> 32, CM_SPILL_NONE);
    }
    cm_bucket_unlock(bucket);
    uint64_t bytes = cm_index_spill_bytes(&index_);
    assert_true(bytes <= 2 << 20); /* freed spill buckets were used again */
}

static void test_take_all(void **state) {
    (void)state;
    static uint64_t words[CM_CHAIN_MAX];
    struct cm_bucket *bucket = cm_index_lock(&index_, 9);
    assert_int_equal(cm_bucket_take_all(&index_, bucket, words), 0);
    for (uint64_t place = 1; place <= CM_CHAIN_MAX; place++)
        assert_int_equal(insert(bucket, 9, place), CM_OK);
    assert_int_equal(insert(bucket, 9, 9999), CM_OK);
    assert_int_equal(cm_bucket_take_all(&index_, bucket, words), -1);
    assert_int_equal(count_words(bucket), CM_CHAIN_MAX + 1);
    cm_bucket_remove(&index_, bucket, cm_bucket_find_place(&index_, bucket, 9999));
    assert_int_equal(cm_bucket_take_all(&index_, bucket, words), CM_CHAIN_MAX);
    assert_int_equal(count_words(bucket), 0);
    static bool seen[CM_CHAIN_MAX + 1];
    for (unsigned i = 0; i < CM_CHAIN_MAX; i++) {
        assert_false(seen[cm_slot_place(words[i])]);
        seen[cm_slot_place(words[i])] = true;
    }
    cm_bucket_unlock(bucket);
}

/* X2: the version tells that somebody was there, and survives its wrap. */
static void test_versions(void **state) {
    (void)state;
    struct cm_bucket *bucket = cm_index_bucket(&index_, 3);
    uint64_t head = atomic_load(&bucket->head);
    assert_true(cm_bucket_unchanged(bucket, head));
    assert_ptr_equal(cm_index_lock(&index_, 3), bucket);
    assert_int_equal(atomic_load(&bucket->head) & 1, 1);
    assert_false(cm_bucket_unchanged(bucket, head));
    cm_bucket_unlock(bucket);
    assert_int_equal(atomic_load(&bucket->head) & 1, 0);
    assert_false(cm_bucket_unchanged(bucket, head));
    atomic_store(&bucket->head, (UINT64_C(7) << 32) | (UINT32_MAX - 1));
    cm_bucket_lock(bucket);
    cm_bucket_unlock(bucket);
    assert_true(atomic_load(&bucket->head) == UINT64_C(7) << 32);
    atomic_store(&bucket->head, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_slots),    EACH(test_numbers),  EACH(test_insert_and_remove),
        EACH(test_take_all), EACH(test_versions),
    };
    return cmocka_run_group_tests_name("store/index", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/item.h"
#include "store/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 2048u

static _Alignas(8) cm_record record[ROOM];

static void expect_shape(const struct cm_shape *shape, const char *key) {
    memset(record, 0xaa, sizeof record);
    cm_record *value = cm_shape_write(shape, record, key, 12345);
    uint32_t w0 = cm_word(record, 0);
    assert_int_equal(w0, cm_shape_word(shape));
    assert_int_equal(CM_W0_KEY(w0), shape->key_bytes);
    assert_int_equal(cm_item_value_bytes(record, w0), shape->value_bytes);
    assert_int_equal(cm_item_expires(record, w0), shape->expires);
    assert_int_equal(cm_item_client_flags(record, w0), shape->client_flags);
    assert_true(cm_item_cas(record, w0) == shape->cas);
    assert_int_equal(cm_item_extents(record, w0), shape->extents);
    assert_int_equal((w0 & CM_W0_STALE) != 0, shape->stale);
    assert_int_equal((w0 & CM_W0_WON) != 0, shape->won);
    assert_int_equal(cm_item_last_access(record, 12345), 12345);
    assert_false(cm_word(record, 1) & CM_W1_FETCHED);
    assert_memory_equal(record + cm_item_key_at(record, w0), key, shape->key_bytes);
    assert_ptr_equal(value, record + cm_item_key_at(record, w0) + shape->key_bytes);
    assert_int_equal(cm_record_bytes(record, w0), cm_shape_bytes(shape));
    assert_int_equal(cm_shape_bytes(shape) % CM_UNIT_BYTES, 0);
    assert_int_equal(record[cm_shape_bytes(shape)], 0xaa);
}

/* Every optional field, there or not, and what it can hold at most. */
static void test_round_trips(void **state) {
    (void)state;
    static const uint64_t cas[] = {
        0, 1, UINT32_MAX, CM_CAS_NARROW_MAX, CM_CAS_NARROW_MAX + 1, UINT64_MAX};
    char key[256];
    memset(key, 'k', sizeof key);
    for (unsigned fields = 0; fields < 32; fields++) {
        for (unsigned i = 0; i < sizeof cas / sizeof *cas; i++) {
            struct cm_shape shape = {
                .key_bytes = 1 + (fields * 7 + i) % 250,
                .value_bytes = fields * 9,
                .expires = fields & 1 ? UINT32_MAX : 0,
                .client_flags = fields & 2 ? UINT32_MAX - 1 : 0,
                .extents = fields & 4 ? 3 : 0,
                .stale = fields & 8,
                .won = fields & 16,
                .cas = cas[i],
            };
            expect_shape(&shape, key);
        }
    }
}

static void test_sizes(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 16, .value_bytes = 100};
    assert_int_equal(cm_shape_bytes(&shape), 128);
    shape.expires = 1;
    assert_int_equal(cm_shape_bytes(&shape), 132);
    shape.client_flags = 1;
    assert_int_equal(cm_shape_bytes(&shape), 136);
    shape.cas = UINT64_MAX;
    assert_int_equal(cm_shape_bytes(&shape), 144);
    shape = (struct cm_shape){.key_bytes = 1};
    assert_int_equal(cm_shape_bytes(&shape), 16);
}

static void test_largest_plain_value(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 250, .value_bytes = CM_PLAIN_VALUE_MAX};
    assert_int_equal(CM_W0_VALUE(cm_shape_word(&shape)), CM_PLAIN_VALUE_MAX);
    assert_int_equal(CM_W0_KEY(cm_shape_word(&shape)), 250);
}

static void test_extents(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 3, .value_bytes = UINT32_MAX, .extents = 5, .expires = 1};
    (void)cm_shape_write(&shape, record, "key", 1);
    uint32_t w0 = cm_word(record, 0);
    for (uint32_t i = 0; i < 5; i++) {
        struct cm_extent extent = {(UINT64_C(1) << 40) - 1 - i, (1u << 24) - 1 - i};
        cm_item_set_extent(record, w0, i, extent);
    }
    for (uint32_t i = 0; i < 5; i++) {
        struct cm_extent extent = cm_item_extent(record, w0, i);
        assert_true(extent.place == (UINT64_C(1) << 40) - 1 - i);
        assert_int_equal(extent.bytes, (1u << 24) - 1 - i);
    }
    assert_int_equal(cm_item_value_bytes(record, w0), UINT32_MAX);
    assert_memory_equal(record + cm_item_key_at(record, w0), "key", 3);
}

static void test_cas_changes_alone(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 1, .cas = 1};
    (void)cm_shape_write(&shape, record, "k", 77);
    uint32_t w0 = cm_word(record, 0);
    cm_item_note_access(record, 99);
    cm_item_set_cas(record, w0, CM_CAS_NARROW_MAX);
    assert_true(cm_item_cas(record, w0) == CM_CAS_NARROW_MAX);
    assert_int_equal(cm_item_last_access(record, 99), 99);
    assert_true(cm_word(record, 1) & CM_W1_FETCHED);
    cm_item_note_access(record, 100);
    assert_true(cm_item_cas(record, w0) == CM_CAS_NARROW_MAX);
}

/* Three quarters of a year of seconds, and then again from zero. */
static void test_access_time_wraps(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 1};
    uint32_t now = (1u << 24) + 5;
    (void)cm_shape_write(&shape, record, "k", now - 10);
    assert_int_equal(cm_item_last_access(record, now), now - 10);
    cm_item_note_access(record, now);
    assert_int_equal(cm_item_last_access(record, now + 1000), now);
}

/* Another thread has noted it while this one still had the second before. */
static void test_an_access_is_never_in_the_future(void **state) {
    (void)state;
    struct cm_shape shape = {.key_bytes = 1};
    for (uint32_t now = 1000; now < 1u << 31; now *= 2) {
        (void)cm_shape_write(&shape, record, "k", now + 1);
        assert_int_equal(cm_item_last_access(record, now), now);
    }
}

static void test_fillers_and_extents_tell_their_length(void **state) {
    (void)state;
    for (size_t bytes = CM_UNIT_BYTES; bytes <= 64; bytes += CM_UNIT_BYTES) {
        cm_filler_write(record, bytes);
        assert_int_equal(CM_W0_KEY(cm_word(record, 0)), 0);
        assert_int_equal(cm_record_bytes(record, cm_word(record, 0)), bytes);
        assert_false(cm_word(record, 0) & CM_W0_EXTENT);
    }
    cm_filler_write(record, 256u << 10); /* a whole segment of the largest size */
    assert_int_equal(cm_record_bytes(record, cm_word(record, 0)), 256u << 10);
    cm_extent_write(record, 128u << 10, UINT64_C(0x123456789abcdef0));
    assert_int_equal(cm_record_bytes(record, cm_word(record, 0)), 128u << 10);
    assert_true(cm_word(record, 0) & CM_W0_EXTENT);
    assert_true((cm_word(record, 1) | (uint64_t)cm_word(record, 2) << 32) ==
                UINT64_C(0x123456789abcdef0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_largest_plain_value),
        cmocka_unit_test(test_extents),
        cmocka_unit_test(test_cas_changes_alone),
        cmocka_unit_test(test_access_time_wraps),
        cmocka_unit_test(test_an_access_is_never_in_the_future),
        cmocka_unit_test(test_fillers_and_extents_tell_their_length),
    };
    return cmocka_run_group_tests_name("store/item", tests, NULL, NULL);
}

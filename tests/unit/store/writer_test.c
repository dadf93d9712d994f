/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include "rig.h"

#define MIB (UINT64_C(1) << 20)

/* Values of many extents, in stores whose segments are small. */
static void test_chained_round_trips(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 8 * MIB, 3 * MIB);
    static const size_t sizes[] = {8000,  8192,   16384,  32768,   32769,
                                   65536, 100000, 300000, 1048576, 3 * MIB - 100};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(rig_set(&rig, "chained", sizes[i]), CM_OK);
        rig_expect(&rig, "chained", sizes[i]);
        assert_true(rig_get(&rig, "chained").item_bytes >= sizes[i] + 7 + 12);
        assert_true(rig_get(&rig, "chained").item_bytes < sizes[i] + sizes[i] / 64 + 100);
    }
    assert_int_equal(rig_counters(&rig).items, 1);
    rig_close(&rig);
}

static void test_pin_parts(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_pin pin;
    rig_open(&rig, 8 * MIB, 0);
    struct cmstore_key key = rig_key(&rig, "chained");
    assert_int_equal(rig_set(&rig, "chained", 200000), CM_OK);
    assert_int_equal(cmstore_pin(rig.thread, &key, NULL, &pin), CM_OK);
    assert_null(pin.item.value.data);
    for (size_t at = 0; at < 200000; at += 997) {
        struct cmstore_value part = cmstore_pin_part(&pin, at);
        assert_true(part.bytes > 0 && at + part.bytes <= 200000);
        assert_memory_equal(part.data, rig.values + at, part.bytes);
    }
    assert_int_equal(cmstore_pin_part(&pin, 200000).bytes, 0);
    assert_int_equal(cmstore_pin_part(&pin, SIZE_MAX).bytes, 0);
    cmstore_unpin(&pin);
    cmstore_unpin(&pin); /* twice does no harm */
    rig_close(&rig);
}

/* Reclaim moves a chained item as a whole, a very large one by its head and extents, and cuts or
 * joins what it moves; the item stays the same. */
static void check_relocation(size_t bytes) {
    struct rig rig;
    char name[16];
    const struct cmstore_store_options options = {.client_flags = 7, .expires = RIG_START_S + 9};
    rig_open(&rig, 4 * MIB, MIB);
    assert_int_equal(cmstore_set_policy(rig.thread, "clock"), CM_OK);
    assert_int_equal(rig_store(&rig, "moved", bytes, &options), CM_OK);
    uint64_t cas = rig_get(&rig, "moved").cas;
    for (unsigned i = 0; i < 30000; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(rig_set(&rig, name, 300 + i % 700), CM_OK);
        if (i % 64 == 0)
            rig_expect(&rig, "moved", bytes); /* and keeps it alive */
    }
    struct cmstore_item item = rig_get(&rig, "moved");
    assert_int_equal(item.cas, cas);
    assert_int_equal(item.client_flags, 7);
    assert_int_equal(item.expires, RIG_START_S + 9);
    assert_true(item.fetched);
    assert_true(item.item_bytes < bytes + bytes / 50 + 100);
    assert_true(rig_counters(&rig).copied_bytes > 3 * bytes);
    rig_close(&rig);
}

static void test_relocation(void **state) {
    (void)state;
    static const size_t sizes[] = {2000, 7000, 30000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_relocation(sizes[i]);
}

/* Overwritten, deleted and evicted, what is pinned stays readable. */
static void test_pinned_while_all_changes(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_pin pin;
    char name[16];
    rig_open(&rig, 4 * MIB, MIB);
    struct cmstore_key key = rig_key(&rig, "chained");
    assert_int_equal(rig_set(&rig, "chained", 300000), CM_OK);
    assert_int_equal(cmstore_pin(rig.thread, &key, NULL, &pin), CM_OK);
    rig_delete(&rig, "chained");
    assert_true(rig_counters(&rig).segments_pinned > 0);
    for (unsigned i = 0; i < 30000; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(rig_set(&rig, name, 600), CM_OK);
    }
    for (size_t at = 0; at < 300000;) {
        struct cmstore_value part = cmstore_pin_part(&pin, at);
        assert_memory_equal(part.data, rig.values + at, part.bytes);
        at += part.bytes;
    }
    cmstore_unpin(&pin);
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
    assert_false(rig_has(&rig, "chained"));
    rig_close(&rig);
}

static void test_pieces(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 65536, 65537, 500000};
    static const size_t pieces[] = {1, 7, 1000, 100000};
    struct rig rig;
    rig_open(&rig, 4 * MIB, 0);
    struct cmstore_key key = rig_key(&rig, "key");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t p = sizes[i] > 1000; p < sizeof pieces / sizeof *pieces; p++) {
            cmstore_writer *writer;
            struct cmstore_stored stored;
            rig_delete(&rig, "key");
            assert_int_equal(cmstore_write_begin(rig.thread, &key, sizes[i], NULL, &writer), CM_OK);
            for (size_t at = 0; at < sizes[i]; at += pieces[p]) {
                size_t n = sizes[i] - at < pieces[p] ? sizes[i] - at : pieces[p];
                assert_false(rig_has(&rig, "key"));
                assert_int_equal(cmstore_write(rig.thread, writer, rig.values + at, n), CM_OK);
            }
            assert_int_equal(cmstore_write(rig.thread, writer, rig.values, 1), CM_INVALID);
            assert_int_equal(cmstore_write_commit(rig.thread, writer, &stored), CM_OK);
            assert_int_equal(stored.outcome, CMSTORE_STORED);
            rig_expect(&rig, "key", sizes[i]);
        }
    }
    rig_close(&rig);
}

/* Less than was announced, or given up: nothing is there, and nothing is left behind. */
static void test_unfinished(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_stored stored;
    cmstore_writer *writer;
    rig_open(&rig, 4 * MIB, 0);
    struct cmstore_key key = rig_key(&rig, "key");
    for (unsigned i = 0; i < 200; i++) {
        size_t bytes = i % 2 ? 1000 : 400000;
        assert_int_equal(cmstore_write_begin(rig.thread, &key, bytes, NULL, &writer), CM_OK);
        assert_int_equal(cmstore_write(rig.thread, writer, rig.values, bytes - 1), CM_OK);
        if (i % 3)
            cmstore_write_abort(rig.thread, writer);
        else
            assert_int_equal(cmstore_write_commit(rig.thread, writer, &stored), CM_INVALID);
        assert_false(rig_has(&rig, "key"));
    }
    cmstore_write_abort(rig.thread, NULL);
    assert_int_equal(rig_counters(&rig).items, 0);
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
    assert_int_equal(atomic_load(&rig.store->in_flight_bytes), 0);
    rig_close(&rig);
}

static void test_too_large(void **state) {
    (void)state;
    struct rig rig;
    cmstore_writer *writer;
    rig_open(&rig, 4 * MIB, 100000);
    struct cmstore_key key = rig_key(&rig, "key");
    size_t most = 100000 - 12 - 3;
    struct cmstore_store_options heavy = {.client_flags = 1, .expires = 1000};
    assert_int_equal(cmstore_write_begin(rig.thread, &key, most + 1, NULL, &writer), CM_TOO_LARGE);
    assert_int_equal(cmstore_write_begin(rig.thread, &key, SIZE_MAX, NULL, &writer), CM_TOO_LARGE);
    assert_int_equal(cmstore_write_begin(rig.thread, &key, most, &heavy, &writer), CM_TOO_LARGE);
    assert_int_equal(cmstore_write_begin(rig.thread, &key, most, NULL, &writer), CM_OK);
    cmstore_write_abort(rig.thread, writer);
    assert_int_equal(rig_set(&rig, "key", most), CM_OK);
    assert_int_equal(rig_set(&rig, "key", most + 1), CM_TOO_LARGE);
    assert_int_equal(rig_store(&rig, "key", most, &heavy), CM_TOO_LARGE);
    rig_expect(&rig, "key", most);
    rig_close(&rig);
}

/* Senders that stop hold no more than half of the memory; one alone may always go on. */
static void test_quota(void **state) {
    (void)state;
    struct rig rig;
    cmstore_writer *writers[16];
    size_t refused = 0, bytes = 500000;
    rig_open(&rig, 2 * MIB, MIB);
    struct cmstore_key key = rig_key(&rig, "key");
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(cmstore_write_begin(rig.thread, &key, bytes, NULL, &writers[i]), CM_OK);
        enum cm_status status = cmstore_write(rig.thread, writers[i], rig.values, bytes - 1);
        assert_true(status == CM_OK || status == CM_NO_MEMORY);
        refused += status != CM_OK;
        assert_true(atomic_load(&rig.store->in_flight_bytes) <= MIB);
    }
    assert_true(refused >= 13);
    for (size_t i = 0; i < 16; i++)
        cmstore_write_abort(rig.thread, writers[i]);
    assert_int_equal(rig_set(&rig, "largest", MIB - 100), CM_OK);
    rig_expect(&rig, "largest", MIB - 100);
    assert_int_equal(atomic_load(&rig.store->in_flight_bytes), 0);
    rig_close(&rig);
}

/* append and prepend across all lengths at which a value changes its form. */
static void test_joins(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_store_options append = {.mode = CMSTORE_APPEND},
                                 prepend = {.mode = CMSTORE_PREPEND};
    rig_open(&rig, 8 * MIB, MIB);
    unsigned char *values = rig.values;
    for (size_t first = 1; first < 400000; first = first * 5 + 3) {
        for (size_t second = 1; second < 400000; second = second * 7 + 5) {
            assert_int_equal(rig_set(&rig, "a", first), CM_OK);
            rig.values = values + first;
            assert_int_equal(rig_store(&rig, "a", second, &append), CM_OK);
            assert_int_equal(rig_set(&rig, "p", second), CM_OK);
            rig.values = values;
            assert_int_equal(rig_store(&rig, "p", first, &prepend), CM_OK);
            rig_expect(&rig, "a", first + second);
            rig_expect(&rig, "p", first + second);
        }
    }
    assert_int_equal(rig_set(&rig, "a", MIB / 2), CM_OK);
    assert_int_equal(rig_store(&rig, "a", MIB / 2, &append), CM_TOO_LARGE);
    assert_int_equal(rig_store(&rig, "a", MIB - 20, &append), CM_TOO_LARGE);
    rig_expect(&rig, "a", MIB / 2);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chained_round_trips),
        cmocka_unit_test(test_pin_parts),
        cmocka_unit_test(test_relocation),
        cmocka_unit_test(test_pinned_while_all_changes),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_joins),
    };
    return cmocka_run_group_tests_name("store/writer", tests, NULL, NULL);
}

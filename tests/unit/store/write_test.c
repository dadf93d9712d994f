/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static struct rig rig;

static int set_up(void **state) {
    (void)state;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct cmstore_stored put(const char *key, const char *text,
                                 const struct cmstore_store_options *options) {
    struct cmstore_key k = rig_key(&rig, key);
    struct cmstore_value value = {text, strlen(text)};
    struct cmstore_stored stored;
    assert_int_equal(cmstore_store(rig.thread, &k, value, options, &stored), CM_OK);
    assert_int_equal(stored.outcome == CMSTORE_STORED, stored.cas != 0);
    return stored;
}

static void test_modes(void **state) {
    (void)state;
    static const struct {
        enum cmstore_mode mode;
        enum cmstore_outcome missing, present;
        const char *after;
    } cases[] = {
        {CMSTORE_SET, CMSTORE_STORED, CMSTORE_STORED, "new"},
        {CMSTORE_ADD, CMSTORE_STORED, CMSTORE_NOT_STORED, "old"},
        {CMSTORE_REPLACE, CMSTORE_NOT_STORED, CMSTORE_STORED, "new"},
        {CMSTORE_APPEND, CMSTORE_NOT_STORED, CMSTORE_STORED, "oldnew"},
        {CMSTORE_PREPEND, CMSTORE_NOT_STORED, CMSTORE_STORED, "newold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cmstore_store_options options = {.mode = cases[i].mode};
        rig_delete(&rig, "key");
        assert_int_equal(put("key", "new", &options).outcome, cases[i].missing);
        assert_int_equal(rig_has(&rig, "key"), cases[i].missing == CMSTORE_STORED);
        rig_set_text(&rig, "key", "old");
        assert_int_equal(put("key", "new", &options).outcome, cases[i].present);
        rig_expect_text(&rig, "key", cases[i].after);
    }
}

static void test_joining_keeps_flags_and_expiry(void **state) {
    (void)state;
    struct cmstore_store_options set = {.client_flags = 5, .expires = RIG_START_S + 50};
    struct cmstore_store_options append = {.mode = CMSTORE_APPEND, .client_flags = 9, .expires = 1};
    put("key", "a", &set);
    put("key", "b", &append);
    struct cmstore_item item = rig_get(&rig, "key");
    assert_int_equal(item.client_flags, 5);
    assert_int_equal(item.expires, RIG_START_S + 50);
    rig_expect_text(&rig, "key", "ab");
}

static void test_joining_to_nothing(void **state) {
    (void)state;
    struct cmstore_store_options append = {.mode = CMSTORE_APPEND,
                                           .client_flags = 9,
                                           .vivify = true,
                                           .vivify_expires = RIG_START_S + 7};
    put("key", "b", &append);
    struct cmstore_item item = rig_get(&rig, "key");
    assert_int_equal(item.client_flags, 9);
    assert_int_equal(item.expires, RIG_START_S + 7);
    put("key", "c", &append);
    rig_expect_text(&rig, "key", "bc");
}

static void test_cas(void **state) {
    (void)state;
    struct cmstore_store_options cas = {.compare_cas = true, .cas = 1};
    assert_int_equal(put("key", "x", &cas).outcome, CMSTORE_MISS);
    uint64_t first = put("key", "a", NULL).cas;
    cas.cas = first + 1;
    assert_int_equal(put("key", "b", &cas).outcome, CMSTORE_EXISTS);
    rig_expect_text(&rig, "key", "a");
    cas.cas = first;
    struct cmstore_stored stored = put("key", "b", &cas);
    assert_int_equal(stored.outcome, CMSTORE_STORED);
    assert_true(stored.cas > first);
    assert_true(rig_get(&rig, "key").cas == stored.cas);
    assert_int_equal(put("key", "c", &cas).outcome, CMSTORE_EXISTS);
    rig_expect_text(&rig, "key", "b");
}

static void test_explicit_cas(void **state) {
    (void)state;
    static const uint64_t cas[] = {1, UINT64_C(1) << 38, UINT64_C(1) << 39, UINT64_MAX, 2};
    for (size_t i = 0; i < sizeof cas / sizeof *cas; i++) {
        struct cmstore_store_options options = {.cas_new = cas[i]};
        assert_true(put("key", "x", &options).cas == cas[i]);
        assert_true(rig_get(&rig, "key").cas == cas[i]);
    }
}

/* An older version may be stored, as stale: it keeps the expiry and asks for a better one. */
static void test_accepting_a_lower_cas(void **state) {
    (void)state;
    struct cmstore_store_options set = {.cas_new = 100, .expires = RIG_START_S + 30};
    struct cmstore_store_options lower = {
        .compare_cas = true, .cas = 99, .accept_lower_cas = true, .expires = RIG_START_S + 999};
    put("key", "a", &set);
    lower.cas = 101;
    assert_int_equal(put("key", "b", &lower).outcome, CMSTORE_EXISTS);
    lower.cas = 99;
    assert_int_equal(put("key", "b", &lower).outcome, CMSTORE_STORED);
    struct cmstore_item item = rig_get(&rig, "key");
    assert_true(item.stale && item.won);
    assert_int_equal(item.expires, RIG_START_S + 30);
    rig_expect_text(&rig, "key", "b");
    put("key", "c", NULL);
    item = rig_get(&rig, "key");
    assert_false(item.stale || item.won || item.win_sent);
}

static void test_every_key_length(void **state) {
    (void)state;
    char key[CMSTORE_KEY_BYTES_MAX + 1];
    for (size_t bytes = 1; bytes <= CMSTORE_KEY_BYTES_MAX; bytes++) {
        memset(key, 'k', bytes);
        key[bytes] = 0;
        assert_int_equal(rig_set(&rig, key, 0), CM_OK);
        assert_int_equal(rig_set(&rig, key, bytes * 3), CM_OK);
    }
    for (size_t bytes = 1; bytes <= CMSTORE_KEY_BYTES_MAX; bytes++) {
        memset(key, 'k', bytes);
        key[bytes] = 0;
        rig_expect(&rig, key, bytes * 3);
    }
    assert_int_equal(rig_counters(&rig).items, CMSTORE_KEY_BYTES_MAX);
}

/* In the smallest segments too a short value with a long key is one piece. */
static void test_long_keys_in_small_segments(void **state) {
    (void)state;
    struct rig small;
    char key[CMSTORE_KEY_BYTES_MAX + 1];
    struct cmstore_number number;
    struct cmstore_arith_options incr = {.delta = 1, .vivify = true, .initial = 9};
    rig_open(&small, CMSTORE_MEMORY_MIN, 0);
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char digits[8];
        int n = snprintf(digits, sizeof digits, "%05u", i % 2000);
        memcpy(key, digits, (size_t)n);
        struct cmstore_key k = rig_key(&small, key);
        assert_int_equal(cmstore_arith(small.thread, &k, &incr, &number), CM_OK);
        assert_int_equal(rig_set(&small, key, 0), CM_OK);
        assert_int_equal(cmstore_delete(small.thread, &k, NULL, NULL), CM_OK);
        assert_int_equal(cmstore_arith(small.thread, &k, &incr, &number), CM_OK);
    }
    rig_close(&small);
}

/* Full and not allowed to evict: refused, nothing changes; what is deleted can be used again. */
static void test_no_evict(void **state) {
    (void)state;
    struct cmstore_options options = {
        .memory_bytes = UINT64_C(1) << 20, .no_evict = true, .no_background = true};
    struct rig full;
    char key[16];
    unsigned count = 0;
    rig_open_with(&full, &options);
    for (;; count++) {
        snprintf(key, sizeof key, "%u", count);
        enum cm_status status = rig_set(&full, key, 400);
        if (status == CM_NO_MEMORY)
            break;
        assert_int_equal(status, CM_OK);
    }
    assert_true(count > 1500);
    assert_false(rig_has(&full, key));
    for (unsigned spare = count / 10; spare > 0; spare--) { /* what bookkeeping still asks for */
        snprintf(key, sizeof key, "%u", --count);
        rig_delete(&full, key);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < count; i++) {
            snprintf(key, sizeof key, "%u", i);
            rig_expect(&full, key, 400);
        }
        for (unsigned i = round % 3; i < count; i += 3) {
            snprintf(key, sizeof key, "%u", i);
            rig_delete(&full, key);
        }
        for (unsigned i = round % 3; i < count; i += 3) {
            snprintf(key, sizeof key, "%u", i);
            assert_int_equal(rig_set(&full, key, 400), CM_OK);
        }
    }
    assert_true(rig_counters(&full).no_memory == 1);
    assert_int_equal(rig_counters(&full).evictions, 0);
    rig_close(&full);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_modes),
        EACH(test_joining_keeps_flags_and_expiry),
        EACH(test_joining_to_nothing),
        EACH(test_cas),
        EACH(test_explicit_cas),
        EACH(test_accepting_a_lower_cas),
        EACH(test_every_key_length),
        cmocka_unit_test(test_long_keys_in_small_segments),
        cmocka_unit_test(test_no_evict),
    };
    return cmocka_run_group_tests_name("store/write", tests, NULL, NULL);
}

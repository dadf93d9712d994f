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

static struct cmstore_item remove_item(const char *name,
                                       const struct cmstore_delete_options *options) {
    struct cmstore_key key = rig_key(&rig, name);
    struct cmstore_item item;
    assert_int_equal(cmstore_delete(rig.thread, &key, options, &item), CM_OK);
    return item;
}

static struct cmstore_number count(const char *name, const struct cmstore_arith_options *options) {
    struct cmstore_key key = rig_key(&rig, name);
    struct cmstore_number number;
    assert_int_equal(cmstore_arith(rig.thread, &key, options, &number), CM_OK);
    return number;
}

static void test_delete(void **state) {
    (void)state;
    assert_int_equal(remove_item("a", NULL).outcome, CMSTORE_MISS);
    rig_set_text(&rig, "a", "x");
    assert_int_equal(remove_item("a", NULL).outcome, CMSTORE_HIT);
    assert_int_equal(remove_item("a", NULL).outcome, CMSTORE_MISS);
    assert_int_equal(rig_counters(&rig).items, 0);
    assert_int_equal(rig_counters(&rig).item_bytes, 0);
}

static void test_delete_compares(void **state) {
    (void)state;
    rig_set_text(&rig, "a", "x");
    struct cmstore_delete_options options = {.compare_cas = true,
                                             .cas = rig_get(&rig, "a").cas + 1};
    assert_int_equal(remove_item("a", &options).outcome, CMSTORE_EXISTS);
    options.cas--;
    assert_int_equal(remove_item("a", &options).outcome, CMSTORE_HIT);
    assert_false(rig_has(&rig, "a"));
}

/* Marked stale, the item stays; the first who reads it is to renew it, the others are told. */
static void test_stale(void **state) {
    (void)state;
    struct cmstore_delete_options stale = {
        .mark_stale = true, .set_expires = true, .expires = RIG_START_S + 30};
    rig_set_text(&rig, "a", "x");
    uint64_t before = rig_get(&rig, "a").cas;
    uint64_t after = remove_item("a", &stale).cas;
    assert_true(after != before);
    struct cmstore_item first = rig_get(&rig, "a"), second = rig_get(&rig, "a");
    assert_true(first.stale && first.won && !first.win_sent);
    assert_true(second.stale && !second.won && second.win_sent);
    assert_int_equal(first.expires, RIG_START_S + 30);
    assert_true(first.cas == after && second.cas == after);
    rig_expect_text(&rig, "a", "x");
    rig_set_text(&rig, "a", "y");
    first = rig_get(&rig, "a");
    assert_false(first.stale || first.won || first.win_sent);
}

static void test_clear(void **state) {
    (void)state;
    struct cmstore_delete_options clear = {.clear_value = true};
    struct cmstore_store_options set = {.client_flags = 9, .expires = RIG_START_S + 9};
    for (size_t bytes = 1; bytes < 500000; bytes *= 10) {
        assert_int_equal(rig_store(&rig, "a", bytes, &set), CM_OK);
        uint64_t cas = rig_get(&rig, "a").cas;
        assert_int_equal(remove_item("a", &clear).outcome, CMSTORE_HIT);
        struct cmstore_item item = rig_get(&rig, "a");
        assert_int_equal(item.value.bytes, 0);
        assert_int_equal(item.client_flags, 0);
        assert_int_equal(item.expires, RIG_START_S + 9);
        assert_true(item.cas != cas);
        assert_true(rig_counters(&rig).item_bytes < 100);
    }
}

static void test_touch(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "a");
    struct cmstore_item item;
    assert_int_equal(cmstore_touch(rig.thread, &key, 7, &item), CM_OK);
    assert_int_equal(item.outcome, CMSTORE_MISS);
    for (size_t bytes = 1; bytes < 500000; bytes *= 10) {
        assert_int_equal(rig_set(&rig, "a", bytes), CM_OK);
        uint64_t cas = rig_get(&rig, "a").cas;
        assert_int_equal(cmstore_touch(rig.thread, &key, RIG_START_S + 7, &item), CM_OK);
        assert_int_equal(item.outcome, CMSTORE_HIT);
        assert_int_equal(item.expires_old, 0);
        assert_int_equal(item.expires, RIG_START_S + 7);
        assert_true(item.cas == cas && rig_get(&rig, "a").cas == cas);
        rig_expect(&rig, "a", bytes);
    }
}

static void test_arith(void **state) {
    (void)state;
    static const struct {
        const char *before;
        uint64_t delta;
        bool decrement;
        uint64_t number;
        const char *after;
    } cases[] = {
        {"0", 1, false, 1, "1"},
        {"9", 1, false, 10, "10"},
        {"99", 1, false, 100, "100"},
        {"10", 1, true, 9, "9 "},
        {"100", 91, true, 9, "9  "},
        {"5", 6, true, 0, "0"},
        {"123", UINT64_MAX, true, 0, "0  "},
        {"18446744073709551615", 1, false, 0, "0                   "},
        {"18446744073709551615", 0, false, UINT64_MAX, "18446744073709551615"},
        {"1", UINT64_MAX, false, 0, "0"},
        {"  7", 1, false, 8, "8  "},
        {"7 and more", 1, false, 8, "8         "},
        {"007", 1, false, 8, "8  "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cmstore_arith_options o = {.delta = cases[i].delta, .decrement = cases[i].decrement};
        rig_set_text(&rig, "n", cases[i].before);
        uint64_t cas = rig_get(&rig, "n").cas;
        struct cmstore_number number = count("n", &o);
        assert_int_equal(number.item.outcome, CMSTORE_HIT);
        assert_true(number.value == cases[i].number);
        assert_true(number.item.cas != cas);
        rig_expect_text(&rig, "n", cases[i].after);
        assert_true(rig_get(&rig, "n").cas == number.item.cas);
    }
}

static void test_not_numeric(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "x",
                                        "-1",
                                        "1x",
                                        "0x10",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "000000000000000000001"};
    struct cmstore_key key = rig_key(&rig, "n");
    struct cmstore_arith_options o = {.delta = 1};
    struct cmstore_number number;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rig_set_text(&rig, "n", texts[i]);
        uint64_t cas = rig_get(&rig, "n").cas;
        assert_int_equal(cmstore_arith(rig.thread, &key, &o, &number), CM_NOT_NUMERIC);
        rig_expect_text(&rig, "n", texts[i]);
        assert_true(rig_get(&rig, "n").cas == cas);
    }
    assert_int_equal(rig_set(&rig, "n", 500000), CM_OK);
    assert_int_equal(cmstore_arith(rig.thread, &key, &o, &number), CM_NOT_NUMERIC);
}

static void test_arith_options(void **state) {
    (void)state;
    struct cmstore_arith_options o = {.delta = 5};
    assert_int_equal(count("n", &o).item.outcome, CMSTORE_MISS);
    o = (struct cmstore_arith_options){
        .delta = 5, .vivify = true, .initial = 70, .vivify_expires = RIG_START_S + 5};
    struct cmstore_number number = count("n", &o);
    assert_int_equal(number.item.outcome, CMSTORE_STORED);
    assert_int_equal(number.value, 70);
    assert_int_equal(number.item.expires, RIG_START_S + 5);
    assert_int_equal(count("n", &o).value, 75);
    o = (struct cmstore_arith_options){.delta = 1, .compare_cas = true, .cas = 12345};
    assert_int_equal(count("n", &o).item.outcome, CMSTORE_EXISTS);
    o.cas = rig_get(&rig, "n").cas;
    o.cas_new = UINT64_C(1) << 50;
    o.set_expires = true;
    number = count("n", &o);
    assert_int_equal(number.value, 76);
    assert_true(number.item.cas == o.cas_new);
    assert_int_equal(rig_get(&rig, "n").expires, 0);
    rig_expect_text(&rig, "n", "76");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_delete),      EACH(test_delete_compares), EACH(test_stale),
        EACH(test_clear),       EACH(test_touch),           EACH(test_arith),
        EACH(test_not_numeric), EACH(test_arith_options),
    };
    return cmocka_run_group_tests_name("store/update", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/shadow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OBJECTS 200u

static const struct cm_tuning plain_clock = {.small_percent = 0, .small_hits = 1, .main_hits = 2};
static const struct cm_tuning two_logs = {
    .small_percent = 10, .small_hits = 1, .main_hits = 3, .ghost_percent = 90};
static const struct cm_tuning adaptive = {
    .adapts = true, .small_percent = 10, .small_hits = 1, .main_hits = 3, .ghost_percent = 90};

static uint32_t key_of(uint32_t n) {
    return (n + 1) * UINT32_C(0x85EBCA6B);
}

/* Hits of so many keys in turn. */
static unsigned request(struct cm_shadow *shadow, uint32_t from, uint32_t to) {
    unsigned hits = 0;
    for (uint32_t n = from; n < to; n++)
        hits += cm_shadow_request(shadow, key_of(n));
    return hits;
}

static void test_holds_as_many_as_told(void **state) {
    (void)state;
    const struct cm_tuning *const tunings[] = {&plain_clock, &two_logs, &adaptive};
    for (unsigned i = 0; i < sizeof tunings / sizeof *tunings; i++) {
        struct cm_shadow *shadow = cm_shadow_create(tunings[i], OBJECTS);
        assert_non_null(shadow);
        assert_int_equal(request(shadow, 0, OBJECTS), 0);
        assert_int_equal(request(shadow, 0, OBJECTS), OBJECTS);
        assert_int_equal(request(shadow, 0, OBJECTS + 1), OBJECTS); /* the one more is new */
        unsigned held = 0;
        for (uint32_t n = 0; n <= OBJECTS;
             n++) /* backwards: a miss pushes out what was asked for */
            held += cm_shadow_request(shadow, key_of(OBJECTS - n));
        assert_in_range(held, OBJECTS / 2, OBJECTS);
        cm_shadow_destroy(shadow);
    }
    cm_shadow_destroy(NULL);
}

/* What comes by once does not push out what is read again and again; in a clock it does. */
static void test_scan(void **state) {
    (void)state;
    struct cm_shadow *shadow = cm_shadow_create(&two_logs, OBJECTS);
    assert_non_null(shadow);
    (void)request(shadow, 0, OBJECTS / 2);
    (void)request(shadow, 0, OBJECTS / 2);
    (void)request(shadow, 1000, 1000 + 3 * OBJECTS);
    assert_int_equal(request(shadow, 0, OBJECTS / 2), OBJECTS / 2);
    cm_shadow_destroy(shadow);

    shadow = cm_shadow_create(&plain_clock, OBJECTS);
    assert_non_null(shadow);
    (void)request(shadow, 0, OBJECTS / 2);
    (void)request(shadow, 1000, 1000 + 3 * OBJECTS);
    assert_int_equal(request(shadow, 0, OBJECTS / 2), 0);
    cm_shadow_destroy(shadow);
}

/* A loop longer than the cache: main keeps part of it, a clock nothing. */
static void test_loop(void **state) {
    (void)state;
    struct cm_shadow *logs = cm_shadow_create(&two_logs, OBJECTS);
    struct cm_shadow *only = cm_shadow_create(&plain_clock, OBJECTS);
    assert_true(logs && only);
    unsigned hits = 0, clock_hits = 0;
    for (unsigned round = 0; round < 20; round++) {
        hits += request(logs, 0, 3 * OBJECTS);
        clock_hits += request(only, 0, 3 * OBJECTS);
    }
    assert_int_equal(clock_hits, 0);
    assert_in_range(hits, 20 * OBJECTS / 2, 20 * OBJECTS);
    cm_shadow_destroy(logs);
    cm_shadow_destroy(only);
}

/* A key that was dropped and comes back enters main, where the next scan leaves it alone. */
static void test_ghost(void **state) {
    (void)state;
    struct cm_shadow *shadow = cm_shadow_create(&two_logs, OBJECTS);
    assert_non_null(shadow);
    (void)request(shadow, 0, 2 * OBJECTS);
    uint32_t dropped = 2 * OBJECTS - OBJECTS / 5;
    assert_false(cm_shadow_request(shadow, key_of(dropped)));
    (void)request(shadow, 1000, 1000 + OBJECTS / 2);
    assert_true(cm_shadow_request(shadow, key_of(dropped)));
    cm_shadow_destroy(shadow);
}

/* Keys that come back after half a cache's worth of others: only a long small log sees them. */
static void test_adapts(void **state) {
    (void)state;
    struct cm_shadow *fixed = cm_shadow_create(&two_logs, OBJECTS);
    struct cm_shadow *moving = cm_shadow_create(&adaptive, OBJECTS);
    assert_true(fixed && moving);
    unsigned fixed_hits = 0, moving_hits = 0;
    for (uint32_t n = OBJECTS / 2; n < 50 * OBJECTS; n++) {
        (void)cm_shadow_request(fixed, key_of(n));
        (void)cm_shadow_request(moving, key_of(n));
        fixed_hits += cm_shadow_request(fixed, key_of(n - OBJECTS / 2));
        moving_hits += cm_shadow_request(moving, key_of(n - OBJECTS / 2));
    }
    assert_true(moving_hits > 2 * fixed_hits + 10 * OBJECTS);
    cm_shadow_destroy(fixed);
    cm_shadow_destroy(moving);
}

static void test_any_size(void **state) {
    (void)state;
    for (uint32_t objects = CM_SHADOW_OBJECTS_MIN; objects <= CM_SHADOW_OBJECTS_MAX; objects++) {
        struct cm_shadow *shadow = cm_shadow_create(&adaptive, objects);
        assert_non_null(shadow);
        for (uint32_t n = 0; n < 8 * objects; n++)
            (void)cm_shadow_request(shadow, key_of(n % 7 ? n : n / 7));
        assert_true(cm_shadow_bytes(objects) <= 64 * objects + 256);
        cm_shadow_destroy(shadow);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_as_many_as_told),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_ghost),
        cmocka_unit_test(test_adapts),
        cmocka_unit_test(test_any_size),
    };
    return cmocka_run_group_tests_name("store/policy/shadow", tests, NULL, NULL);
}

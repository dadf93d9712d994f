/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/ghost.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRIES_MAX 100000u

static struct cm_ghost ghost;

static int set_up(void **state) {
    (void)state;
    return cm_ghost_init(&ghost, ENTRIES_MAX) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_ghost_deinit(&ghost);
    return 0;
}

static uint64_t hash_of(uint64_t n) {
    n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return n ^ n >> 29;
}

static void test_remembers_where_from_once(void **state) {
    (void)state;
    cm_ghost_put(&ghost, hash_of(1), CM_GHOST_SMALL);
    cm_ghost_put(&ghost, hash_of(2), CM_GHOST_MAIN);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(3)), CM_GHOST_UNKNOWN);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(1)), CM_GHOST_SMALL);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(1)), CM_GHOST_UNKNOWN);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(2)), CM_GHOST_MAIN);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(2)), CM_GHOST_UNKNOWN);
}

static void test_being_asked_changes_nothing(void **state) {
    (void)state;
    assert_false(cm_ghost_knows(&ghost, hash_of(1)));
    cm_ghost_put(&ghost, hash_of(1), CM_GHOST_SMALL);
    assert_true(cm_ghost_knows(&ghost, hash_of(1)));
    assert_true(cm_ghost_knows(&ghost, hash_of(1)));
    assert_false(cm_ghost_knows(&ghost, hash_of(2)));
    assert_int_equal(cm_ghost_take(&ghost, hash_of(1)), CM_GHOST_SMALL);
    assert_false(cm_ghost_knows(&ghost, hash_of(1)));
}

static unsigned remembered(uint64_t from, uint64_t to) {
    unsigned known = 0;
    for (uint64_t n = from; n < to; n++)
        known += cm_ghost_take(&ghost, hash_of(n)) != CM_GHOST_UNKNOWN;
    return known;
}

/* What was put last is known, what was put more than a room ago is not, nearly always. */
static void test_forgets_the_oldest(void **state) {
    (void)state;
    (void)cm_ghost_resize(&ghost, 20000);
    for (uint64_t n = 0; n < 100000; n++)
        cm_ghost_put(&ghost, hash_of(n), CM_GHOST_SMALL);
    assert_true(remembered(90000, 100000) > 9000);
    assert_true(remembered(0, 70000) < 70000 / 20);
    assert_true(remembered(1000000, 1100000) < 100000 / 25); /* taken for known by mistake */
}

static void test_resize_keeps_to_what_it_may(void **state) {
    (void)state;
    uint64_t small = cm_ghost_resize(&ghost, 256);
    uint64_t large = cm_ghost_resize(&ghost, ENTRIES_MAX);
    assert_true(large >= ENTRIES_MAX * 2 && large < ENTRIES_MAX * 5);
    assert_true(cm_ghost_resize(&ghost, ENTRIES_MAX * 9 / 10) == large); /* close enough */
    assert_true(cm_ghost_resize(&ghost, UINT64_C(1) << 40) == large);    /* not to be had */
    assert_true(cm_ghost_resize(&ghost, 0) == small);
    cm_ghost_put(&ghost, hash_of(7), CM_GHOST_MAIN);
    assert_int_equal(cm_ghost_take(&ghost, hash_of(7)), CM_GHOST_MAIN);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_remembers_where_from_once),
        EACH(test_being_asked_changes_nothing),
        EACH(test_forgets_the_oldest),
        EACH(test_resize_keeps_to_what_it_may),
    };
    return cmocka_run_group_tests_name("store/policy/ghost", tests, NULL, NULL);
}

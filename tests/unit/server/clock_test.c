/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    cmstore *store;
    struct cm_clock clock;
};

static int set_up(void **state) {
    static struct fixture fixture;
    const struct cmstore_options options = {.no_background = true, .clock_s = CM_CLOCK_START_S};
    *state = &fixture;
    return cmstore_create(&options, &fixture.store) == CM_OK &&
                   cm_clock_init(&fixture.clock, fixture.store) == CM_OK
               ? 0
               : 1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    cm_clock_deinit(&fixture->clock);
    cmstore_destroy(fixture->store);
    return 0;
}

static void test_starts_at_two(void **state) {
    struct fixture *fixture = *state;
    cm_clock_tick(&fixture->clock);
    assert_in_range(cmstore_clock(fixture->store), CM_CLOCK_START_S, CM_CLOCK_START_S + 60);
}

static void test_stands_still_while_paused(void **state) {
    struct fixture *fixture = *state;
    cm_clock_pause(&fixture->clock, true);
    cm_clock_tick(&fixture->clock);
    uint32_t before = cmstore_clock(fixture->store);
    fixture->clock.start_ns -= (uint64_t)100 * 1000000000; /* a hundred seconds pass */
    cm_clock_tick(&fixture->clock);
    assert_int_equal(cmstore_clock(fixture->store), before);
    cm_clock_move(&fixture->clock, 10);
    assert_int_equal(cmstore_clock(fixture->store), before + 10);
    cm_clock_pause(&fixture->clock, false);
    cm_clock_tick(&fixture->clock);
    assert_in_range(cmstore_clock(fixture->store), before + 10, before + 70);
    fixture->clock.start_ns -= (uint64_t)100 * 1000000000;
    cm_clock_tick(&fixture->clock);
    assert_in_range(cmstore_clock(fixture->store), before + 110, before + 170);
}

static void test_never_goes_back(void **state) {
    struct fixture *fixture = *state;
    cm_clock_move(&fixture->clock, 1000);
    uint32_t before = cmstore_clock(fixture->store);
    cm_clock_move(&fixture->clock, -500);
    assert_int_equal(cmstore_clock(fixture->store), before);
    cm_clock_move(&fixture->clock, INT64_MAX);
    cm_clock_move(&fixture->clock, INT64_MIN);
    cm_clock_tick(&fixture->clock);
    assert_in_range(cmstore_clock(fixture->store), before, before + 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_starts_at_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stands_still_while_paused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_goes_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

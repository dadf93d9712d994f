/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LIMIT   (UINT64_C(1) << 20)
#define SEGMENT 4096u

static struct cm_arena arena;

static int set_up(void **state) {
    (void)state;
    return cm_arena_init(&arena, LIMIT, 16 * LIMIT) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_arena_deinit(&arena);
    return 0;
}

static uint64_t take(size_t bytes) {
    uint64_t place = cm_arena_alloc(&arena, 0, bytes, false);
    if (place)
        cm_extent_write(cm_arena_at(&arena, place), bytes, 0);
    return place;
}

static void test_segment_sizes(void **state) {
    (void)state;
    static const struct {
        uint64_t limit;
        size_t segment;
    } cases[] = {
        {UINT64_C(1) << 20, 4096},        {UINT64_C(2) << 20, 4096},
        {UINT64_C(4) << 20, 8192},        {UINT64_C(100) << 20, 128 << 10},
        {UINT64_C(128) << 20, 256 << 10}, {UINT64_C(1) << 30, 256 << 10},
        {UINT64_C(100) << 30, 256 << 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cm_arena other;
        assert_int_equal(cm_arena_init(&other, cases[i].limit, cases[i].limit), CM_OK);
        assert_int_equal(cm_arena_segment_bytes(&other), cases[i].segment);
        cm_arena_deinit(&other);
    }
}

static void test_appends_without_gaps(void **state) {
    (void)state;
    uint64_t first = take(100), second = take(1000), third = take(12);
    assert_true(first != 0);
    assert_true(second == first + 25 && third == second + 250);
    struct cm_segment *segment = cm_arena_holder(&arena, first);
    assert_int_equal(atomic_load(&segment->live), 1112);
    assert_int_equal(atomic_load(&segment->state), CM_SEGMENT_OPEN);
    cm_arena_kill(&arena, second, 1000);
    assert_int_equal(atomic_load(&segment->live), 112);
}

/* A3: what does not fit seals the segment, and a filler ends it. */
static void test_seals_what_is_full(void **state) {
    (void)state;
    uint64_t first = take(4000), second = take(200);
    assert_true(cm_arena_segment_of(&arena, first) != cm_arena_segment_of(&arena, second));
    assert_int_equal(atomic_load(&cm_arena_holder(&arena, first)->state), CM_SEGMENT_SEALED);
    const cm_record *filler = cm_arena_at(&arena, first + 1000);
    assert_int_equal(CM_W0_KEY(cm_word(filler, 0)), 0);
    assert_int_equal(cm_record_bytes(filler, cm_word(filler, 0)), 96);
    assert_true(take(SEGMENT) != 0);
    assert_true(take(SEGMENT) != 0);
}

static void test_parts(void **state) {
    (void)state;
    (void)take(4000);
    struct cm_part part = {.least = 64, .most = 2000};
    uint64_t place = cm_arena_alloc_part(&arena, 0, &part, false);
    assert_int_equal(part.bytes, 96); /* the rest */
    cm_extent_write(cm_arena_at(&arena, place), part.bytes, 0);
    part = (struct cm_part){.least = 64, .most = 2000};
    place = cm_arena_alloc_part(&arena, 0, &part, false);
    assert_int_equal(part.bytes, 2000);
    cm_extent_write(cm_arena_at(&arena, place), part.bytes, 0);
    (void)take(2048);
    part = (struct cm_part){.least = 64, .most = 2000};
    place = cm_arena_alloc_part(&arena, 0, &part, false); /* only 48 are left there */
    assert_int_equal(part.bytes, 2000);
    assert_int_equal(place * CM_UNIT_BYTES % SEGMENT, 0);
    cm_extent_write(cm_arena_at(&arena, place), part.bytes, 0);
}

static uint32_t fill(void) {
    uint32_t count = 0;
    while (take(SEGMENT))
        count++;
    return count;
}

static void free_segment(uint32_t number) {
    assert_true(cm_arena_start_evacuation(&arena, number));
    cm_arena_kill(&arena, cm_arena_place(&arena, number, 0), SEGMENT);
    cm_arena_to_limbo(&arena, number);
    cm_arena_free(&arena, number);
}

/* The last segments are reclaim's. */
static void test_budget(void **state) {
    (void)state;
    uint32_t allowed = atomic_load(&arena.allowed);
    assert_int_equal(allowed, LIMIT / SEGMENT);
    assert_int_equal(fill(), allowed - CM_KEEPER_RESERVE);
    for (unsigned i = 0; i < CM_KEEPER_RESERVE; i++) {
        uint64_t place = cm_arena_alloc(&arena, 1, SEGMENT, true);
        assert_true(place != 0);
        cm_extent_write(cm_arena_at(&arena, place), SEGMENT, 0);
    }
    assert_int_equal(atomic_load(&arena.available), 0);
    for (uint32_t number = 1; number <= 3; number++)
        free_segment(number);
    assert_int_equal(atomic_load(&arena.available), 3);
    assert_int_equal(fill(), 1);
}

static void test_the_budget_shrinks_and_grows(void **state) {
    (void)state;
    uint32_t allowed = atomic_load(&arena.allowed);
    assert_int_equal(fill(), allowed - CM_KEEPER_RESERVE);
    cm_arena_owe(&arena, 10 * SEGMENT);
    assert_int_equal(atomic_load(&arena.allowed), allowed - 10);
    assert_int_equal(atomic_load(&arena.available), 0);
    assert_false(cm_arena_settle(&arena));
    for (uint32_t number = 1; number <= 8; number++)
        free_segment(number);
    assert_true(cm_arena_settle(&arena));
    assert_int_equal(arena.resident, allowed - 10);
    cm_arena_owe(&arena, -10 * (int64_t)SEGMENT);
    assert_int_equal(fill(), 8);
    assert_false(cm_arena_try_owe(&arena, SEGMENT * 2, 1));
    assert_int_equal(cm_arena_set_limit(&arena, 2 * LIMIT), CM_OK);
    assert_true(cm_arena_try_owe(&arena, SEGMENT * 2, 1));
    assert_int_equal(fill(), allowed - 2);
}

static void test_limits(void **state) {
    (void)state;
    assert_int_equal(cm_arena_set_limit(&arena, 16 * SEGMENT - 1), CM_LIMIT_TOO_SMALL);
    assert_int_equal(cm_arena_set_limit(&arena, 16 * SEGMENT), CM_OK);
    assert_int_equal(cm_arena_set_limit(&arena, 16 * LIMIT), CM_OK);
    assert_int_equal(cm_arena_set_limit(&arena, 17 * LIMIT), CM_INVALID);
    assert_int_equal(cm_arena_set_limit(&arena, UINT64_MAX), CM_INVALID);
}

static void test_logs(void **state) {
    (void)state;
    uint32_t first = cm_arena_segment_of(&arena, take(SEGMENT));
    uint32_t second = cm_arena_segment_of(&arena, take(SEGMENT));
    (void)take(SEGMENT);
    assert_int_equal(arena.logs[0].oldest, first);
    assert_int_equal(atomic_load(&arena.logs[0].count), 3);
    assert_true(cm_arena_adopt(&arena));
    assert_int_equal(arena.logs[0].oldest, second);
    assert_int_equal(arena.logs[1].oldest, first);
    assert_int_equal(atomic_load(&cm_arena_segment(&arena, first)->log), 1);
    assert_true(cm_arena_start_evacuation(&arena, second));
    assert_false(cm_arena_start_evacuation(&arena, second));
    cm_arena_cancel_evacuation(&arena, second);
    assert_int_equal(arena.logs[0].newest, second);
    assert_int_equal(atomic_load(&arena.logs[0].count), 2);
    assert_true(cm_arena_start_evacuation(&arena, second));
    cm_arena_cancel_evacuation(&arena, second);
}

/* Every log's open segment is sealed, and what is opened later is told apart. */
static void test_seal_all(void **state) {
    (void)state;
    _Atomic uint64_t upto = 0;
    uint64_t before = take(100);
    cm_arena_seal_all(&arena, &upto);
    assert_int_equal(atomic_load(&cm_arena_holder(&arena, before)->state), CM_SEGMENT_SEALED);
    assert_true(atomic_load(&cm_arena_holder(&arena, before)->opened) <= atomic_load(&upto));
    uint64_t after = take(100);
    assert_true(atomic_load(&cm_arena_holder(&arena, after)->opened) > atomic_load(&upto));
    cm_arena_seal_all(&arena, &upto);
    assert_true(atomic_load(&cm_arena_holder(&arena, after)->opened) <= atomic_load(&upto));
    cm_arena_seal_all(&arena, &upto); /* nothing is open */
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_segment_sizes),
        EACH(test_appends_without_gaps),
        EACH(test_seals_what_is_full),
        EACH(test_parts),
        EACH(test_budget),
        EACH(test_the_budget_shrinks_and_grows),
        EACH(test_limits),
        EACH(test_logs),
        EACH(test_seal_all),
    };
    return cmocka_run_group_tests_name("store/arena", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/gone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_BYTES  ((uint64_t)256 << 20)
#define LIMIT_BYTES ((uint64_t)8 << 20) /* 64 KiB: 1024 sets */
#define ENTRIES     8192u
#define START_S     1000u

static struct cm_gone gone;

static int set_up(void **state) {
    (void)state;
    return cm_gone_init(&gone, LIMIT_BYTES, MOST_BYTES) != CM_OK;
}

static int tear_down(void **state) {
    (void)state;
    cm_gone_deinit(&gone);
    return 0;
}

static uint64_t hash_of(uint64_t n) {
    n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return n ^ n >> 29;
}

static void put(uint64_t hash, enum cmstore_reason reason, uint32_t now_s) {
    struct cmstore_gone what = {.reason = reason, .when_s = now_s, .unused_s = 7, .fetched = true};
    cm_gone_put(&gone, hash, &what, now_s);
}

static enum cmstore_reason reason_of(uint64_t hash, uint32_t now_s) {
    return cm_gone_find(&gone, hash, now_s).reason;
}

static unsigned remembered(uint64_t from, uint64_t to, uint32_t now_s) {
    unsigned known = 0;
    for (uint64_t n = from; n < to; n++)
        known += reason_of(hash_of(n), now_s) != CMSTORE_UNKNOWN;
    return known;
}

static void expect(uint64_t hash, const struct cmstore_gone *what, uint32_t now_s) {
    struct cmstore_gone found = cm_gone_find(&gone, hash, now_s);
    assert_int_equal(found.reason, what->reason);
    assert_int_equal(found.when_s, what->when_s);
    assert_int_equal(found.unused_s, what->unused_s);
    assert_int_equal(found.fetched, what->fetched);
}

static void test_tells_all_that_was_put(void **state) {
    (void)state;
    for (unsigned reason = CMSTORE_EVICTED; reason <= CMSTORE_FLUSHED; reason++) {
        for (unsigned fetched = 0; fetched < 2; fetched++) {
            struct cmstore_gone what = {.reason = (enum cmstore_reason)reason,
                                        .when_s = START_S - reason,
                                        .unused_s = 10 * reason,
                                        .fetched = fetched};
            cm_gone_put(&gone, hash_of(reason), &what, START_S);
            expect(hash_of(reason), &what, START_S);
            expect(hash_of(reason), &what, START_S + CM_GONE_SECONDS / 2);
        }
    }
    assert_int_equal(reason_of(hash_of(99), START_S), CMSTORE_UNKNOWN);
    assert_int_equal(cm_gone_find(&gone, hash_of(99), START_S).when_s, 0);
}

/* Also of what has no fingerprint of its own, and past what fits. */
static void test_extremes(void **state) {
    (void)state;
    struct cmstore_gone what = {
        .reason = CMSTORE_EVICTED, .when_s = UINT32_MAX, .unused_s = UINT32_MAX};
    cm_gone_put(&gone, 0, &what, UINT32_MAX);
    what.unused_s = CM_GONE_SECONDS;
    expect(0, &what, UINT32_MAX);
    struct cmstore_gone first = {.reason = CMSTORE_DELETED};
    cm_gone_put(&gone, UINT64_MAX, &first, 0);
    expect(UINT64_MAX, &first, 0);
}

static void test_the_newest_counts(void **state) {
    (void)state;
    put(hash_of(1), CMSTORE_EVICTED, START_S);
    put(hash_of(1), CMSTORE_DELETED, START_S);
    put(hash_of(1), CMSTORE_FLUSHED, START_S + 5);
    struct cmstore_gone what = {
        .reason = CMSTORE_FLUSHED, .when_s = START_S + 5, .unused_s = 7, .fetched = true};
    expect(hash_of(1), &what, START_S + 9);
}

/* The clock may move while a thread looks: what went in the second after its own is the newest there
 * is, not the oldest. */
static void test_the_next_second_is_now(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 8; i++)
        put(i << 51, CMSTORE_EVICTED, i == 4 ? START_S + 1 : START_S - 1);
    struct cmstore_gone what = {
        .reason = CMSTORE_EVICTED, .when_s = START_S, .unused_s = 7, .fetched = true};
    expect(UINT64_C(4) << 51, &what, START_S);
    put(UINT64_C(9) << 51, CMSTORE_DELETED, START_S);
    expect(UINT64_C(4) << 51, &what, START_S);
}

/* Hashes of one set whose fingerprints differ, and one that has the first one's. */
static void test_a_full_set_loses_its_oldest(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 8; i++)
        put(i << 51, CMSTORE_EVICTED, START_S + (uint32_t)((i * 5) % 8)); /* the 8th is oldest */
    for (uint64_t i = 1; i <= 8; i++)
        assert_int_equal(reason_of(i << 51, START_S + 9), CMSTORE_EVICTED);
    put(UINT64_C(9) << 51, CMSTORE_DELETED, START_S + 9);
    assert_int_equal(reason_of(UINT64_C(8) << 51, START_S + 9), CMSTORE_UNKNOWN);
    assert_int_equal(reason_of(UINT64_C(9) << 51, START_S + 9), CMSTORE_DELETED);
    for (uint64_t i = 1; i <= 7; i++)
        assert_int_equal(reason_of(i << 51, START_S + 9), CMSTORE_EVICTED);
    /* the same bits where it matters: taken for the other key, which is then forgotten */
    uint64_t twin = (UINT64_C(9) << 51) | UINT64_C(1) << 40;
    assert_int_equal(reason_of(twin, START_S + 9), CMSTORE_DELETED);
    put(twin, CMSTORE_EXPIRED, START_S + 10);
    assert_int_equal(reason_of(UINT64_C(9) << 51, START_S + 10), CMSTORE_EXPIRED);
}

/* What went long ago, found only now, must not push out what went before it was found. */
static void test_late_news_are_old(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 8; i++)
        put(i << 51, CMSTORE_EVICTED, START_S + (uint32_t)i);
    struct cmstore_gone late = {.reason = CMSTORE_EXPIRED, .when_s = START_S - 100};
    cm_gone_put(&gone, UINT64_C(9) << 51, &late, START_S + 9);
    assert_int_equal(reason_of(UINT64_C(1) << 51, START_S + 9), CMSTORE_UNKNOWN);
    assert_int_equal(reason_of(UINT64_C(9) << 51, START_S + 9), CMSTORE_EXPIRED);
    put(UINT64_C(10) << 51, CMSTORE_EVICTED, START_S + 10); /* and is the first to go */
    assert_int_equal(reason_of(UINT64_C(9) << 51, START_S + 10), CMSTORE_UNKNOWN);
    assert_int_equal(reason_of(UINT64_C(2) << 51, START_S + 10), CMSTORE_EVICTED);
}

/* Of many, in one second or in many: the newest are known, what was displaced is not, and little is
 * taken for known. */
static void test_many(void **state) {
    (void)state;
    for (uint64_t n = 0; n < 10 * ENTRIES; n++)
        put(hash_of(n), CMSTORE_EVICTED, START_S + (uint32_t)(n / 100));
    uint32_t now_s = START_S + ENTRIES / 10;
    assert_true(remembered(10 * ENTRIES - ENTRIES / 4, 10 * ENTRIES, now_s) >
                ENTRIES / 4 * 95 / 100);
    assert_true(remembered(0, 5 * ENTRIES, now_s) < 5 * ENTRIES / 200);
    assert_true(remembered(1 << 20, (1 << 20) + 100000, now_s) < 100000 / 500);
    for (uint64_t n = 0; n < 10 * ENTRIES; n++)
        put(hash_of(n), CMSTORE_DELETED, now_s);
    unsigned known = remembered(0, 10 * ENTRIES, now_s);
    assert_true(known > ENTRIES * 9 / 10 && known < ENTRIES + ENTRIES / 5);
}

/* Against a memory that forgets nothing: a table with room says nothing else. */
static void test_against_a_model(void **state) {
    (void)state;
    enum { KEYS = 1000, STEPS = 50000 };
    struct cmstore_gone *model = calloc(KEYS, sizeof *model);
    assert_non_null(model);
    unsigned unknown = 0;
    for (uint64_t step = 0; step < STEPS; step++) {
        uint64_t x = hash_of(step), key = x % KEYS;
        uint32_t now_s = START_S + (uint32_t)(step / 10);
        if (x >> 60 < 8) {
            model[key] = (struct cmstore_gone){.reason = (enum cmstore_reason)(x >> 32 & 3) + 1,
                                               .when_s = now_s - (uint32_t)(x >> 40 & 15),
                                               .unused_s = (uint32_t)(x >> 44 & 0xfff),
                                               .fetched = x >> 63};
            cm_gone_put(&gone, hash_of(key), &model[key], now_s);
        } else if (reason_of(hash_of(key), now_s) != CMSTORE_UNKNOWN) {
            expect(hash_of(key), &model[key], now_s);
        } else {
            unknown += model[key].reason != CMSTORE_UNKNOWN;
        }
    }
    free(model);
    assert_int_equal(unknown, 0);
}

static void resize(uint64_t limit_bytes, uint32_t now_s) {
    cm_gone_resize(&gone, limit_bytes, now_s);
    cm_gone_trim(&gone);
}

/* However large it becomes, nothing is lost; however small, the newest stay. */
static void test_resizing_keeps_what_fits(void **state) {
    (void)state;
    for (uint64_t n = 0; n < 2000; n++)
        put(hash_of(n), CMSTORE_EVICTED, START_S + (uint32_t)n);
    static const uint64_t limits[] = {9, 20, 16, 256, 33, 8};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        resize(limits[i] << 20, START_S + 3000);
        assert_int_equal(remembered(0, 2000, START_S + 3000), 2000);
        struct cmstore_gone what = {
            .reason = CMSTORE_EVICTED, .when_s = START_S + 5, .unused_s = 7, .fetched = true};
        expect(hash_of(5), &what, START_S + 3000);
    }
    for (uint64_t n = 0; n < ENTRIES; n++)
        put(hash_of(n), CMSTORE_EVICTED, START_S + 3000 + (uint32_t)n);
    resize(2 << 20, START_S + 20000);
    assert_true(remembered(ENTRIES * 15 / 16, ENTRIES, START_S + 20000) > ENTRIES / 16 * 97 / 100);
    unsigned known = remembered(0, ENTRIES, START_S + 20000);
    assert_true(known > 1500 && known <= 2048 + 20);
    resize(8 << 20, START_S + 20000); /* what was given back is empty again */
    assert_true(remembered(0, ENTRIES, START_S + 20000) <= known + 20);
}

static void test_takes_its_share(void **state) {
    (void)state;
    assert_int_equal(cm_gone_bytes(&gone), LIMIT_BYTES / CM_GONE_SHARE);
    assert_int_equal(gone.region.committed_bytes, LIMIT_BYTES / CM_GONE_SHARE);
    static const struct {
        uint64_t limit, bytes;
    } sizes[] = {
        {(uint64_t)1 << 20, 16 << 10}, /* the least, though a little more */
        {(uint64_t)3 << 20, 16 << 10},    {(uint64_t)5 << 20, 32 << 10},
        {(uint64_t)100 << 20, 800 << 10}, {MOST_BYTES, MOST_BYTES / CM_GONE_SHARE},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        resize(sizes[i].limit, START_S);
        assert_int_equal(cm_gone_bytes(&gone), sizes[i].bytes);
        assert_int_equal(gone.region.committed_bytes, sizes[i].bytes);
    }
    resize(UINT64_C(1) << 40, START_S); /* not to be had: as it was */
    assert_int_equal(cm_gone_bytes(&gone), MOST_BYTES / CM_GONE_SHARE);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_tells_all_that_was_put),
        EACH(test_extremes),
        EACH(test_the_newest_counts),
        EACH(test_the_next_second_is_now),
        EACH(test_a_full_set_loses_its_oldest),
        EACH(test_late_news_are_old),
        EACH(test_many),
        EACH(test_against_a_model),
        EACH(test_resizing_keeps_what_fits),
        EACH(test_takes_its_share),
    };
    return cmocka_run_group_tests_name("store/gone", tests, NULL, NULL);
}

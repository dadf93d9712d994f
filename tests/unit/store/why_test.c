/* SPDX-License-Identifier: BSD-3-Clause */

/* Why items have gone, as somebody who misses them is told. */

#include "store/gone.h"
#include "unit/store/rig.h"

static struct rig rig;

static int tear_down(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    rig_open(&rig, CMSTORE_MEMORY_MIN, 100000);
    return 0;
}

static struct cmstore_gone why(const char *key) {
    struct cmstore_key k = rig_key(&rig, key);
    cmstore_begin(rig.thread);
    struct cmstore_gone gone = cmstore_why(rig.thread, &k);
    cmstore_end(rig.thread);
    return gone;
}

static void expect(const char *key, enum cmstore_reason reason, uint32_t when_s,
                   uint32_t unused_s) {
    struct cmstore_gone gone = why(key);
    assert_int_equal(gone.reason, reason);
    assert_int_equal(gone.when_s, when_s);
    assert_int_equal(gone.unused_s, unused_s);
}

static void store_until(const char *key, uint32_t expires) {
    struct cmstore_store_options options = {.expires = expires};
    assert_int_equal(rig_store(&rig, key, 10, &options), CM_OK);
}

static void test_never_seen(void **state) {
    (void)state;
    assert_false(rig_has(&rig, "k"));
    expect("k", CMSTORE_UNKNOWN, 0, 0);
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    expect("k", CMSTORE_UNKNOWN, 0, 0);
}

static void test_deleted(void **state) {
    (void)state;
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 20);
    assert_true(rig_has(&rig, "k"));
    cmstore_set_clock(rig.store, RIG_START_S + 25);
    rig_delete(&rig, "k");
    rig_delete(&rig, "k"); /* once is enough */
    cmstore_set_clock(rig.store, RIG_START_S + 30);
    expect("k", CMSTORE_DELETED, RIG_START_S + 25, 5);
    assert_true(why("k").fetched);
    assert_int_equal(rig_set(&rig, "unread", 10), CM_OK);
    rig_delete(&rig, "unread");
    assert_false(why("unread").fetched);
}

/* When its time was over, whoever finds that out, and when; but not before it was stored. */
static void test_expired(void **state) {
    (void)state;
    store_until("found", RIG_START_S + 4);
    store_until("replaced", RIG_START_S + 4);
    store_until("swept", RIG_START_S + 4);
    store_until("past", RIG_START_S - 50);
    cmstore_set_clock(rig.store, RIG_START_S + 10);
    assert_false(rig_has(&rig, "found"));
    expect("found", CMSTORE_EXPIRED, RIG_START_S + 4, 4);
    assert_int_equal(rig_set(&rig, "replaced", 10), CM_OK);
    rig_delete(&rig, "replaced");
    expect("replaced", CMSTORE_DELETED, RIG_START_S + 10, 0);
    cmstore_check(rig.thread); /* keeps house, too */
    expect("swept", CMSTORE_EXPIRED, RIG_START_S + 4, 4);
    expect("past", CMSTORE_EXPIRED, RIG_START_S, 0);
}

static void test_flushed(void **state) {
    (void)state;
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    rig_delete(&rig, "k");
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    assert_int_equal(rig_set(&rig, "deleted", 10), CM_OK);
    rig_delete(&rig, "deleted");
    cmstore_set_clock(rig.store, RIG_START_S + 3);
    cmstore_flush(rig.thread, 0);
    cmstore_set_clock(rig.store, RIG_START_S + 5);
    expect("k", CMSTORE_FLUSHED, RIG_START_S + 3, 3);
    expect("deleted", CMSTORE_DELETED, RIG_START_S, 0);
    expect("later", CMSTORE_UNKNOWN, 0, 0);
}

static void fill(unsigned from, unsigned to, size_t bytes) {
    char key[16];
    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "f%u", i);
        assert_int_equal(rig_set(&rig, key, bytes), CM_OK);
    }
}

enum { CROWD = 12000 };

struct known {
    unsigned dated, undated, here;
};

/* What is known of a crowd that is too large for the cache. */
static struct known look_at_crowd(void) {
    struct known known = {0};
    char key[16];
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(key, sizeof key, "f%u", i);
        struct cmstore_gone gone = why(key);
        assert_true(gone.reason == CMSTORE_EVICTED || gone.reason == CMSTORE_UNKNOWN);
        bool dated = gone.reason == CMSTORE_EVICTED && gone.when_s != 0;
        known.here += rig_has(&rig, key);
        known.dated += dated;
        known.undated += gone.reason == CMSTORE_EVICTED && !dated;
        assert_int_equal(gone.when_s, dated ? RIG_START_S + 7 : 0);
        assert_int_equal(gone.unused_s, 0);
        assert_false(gone.fetched);
    }
    return known;
}

/* Of all that went only the newest are known, and as many as there are items by the ghost; nothing
 * is said to have gone otherwise. */
static void test_evicted(void **state) {
    (void)state;
    cmstore_set_clock(rig.store, RIG_START_S + 7);
    fill(0, CROWD, 300);
    uint64_t entries = rig_counters(&rig).gone_bytes / 8;
    assert_int_equal(entries, 2048);
    assert_true(rig_counters(&rig).evictions > 3 * entries);
    struct known known = look_at_crowd();
    assert_true(known.dated > entries * 9 / 10 && known.dated < entries + 100);
    assert_true(known.undated > known.here / 4 && known.undated < known.here * 2);
}

static void test_policies_without_a_ghost(void **state) {
    (void)state;
    assert_int_equal(cmstore_set_policy(rig.thread, "fifo"), CM_OK);
    cmstore_set_clock(rig.store, RIG_START_S + 7);
    fill(0, CROWD, 300);
    struct known known = look_at_crowd();
    assert_true(known.dated > 1800);
    assert_int_equal(known.undated, 0);
}

/* Where nothing was evicted nothing is taken for evicted. */
static void test_ghosts_come_with_eviction(void **state) {
    (void)state;
    char key[16];
    fill(0, 500, 300);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "never%u", i);
        expect(key, CMSTORE_UNKNOWN, 0, 0);
    }
}

static void test_evicted_tells_for_how_long_unused(void **state) {
    (void)state;
    fill(0, 1000, 300);
    assert_true(rig_has(&rig, "f10"));
    cmstore_set_clock(rig.store, RIG_START_S + 60);
    /* whichever go first */
    fill(2000, 5000, 300);
    unsigned seen = 0;
    char key[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "f%u", i);
        struct cmstore_gone gone = why(key);
        seen += gone.reason == CMSTORE_EVICTED && gone.unused_s == 60 &&
                gone.when_s == RIG_START_S + 60;
    }
    assert_true(seen > 100);
}

/* Nothing that changes the item in its place, or moves it, is a way to go. */
static void test_what_stays_has_not_gone(void **state) {
    (void)state;
    struct cmstore_key k = rig_key(&rig, "k");
    struct cmstore_delete_options stale = {.mark_stale = true}, empty = {.clear_value = true};
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    assert_int_equal(rig_set(&rig, "k", 5), CM_OK);
    assert_int_equal(rig_set(&rig, "k", 5000), CM_OK);
    assert_int_equal(rig_set(&rig, "k", 90000), CM_OK);
    assert_int_equal(rig_set(&rig, "k", 1), CM_OK);
    assert_int_equal(cmstore_touch(rig.thread, &k, RIG_START_S + 1000, NULL), CM_OK);
    assert_int_equal(cmstore_delete(rig.thread, &k, &stale, NULL), CM_OK);
    assert_int_equal(cmstore_delete(rig.thread, &k, &empty, NULL), CM_OK);
    expect("k", CMSTORE_UNKNOWN, 0, 0);
}

/* The memory of the gone is part of the budget, follows the limit, and keeps what it knows. */
static void test_follows_the_limit(void **state) {
    (void)state;
    const uint64_t least = CMSTORE_MEMORY_MIN;
    assert_int_equal(rig_set(&rig, "k", 10), CM_OK);
    rig_delete(&rig, "k");
    static const unsigned factors[] = {64, 3, 200, 1, 2};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        assert_int_equal(cmstore_set_memory(rig.thread, least * factors[i]), CM_OK);
        struct cmstore_counters counters = rig_counters(&rig);
        uint64_t share = least * factors[i] / CM_GONE_SHARE;
        uint64_t expected = share < 16384 ? 16384 : share / 16384 * 16384;
        assert_int_equal(counters.gone_bytes, expected);
        assert_true(counters.memory_used >= expected + counters.index_bytes);
        assert_true(counters.segments * counters.segment_bytes + expected + counters.index_bytes <=
                    counters.memory_limit);
        expect("k", CMSTORE_DELETED, RIG_START_S, 0);
    }
    /* refused: as it was */
    assert_int_equal(cmstore_set_memory(rig.thread, least / 2), CM_LIMIT_TOO_SMALL);
    assert_int_equal(cmstore_set_memory(rig.thread, UINT64_C(1) << 50), CM_INVALID);
    assert_int_equal(rig_counters(&rig).gone_bytes, 16384);
    expect("k", CMSTORE_DELETED, RIG_START_S, 0);
}

/* A store that must not evict may be too full for a smaller limit. */
static void test_a_refused_limit_leaves_it_as_it_was(void **state) {
    (void)state;
    rig_close(&rig);
    struct cmstore_options options = {
        .memory_bytes = 32 * CMSTORE_MEMORY_MIN,
        .item_bytes_max = 100000,
        .no_evict = true,
        .no_background = true,
        .hash_seed = 1,
        .clock_s = RIG_START_S,
    };
    rig_open_with(&rig, &options);
    uint64_t before = rig_counters(&rig).gone_bytes;
    assert_int_equal(before, 32 * CMSTORE_MEMORY_MIN / CM_GONE_SHARE);
    fill(0, 200, 90000);
    assert_int_equal(cmstore_set_memory(rig.thread, 8 * CMSTORE_MEMORY_MIN), CM_LIMIT_TOO_SMALL);
    assert_int_equal(rig_counters(&rig).gone_bytes, before);
    assert_int_equal(rig_counters(&rig).memory_limit, options.memory_bytes);
    assert_true(rig_has(&rig, "f0"));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_never_seen),
        EACH(test_deleted),
        EACH(test_expired),
        EACH(test_flushed),
        EACH(test_evicted),
        EACH(test_policies_without_a_ghost),
        EACH(test_ghosts_come_with_eviction),
        EACH(test_evicted_tells_for_how_long_unused),
        EACH(test_what_stays_has_not_gone),
        EACH(test_follows_the_limit),
        EACH(test_a_refused_limit_leaves_it_as_it_was),
    };
    return cmocka_run_group_tests_name("store/why", tests, NULL, NULL);
}

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

static struct cmstore_item get(const char *name, const struct cmstore_get_options *options) {
    struct cmstore_key key = rig_key(&rig, name);
    struct cmstore_item item;
    assert_int_equal(cmstore_get(rig.thread, &key, options, rig.buffer, RIG_VALUES, &item), CM_OK);
    return item;
}

static void test_small_buffers(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "a");
    struct cmstore_item item;
    unsigned char buffer[8] = "unharmed";
    assert_int_equal(rig_set(&rig, "a", 100), CM_OK);
    assert_int_equal(cmstore_get(rig.thread, &key, NULL, buffer, 8, &item), CM_BUFFER_TOO_SMALL);
    assert_int_equal(item.value.bytes, 100);
    assert_null(item.value.data);
    assert_memory_equal(buffer, "unharmed", 8);
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
    assert_int_equal(rig_set(&rig, "a", 8), CM_OK);
    assert_int_equal(cmstore_get(rig.thread, &key, NULL, buffer, 8, &item), CM_OK);
    assert_ptr_equal(item.value.data, buffer);
    assert_int_equal(rig_set(&rig, "a", 0), CM_OK);
    assert_int_equal(cmstore_get(rig.thread, &key, NULL, NULL, 0, &item), CM_OK);
    assert_int_equal(item.outcome, CMSTORE_HIT);
}

static void test_access(void **state) {
    (void)state;
    struct cmstore_get_options quiet = {.quiet = true};
    rig_set_text(&rig, "a", "x");
    cmstore_set_clock(rig.store, RIG_START_S + 10);
    struct cmstore_item item = get("a", &quiet);
    assert_false(item.fetched);
    assert_int_equal(item.last_access_s, RIG_START_S);
    item = get("a", NULL);
    assert_false(item.fetched);
    cmstore_set_clock(rig.store, RIG_START_S + 20);
    item = get("a", NULL);
    assert_true(item.fetched);
    assert_int_equal(item.last_access_s, RIG_START_S + 10);
}

static void test_vivify(void **state) {
    (void)state;
    struct cmstore_get_options vivify = {.vivify = true, .vivify_expires = RIG_START_S + 60};
    struct cmstore_item first = get("a", &vivify), second = get("a", &vivify);
    assert_int_equal(first.outcome, CMSTORE_STORED);
    assert_true(first.won && !first.win_sent && first.value.bytes == 0 && first.cas != 0);
    assert_int_equal(second.outcome, CMSTORE_HIT);
    assert_true(!second.won && second.win_sent && second.cas == first.cas);
    assert_int_equal(second.expires, RIG_START_S + 60);
    rig_set_text(&rig, "a", "x");
    assert_false(get("a", &vivify).win_sent);
    assert_int_equal(rig_counters(&rig).segments_pinned, 0);
}

static void test_recache(void **state) {
    (void)state;
    struct cmstore_get_options recache = {.recache = true, .recache_s = 20};
    struct cmstore_store_options set = {.expires = RIG_START_S + 30};
    assert_int_equal(rig_store(&rig, "a", 10, &set), CM_OK);
    rig_set_text(&rig, "never", "x");
    assert_false(get("a", &recache).won);
    cmstore_set_clock(rig.store, RIG_START_S + 11);
    assert_true(get("a", &recache).won);
    struct cmstore_item item = get("a", &recache);
    assert_true(!item.won && item.win_sent && !item.stale);
    item = get("never", &recache);
    assert_false(item.won || item.win_sent);
}

/* Only to look changes nothing, not even who is to renew it. */
static void test_look(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "a");
    struct cmstore_delete_options stale = {.mark_stale = true};
    struct cmstore_get_options look = {.look = true};
    rig_set_text(&rig, "a", "x");
    assert_int_equal(cmstore_delete(rig.thread, &key, &stale, NULL), CM_OK);
    for (int i = 0; i < 3; i++) {
        struct cmstore_item item = get("a", &look);
        assert_true(item.stale && !item.won && !item.win_sent && !item.fetched);
    }
    assert_true(get("a", NULL).won);
}

static void test_get_and_touch(void **state) {
    (void)state;
    struct cmstore_get_options touch = {.set_expires = true, .expires = RIG_START_S + 5};
    for (size_t bytes = 1; bytes < 500000; bytes *= 10) {
        assert_int_equal(rig_set(&rig, "a", bytes), CM_OK);
        uint64_t cas = get("a", NULL).cas;
        struct cmstore_item item = get("a", &touch);
        assert_int_equal(item.expires, RIG_START_S + 5);
        assert_int_equal(item.expires_old, 0);
        assert_true(item.cas == cas && item.fetched);
        assert_memory_equal(rig.buffer, rig.values, bytes);
        rig_delete(&rig, "a");
    }
}

static void test_peek(void **state) {
    (void)state;
    struct cmstore_key key = rig_key(&rig, "a");
    struct cmstore_peek peek;
    cmstore_begin(rig.thread);
    assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_MISS);
    assert_int_equal(peek.item.outcome, CMSTORE_MISS);
    assert_int_equal(rig_set(&rig, "a", 100), CM_OK);
    assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_HIT);
    assert_int_equal(peek.item.value.bytes, 100);
    cmstore_copy(rig.buffer, peek.item.value.data, 100);
    assert_memory_equal(rig.buffer, rig.values, 100);
    assert_true(cmstore_confirm_quietly(rig.thread, &peek));
    assert_false(get("a", &(struct cmstore_get_options){.quiet = true}).fetched);
    assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_HIT);
    assert_true(cmstore_confirm(rig.thread, &peek));
    assert_true(get("a", NULL).fetched);
    assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_HIT);
    assert_int_equal(rig_set(&rig, "a", 100), CM_OK);
    assert_false(cmstore_confirm(rig.thread, &peek)); /* something has changed */
    assert_int_equal(rig_set(&rig, "a", 500000), CM_OK);
    assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_LOCKED);
    cmstore_end(rig.thread);
}

static void prefetch(const struct cmstore_key *key) {
    cmstore_prefetch_bucket(rig.store, key);
    cmstore_prefetch_item(rig.store, key);
    cmstore_prefetch_store(rig.store, key);
}

/* Enough of them that some lie in spill buckets. */
static void test_prefetch(void **state) {
    (void)state;
    enum { ITEMS = 5000 };
    char name[16];
    struct cmstore_peek peek;
    struct cmstore_key absent = rig_key(&rig, "absent");
    assert_false(cmstore_prefetch_slot(rig.store, &absent));
    prefetch(&absent);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof name, "k%d", i);
        assert_int_equal(rig_set(&rig, name, 10), CM_OK);
    }
    assert_true(rig_counters(&rig).items == ITEMS);
    cmstore_begin(rig.thread);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof name, "k%d", i);
        struct cmstore_key key = rig_key(&rig, name);
        assert_true(cmstore_prefetch_slot(rig.store, &key));
        prefetch(&key);
        assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_HIT);
    }
    cmstore_end(rig.thread);
}

/* A hint may be anything: here for an item alone in its bucket, which never had others. */
static void test_hints(void **state) {
    (void)state;
    static const uint32_t others[] = {100, INT32_MAX, UINT32_MAX};
    struct cmstore_peek peek;
    struct cmstore_key key = rig_key(&rig, "a");
    assert_int_equal(rig_set(&rig, "a", 10), CM_OK);
    cmstore_begin(rig.thread);
    for (uint32_t i = 0; i < 35; i++) {
        key.hint = i < 32 ? i : others[i - 32];
        prefetch(&key);
        assert_int_equal(cmstore_peek(rig.thread, &key, &peek), CMSTORE_PEEK_HIT);
        assert_int_equal(
            cmstore_store(rig.thread, &key, (struct cmstore_value){"x", 1}, NULL, NULL), CM_OK);
    }
    cmstore_end(rig.thread);
    assert_true(rig_counters(&rig).items == 1);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(test_small_buffers), EACH(test_access),   EACH(test_vivify),
        EACH(test_recache),       EACH(test_look),     EACH(test_get_and_touch),
        EACH(test_peek),          EACH(test_prefetch), EACH(test_hints),
    };
    return cmocka_run_group_tests_name("store/read", tests, NULL, NULL);
}

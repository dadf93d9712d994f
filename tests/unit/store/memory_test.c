/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "rig.h"

/* Whatever sizes come, and however they shift: what the process holds stays within the limit and a
 * little more, and no set fails. */

/* Sanitizers' own memory would be counted. */
#if defined(__has_feature)
#define CM_COUNTS_MORE __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CM_COUNTS_MORE 1
#else
#define CM_COUNTS_MORE 0
#endif

#define MIB        (UINT64_C(1) << 20)
#define LIMIT      (48 * MIB)
#define SLACK      (8 * MIB)
#define LOOK_EVERY 500u

static uint64_t resident(void) {
    struct cm_os_usage usage;
    cm_os_usage(&usage);
    return usage.resident_bytes;
}

static struct rig rig;
static uint64_t before, worst;

static int set_up(void **state) {
    (void)state;
    struct cmstore_options options = {.memory_bytes = LIMIT, .clock_s = RIG_START_S};
    rig_open_with(&rig, &options);
    memset(rig.buffer, 1, RIG_VALUES); /* so that it counts now and not later */
    before = resident();
    worst = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    print_message("resident memory of a store of %u MB: at most %u KB beyond\n",
                  (unsigned)(LIMIT >> 20), (unsigned)(worst > LIMIT ? (worst - LIMIT) >> 10 : 0));
    rig_close(&rig);
    return 0;
}

static void look(void) {
    uint64_t now = resident(), grown = now > before ? now - before : 0;
    if (grown > worst)
        worst = grown;
    assert_true(grown < LIMIT + SLACK);
}

/* Twice as much as fits. */
static void pour(const char *kind, size_t bytes, const struct cmstore_store_options *options) {
    char key[24];
    uint64_t count = 2 * LIMIT / (bytes + 40);
    if (count > 300000)
        count = 300000;
    for (uint64_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%s%u", kind, (unsigned)i);
        assert_int_equal(rig_store(&rig, key, bytes, options), CM_OK);
        if (i % LOOK_EVERY == 0 || bytes > 10000)
            look();
    }
    look();
}

static void test_shifting_sizes(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 100, 4096, 100 << 10, (1 << 20) - 100, 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        pour("k", sizes[i], NULL);
    assert_true(rig_counters(&rig).no_memory == 0);
    assert_true(worst > LIMIT * 3 / 4);
}

static void test_overwrites(void **state) {
    (void)state;
    char key[24];
    for (unsigned i = 0; i < 300000; i++) {
        snprintf(key, sizeof key, "%u", i % 20000);
        assert_int_equal(rig_set(&rig, key, 1000 + i % 13 * 100), CM_OK);
        if (i % LOOK_EVERY == 0)
            look();
    }
    assert_true(rig_counters(&rig).no_memory == 0);
}

/* Their room comes back when they have expired, to other sizes too. */
static void test_expiring(void **state) {
    (void)state;
    for (uint32_t now = RIG_START_S; now < RIG_START_S + 10; now++) {
        struct cmstore_store_options options = {.expires = now + 1};
        cmstore_set_clock(rig.store, now);
        pour("e", now % 2 ? 200 : 20000, &options);
    }
    assert_true(rig_counters(&rig).no_memory == 0);
}

/* Large values in pieces, half of them given up. */
static void test_writers(void **state) {
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        struct cmstore_key key = rig_key(&rig, name);
        cmstore_writer *writer;
        assert_int_equal(cmstore_write_begin(rig.thread, &key, 1 << 19, NULL, &writer), CM_OK);
        for (unsigned piece = 0; piece < 8; piece++)
            assert_int_equal(cmstore_write(rig.thread, writer, rig.values, 1 << 16), CM_OK);
        if (i % 2)
            cmstore_write_abort(rig.thread, writer);
        else
            assert_int_equal(cmstore_write_commit(rig.thread, writer, NULL), CM_OK);
        look();
    }
}

/* What is given up goes back to the system. */
static void test_shrinking(void **state) {
    (void)state;
    pour("k", 1000, NULL);
    assert_int_equal(cmstore_set_memory(rig.thread, 16 * MIB), CM_OK);
    assert_true(resident() - before < 16 * MIB + SLACK);
    pour("m", 100, NULL);
    assert_true(resident() - before < 16 * MIB + SLACK);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
#if CM_COUNTS_MORE
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        EACH(test_shifting_sizes), EACH(test_overwrites), EACH(test_expiring),
        EACH(test_writers),        EACH(test_shrinking),
    };
    return cmocka_run_group_tests_name("store/memory", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cm_watch *watch;

static int set_up(void **state) {
    (void)state;
    assert_int_equal(cm_watch_create(&watch), CM_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    cm_watch_destroy(watch);
    return 0;
}

static struct cm_watcher *open_watcher(uint32_t streams) {
    struct cm_watcher *watcher = NULL;
    assert_int_equal(cm_watcher_open(watch, streams, &watcher), CM_OUTCOME_DONE);
    return watcher;
}

static void tell(enum cm_watch_stream stream, const char *text) {
    cm_watch_tell(watch, stream, cm_slice(text, strlen(text)));
}

/* What is waiting, without the time stamps. */
static const char *take(struct cm_watcher *watcher) {
    static char all[1 << 20], bare[1 << 20];
    size_t bytes = cm_watcher_take(watcher, all, sizeof all - 1);
    size_t used = 0;
    all[bytes] = '\0';
    for (char *line = strtok(all, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *from = strncmp(line, "ts=", 3) == 0 ? strstr(line, "gid=") : line;
        used += (size_t)snprintf(bare + used, sizeof bare - used, "%s\n", from);
    }
    bare[used] = '\0';
    return bare;
}

static struct cm_watch_counts counts(void) {
    struct cm_watch_counts counts;
    cm_watch_read_counts(watch, &counts);
    return counts;
}

static void test_streams(void **state) {
    (void)state;
    assert_false(cm_watch_wants(watch, UINT32_MAX));
    struct cm_watcher *a = open_watcher(CM_WATCH_FETCHERS);
    struct cm_watcher *b = open_watcher(CM_WATCH_FETCHERS | CM_WATCH_EVICTIONS);
    assert_true(cm_watch_wants(watch, CM_WATCH_EVICTIONS));
    assert_false(cm_watch_wants(watch, CM_WATCH_MUTATIONS));
    tell(CM_WATCH_FETCHERS, "one");
    tell(CM_WATCH_EVICTIONS, "two");
    tell(CM_WATCH_MUTATIONS, "nobody's");
    tell(CM_WATCH_FETCHERS, "four");
    assert_string_equal(take(a), "gid=1 one\ngid=4 four\n");
    assert_string_equal(take(b), "gid=1 one\ngid=2 two\ngid=4 four\n");
    assert_string_equal(take(a), "");
    assert_int_equal(counts().log_watchers, 2);
    assert_int_equal(counts().log_worker_written, 4);
    assert_int_equal(counts().log_watcher_sent, 5);
    cm_watcher_close(watch, b);
    assert_false(cm_watch_wants(watch, CM_WATCH_EVICTIONS));
    tell(CM_WATCH_FETCHERS, "five");
    assert_string_equal(take(a), "gid=5 five\n");
    cm_watcher_close(watch, a);
    cm_watcher_close(watch, NULL);
    assert_false(cm_watch_wants(watch, UINT32_MAX));
    cm_watch_reset_counts(watch);
    assert_int_equal(counts().log_worker_written + counts().log_watcher_sent, 0);
}

static void test_stamp(void **state) {
    (void)state;
    char text[256];
    long long seconds;
    char micros[16];
    struct cm_watcher *watcher = open_watcher(CM_WATCH_FETCHERS);
    int64_t before_us = cm_os_wall_us();
    tell(CM_WATCH_FETCHERS, "x");
    text[cm_watcher_take(watcher, text, sizeof text - 1)] = '\0';
    assert_int_equal(sscanf(text, "ts=%lld.%15[0-9] gid=1 x\n", &seconds, micros), 2);
    assert_int_equal(strlen(micros), 6);
    int64_t stamp_us = seconds * 1000000 + strtoll(micros, NULL, 10);
    assert_true(stamp_us >= before_us && stamp_us <= cm_os_wall_us());
    cm_watcher_close(watch, watcher);
}

static void test_limit(void **state) {
    (void)state;
    struct cm_watcher *watchers[CM_WATCHERS_MAX];
    struct cm_watcher *one_more = NULL;
    for (unsigned i = 0; i < CM_WATCHERS_MAX; i++)
        watchers[i] = open_watcher(CM_WATCH_FETCHERS);
    assert_int_equal(cm_watcher_open(watch, CM_WATCH_FETCHERS, &one_more), CM_OUTCOME_TOO_MANY);
    assert_int_equal(counts().log_watchers, CM_WATCHERS_MAX);
    cm_watcher_close(watch, watchers[7]);
    watchers[7] = open_watcher(CM_WATCH_MUTATIONS);
    for (unsigned i = 0; i < CM_WATCHERS_MAX; i++)
        cm_watcher_close(watch, watchers[i]);
}

/* What does not fit is counted, and told where it is missing. */
static void test_full(void **state) {
    (void)state;
    char expected[64];
    cm_watch_set_ring_bytes(watch, 0);
    struct cm_watcher *watcher = open_watcher(CM_WATCH_FETCHERS);
    assert_int_equal(cm_watcher_bytes(watcher), CM_WATCH_RING_MIN);
    for (unsigned i = 0; i < 1000; i++)
        tell(CM_WATCH_FETCHERS, "a line of some length, for the buffer to be full at some point");
    unsigned lines = 0;
    for (const char *line = take(watcher); *line != '\0'; line = strchr(line, '\n') + 1) {
        unsigned skipped;
        if (sscanf(line, "skipped=%u", &skipped) == 1)
            assert_int_equal(skipped, 1000 - lines);
        else
            lines++;
    }
    assert_true(lines > 20 && lines < CM_WATCH_RING_MIN / 60);
    assert_int_equal(counts().log_watcher_skipped, 1000 - lines);
    assert_int_equal(counts().log_watcher_sent, lines);
    tell(CM_WATCH_FETCHERS, "there is room again");
    assert_string_equal(take(watcher), "gid=1001 there is room again\n");

    /* In front of the next line, if there is one before all has been taken. */
    char some[600];
    for (unsigned i = 0; i < 100; i++)
        tell(CM_WATCH_FETCHERS, "a line of some length, for the buffer to be full at some point");
    assert_int_equal(cm_watcher_take(watcher, some, sizeof some), sizeof some);
    tell(CM_WATCH_FETCHERS, "next");
    const char *rest = take(watcher);
    snprintf(expected, sizeof expected, "skipped=%u\ngid=1102 next\n",
             (unsigned)counts().log_watcher_skipped - (1000 - lines));
    assert_non_null(strstr(rest, expected));
    cm_watcher_close(watch, watcher);
}

/* Lines whose ends are where the ring wraps come out whole. */
static void test_wrapping(void **state) {
    (void)state;
    char line[96], expected[128];
    cm_watch_set_ring_bytes(watch, 0);
    struct cm_watcher *watcher = open_watcher(CM_WATCH_FETCHERS);
    for (unsigned i = 1; i < 1000; i++) {
        snprintf(line, sizeof line, "%u%.*s", i, (int)(i % 50),
                 "..................................................");
        tell(CM_WATCH_FETCHERS, line);
        snprintf(expected, sizeof expected, "gid=%u %s\n", i, line);
        assert_string_equal(take(watcher), expected);
    }
    assert_int_equal(counts().log_watcher_skipped + counts().log_worker_dropped, 0);
    cm_watcher_close(watch, watcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrapping, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

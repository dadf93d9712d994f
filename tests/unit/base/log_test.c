/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/os/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* What was written to a log since it was opened; the log is closed. */
static void read_back(struct cm_log *log, char *text, size_t bytes) {
    rewind(log->to);
    size_t len = fread(text, 1, bytes - 1, log->to);
    text[len] = '\0';
    fclose(log->to);
}

static void open_log(struct cm_log *log, enum cm_log_level level_max) {
    *log = (struct cm_log){.to = tmpfile(), .program = "prog", .level_max = (int)level_max};
    assert_non_null(log->to);
}

static void test_levels(void **state) {
    (void)state;
    struct cm_log log;
    open_log(&log, CM_LOG_WARNING);
    cm_log(&log, CM_LOG_ERROR, "no %s", "luck");
    cm_log(&log, CM_LOG_WARNING, "low on %d", 7);
    cm_log(&log, CM_LOG_INFO, "unheard");
    cm_log(&log, CM_LOG_TRACE, "unheard");
    assert_false(cm_log_wants(&log, CM_LOG_INFO));
    char text[200];
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: no luck\nprog: low on 7\n");
    assert_string_equal(cm_log_level_name(CM_LOG_ERROR), "error");
    assert_string_equal(cm_log_level_name(CM_LOG_TRACE), "trace");
}

static void test_what_is_no_text(void **state) {
    (void)state;
    struct cm_log log;
    open_log(&log, CM_LOG_INFO);
    cm_log(&log, CM_LOG_INFO, "%s", "a\nprog: forged\r\x1b[2J\x7f");
    cm_log(&log, CM_LOG_INFO, "%s", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91");
    cm_log(&log, CM_LOG_INFO, "%s", "\xff \xc3 \xe2\x82 \x80 \xc3");
    cm_log(&log, CM_LOG_INFO, "%s",
           "\xc2\x9b"
           "2J \xc2\xa0 \xe0\x80\x8a \xe0\xa0\x80 \xed\xa0\x80");
    cm_log(&log, CM_LOG_INFO, "%s", "\xf0\x80\x80\x8a \xf4\x90\x80\x80 \xf4\x8f\xbf\xbf");
    char text[300];
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: a?prog: forged??[2J?\n"
                              "prog: gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x91\n"
                              "prog: ? ? ?? ? ?\n"
                              "prog: ??2J \xc2\xa0 ??? \xe0\xa0\x80 ???\n"
                              "prog: ???? ???? \xf4\x8f\xbf\xbf\n");
}

static void test_long_lines_are_cut(void **state) {
    (void)state;
    static char much[5000], text[6000];
    struct cm_log log;
    memset(much, '"', sizeof much - 1);
    open_log(&log, CM_LOG_DEBUG);
    cm_log(&log, CM_LOG_DEBUG, "%s", much);
    read_back(&log, text, sizeof text);
    assert_int_equal(strlen(text), strlen("prog: ") + CM_LOG_MESSAGE_BYTES);
    assert_int_equal(text[strlen(text) - 1], '\n');
    open_log(&log, CM_LOG_DEBUG);
    atomic_store(&log.format, CM_LOG_JSON);
    cm_log(&log, CM_LOG_DEBUG, "%s", much);
    read_back(&log, text, sizeof text);
    assert_string_equal(text + strlen(text) - 5, "\\\"\"}\n");
}

/* The time is the system's, or a moment before. */
static void test_json(void **state) {
    (void)state;
    static const char rest[] = "\",\"level\":\"warning\",\"program\":\"prog\",\"message\":"
                               "\"say \\\"x\\\\y\\\" ?\"}\n";
    struct cm_log log;
    char text[400];
    int year, month, day, hour, minute, second, ms, used = 0;
    open_log(&log, CM_LOG_INFO);
    atomic_store(&log.format, CM_LOG_JSON);
    cm_log(&log, CM_LOG_WARNING, "say \"x\\y\" \n");
    int64_t now = cm_os_wall_s();
    read_back(&log, text, sizeof text);
    assert_int_equal(sscanf(text, "{\"time\":\"%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day,
                            &hour, &minute, &second, &ms, &used),
                     7);
    assert_string_equal(text + used, rest);
    time_t seconds = (time_t)now;
    const struct tm *wanted = gmtime(&seconds);
    int64_t written = hour * 3600 + minute * 60 + second;
    int64_t said = wanted->tm_hour * 3600 + wanted->tm_min * 60 + wanted->tm_sec;
    if (written <= said) { /* not over midnight */
        assert_int_equal(year, wanted->tm_year + 1900);
        assert_int_equal(month, wanted->tm_mon + 1);
        assert_int_equal(day, wanted->tm_mday);
    }
}

static void test_journal(void **state) {
    (void)state;
    struct cm_log log;
    char text[200];
    open_log(&log, CM_LOG_TRACE);
    log.to_journal = true;
    for (int level = CM_LOG_ERROR; level <= CM_LOG_TRACE; level++)
        cm_log(&log, (enum cm_log_level)level, "%d", level);
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "<3>prog: 0\n<4>prog: 1\n<6>prog: 2\n<7>prog: 3\n<7>prog: 4\n");
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* Many at once are counted; another format and what was asked for are not concerned. */
static void test_often(void **state) {
    (void)state;
    enum { MANY = 1000 };
    static char text[MANY * 64];
    struct cm_log log;
    open_log(&log, CM_LOG_DEBUG);
    uint64_t begin = cm_os_monotonic_ns() / 1000000000;
    for (int i = 0; i < MANY; i++)
        cm_log_often(&log, CM_LOG_WARNING, "number %d", i);
    uint64_t seconds = cm_os_monotonic_ns() / 1000000000 - begin + 1;
    read_back(&log, text, sizeof text);
    size_t lines = count_lines(text);
    assert_true(lines >= CM_LOG_BURST && lines <= CM_LOG_BURST * seconds);
    assert_int_equal(strncmp(text, "prog: number 0\n", 15), 0);
    open_log(&log, CM_LOG_DEBUG);
    for (int i = 0; i < MANY; i++)
        cm_log_often(&log, CM_LOG_DEBUG, "number %d", i);
    read_back(&log, text, sizeof text);
    assert_int_equal(count_lines(text), MANY);
}

/* What was left out is told of in a later second. */
static void test_left_out(void **state) {
    (void)state;
    static char text[4096];
    struct cm_log log;
    open_log(&log, CM_LOG_WARNING);
    for (int i = 0; i < CM_LOG_SLOTS; i++) {
        log.slots[i].second = 1; /* long ago */
        log.slots[i].count = 5000;
        log.slots[i].left_out = 77;
    }
    cm_log_often(&log, CM_LOG_WARNING, "again");
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: again (77 more of these left out)\n");
}

static void test_events(void **state) {
    (void)state;
    static const struct cm_log_field fields[] = {
        {"key", "a%20b", false}, {"nothing", "", false}, {"took_ms", "1.500", true}};
    const struct cm_log_event event = {"slow request", fields, 3};
    char text[400];
    struct cm_log log;
    open_log(&log, CM_LOG_WARNING);
    cm_log_event(&log, CM_LOG_INFO, &event);
    cm_log_event(&log, CM_LOG_WARNING, &event);
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: slow request: key=a%20b took_ms=1.500\n");
    open_log(&log, CM_LOG_WARNING);
    log.format = CM_LOG_JSON;
    cm_log_event(&log, CM_LOG_WARNING, &event);
    read_back(&log, text, sizeof text);
    assert_non_null(strstr(text, "\"level\":\"warning\",\"program\":\"prog\",\"message\":\"slow "
                                 "request\",\"key\":\"a%20b\",\"took_ms\":1.500}\n"));
}

/* As cm_log_often(). */
static void test_events_are_limited(void **state) {
    (void)state;
    enum { MANY = 1000 };
    static char text[MANY * 64];
    const struct cm_log_event event = {"much happens", NULL, 0};
    struct cm_log log;
    open_log(&log, CM_LOG_WARNING);
    uint64_t begin = cm_os_monotonic_ns() / 1000000000;
    for (int i = 0; i < MANY; i++)
        cm_log_event(&log, CM_LOG_WARNING, &event);
    uint64_t seconds = cm_os_monotonic_ns() / 1000000000 - begin + 1;
    for (int i = 0; i < CM_LOG_SLOTS; i++)
        log.slots[i].second = 1;
    cm_log_event(&log, CM_LOG_WARNING, &event);
    read_back(&log, text, sizeof text);
    assert_true(count_lines(text) <= CM_LOG_BURST * seconds + 1);
    assert_non_null(strstr(text, "prog: much happens ("));
    assert_non_null(strstr(text, " more of these left out)\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_what_is_no_text),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_often),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_events_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

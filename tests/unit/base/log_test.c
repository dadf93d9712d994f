/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What was written to a log since it was opened; the log is closed. */
static void read_back(struct cm_log *log, char *text, size_t bytes) {
    rewind(log->to);
    size_t len = fread(text, 1, bytes - 1, log->to);
    text[len] = '\0';
    fclose(log->to);
}

static struct cm_log opened(enum cm_log_level level_max) {
    struct cm_log log = {tmpfile(), "prog", level_max};
    assert_non_null(log.to);
    return log;
}

static void test_levels(void **state) {
    (void)state;
    struct cm_log log = opened(CM_LOG_WARNING);
    cm_log(&log, CM_LOG_ERROR, "no %s", "luck");
    cm_log(&log, CM_LOG_WARNING, "low on %d", 7);
    cm_log(&log, CM_LOG_INFO, "unheard");
    cm_log(&log, CM_LOG_DEBUG, "unheard");
    assert_false(cm_log_wants(&log, CM_LOG_INFO));
    char text[200];
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: error: no luck\nprog: warning: low on 7\n");
}

static void test_control_characters(void **state) {
    (void)state;
    struct cm_log log = opened(CM_LOG_INFO);
    cm_log(&log, CM_LOG_INFO, "%s", "a\nerror: forged\r\x1b[2J\x7f");
    char text[200];
    read_back(&log, text, sizeof text);
    assert_string_equal(text, "prog: info: a?error: forged??[2J?\n");
}

static void test_long_lines_are_cut(void **state) {
    (void)state;
    char much[5000];
    memset(much, 'x', sizeof much);
    much[sizeof much - 1] = '\0';
    struct cm_log log = opened(CM_LOG_DEBUG);
    cm_log(&log, CM_LOG_DEBUG, "%s", much);
    char text[6000];
    read_back(&log, text, sizeof text);
    assert_int_equal(strlen(text), CM_LOG_LINE_BYTES);
    assert_int_equal(text[CM_LOG_LINE_BYTES - 1], '\n');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_long_lines_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Checks the words of a line; the last is NULL. */
static void words(const char *text, ...) {
    struct cm_line line;
    struct cm_line_error error;
    va_list arguments;
    size_t count = 0;
    const char *word;
    assert_int_equal(cm_line_parse(cm_slice(text, strlen(text)), &line, &error), CM_OK);
    va_start(arguments, text);
    while ((word = va_arg(arguments, const char *)) != NULL) {
        assert_true(count < line.count);
        assert_string_equal(line.words[count].bytes.data, word);
        assert_int_equal(line.words[count].bytes.len, strlen(word));
        count++;
    }
    va_end(arguments);
    assert_int_equal(line.count, count);
    cm_line_deinit(&line);
}

static void wrong(const char *text, size_t column, const char *why) {
    struct cm_line line;
    struct cm_line_error error;
    assert_int_equal(cm_line_parse(cm_slice(text, strlen(text)), &line, &error), CM_INVALID);
    assert_string_equal(error.text, why);
    assert_int_equal(error.column, column);
    assert_null(line.words);
}

static void test_words(void **state) {
    (void)state;
    words("", NULL);
    words("  \t \r\n", NULL);
    words("get k", "get", "k", NULL);
    words("  set\tkey  value \n", "set", "key", "value", NULL);
    words("# get k", NULL);
    words("  # get k", NULL);
    words("get #k a#b", "get", "#k", "a#b", NULL);
    words("a>b a<b", "a>b", "a<b", NULL);
}

static void test_quotes(void **state) {
    (void)state;
    words("set 'two words' \"and more\"", "set", "two words", "and more", NULL);
    words("'a\\n' \"a\\n\" a\\nb", "a\\n", "a\n", "a\nb", NULL);
    words("a'b'\"c\"d", "abcd", NULL);
    words("'' \"\"", "", "", NULL);
    words("'\"' \"'\"", "\"", "'", NULL);
    words("\"\\\"\\\\\" \\' \\ x", "\"\\", "'", " x", NULL);
    words("\\x41\\x7a\\t\\r \\#", "Az\t\r", "#", NULL);
    words("\"\\xC3\\xb6\"", "\xc3\xb6", NULL);
}

static void test_zero(void **state) {
    (void)state;
    struct cm_line line;
    struct cm_line_error error;
    assert_int_equal(cm_line_parse(CM_SLICE("a\\0b\\x00 c"), &line, &error), CM_OK);
    assert_int_equal(line.count, 2);
    assert_true(cm_slice_equal(line.words[0].bytes, CM_SLICE("a\0b\0")));
    cm_line_deinit(&line);
    assert_int_equal(cm_line_parse(CM_SLICE("a\0b"), &line, &error), CM_OK);
    assert_true(cm_slice_equal(line.words[0].bytes, CM_SLICE("a\0b")));
    cm_line_deinit(&line);
}

static void test_bare(void **state) {
    (void)state;
    struct cm_line line;
    struct cm_line_error error;
    assert_int_equal(cm_line_parse(CM_SLICE("--a '--b' \"--c\" \\--d --e='x'"), &line, &error),
                     CM_OK);
    assert_int_equal(line.count, 5);
    assert_true(line.words[0].is_bare);
    assert_false(line.words[1].is_bare);
    assert_false(line.words[2].is_bare);
    assert_false(line.words[3].is_bare);
    assert_true(line.words[4].is_bare);
    cm_line_deinit(&line);
}

static void test_files(void **state) {
    (void)state;
    struct cm_line line;
    struct cm_line_error error;
    assert_int_equal(cm_line_parse(CM_SLICE("get k >out 'x'"), &line, &error), CM_OK);
    assert_string_equal(line.output, "out");
    assert_false(line.appends);
    assert_null(line.input);
    assert_int_equal(line.count, 3);
    cm_line_deinit(&line);
    assert_int_equal(cm_line_parse(CM_SLICE("set k < 'a b' >> log"), &line, &error), CM_OK);
    assert_string_equal(line.input, "a b");
    assert_string_equal(line.output, "log");
    assert_true(line.appends);
    cm_line_deinit(&line);
}

static void test_wrong(void **state) {
    (void)state;
    wrong("get 'k", 5, "a ' is never closed");
    wrong("get \"k\\\"", 5, "a \" is never closed");
    wrong("get k\\", 6, "nothing stands behind the last \\; \\\\ is a backslash");
    wrong("get \\q", 5, "no such escape; there are \\n \\t \\r \\0 \\xNN \\\\ \\\" \\'");
    wrong("get \"\\x4\"", 6, "\\x needs two hexadecimal digits, such as \\x0a");
    wrong("get \\xg0", 5, "\\x needs two hexadecimal digits, such as \\x0a");
    wrong("get \\x", 5, "\\x needs two hexadecimal digits, such as \\x0a");
    wrong("get k >", 7, "'>' needs a file behind it; to mean the character, quote it");
    wrong("set k <  ", 7, "'<' needs a file behind it; to mean the character, quote it");
    wrong("get k > a > b", 11, "there is one '>' already");
    wrong("set k < a < b", 11, "there is one '<' already");
    wrong("get k > ''", 7, "that is no name of a file");
    wrong("get k > a\\0b", 7, "that is no name of a file");
    wrong("stats | less", 7,
          "pipes are for the shell, as in: cacheman stats | less; to mean the character, quote it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_quotes), cmocka_unit_test(test_zero),
        cmocka_unit_test(test_bare),  cmocka_unit_test(test_files),  cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

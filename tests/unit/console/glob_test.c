/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool match(const char *pattern, const char *text) {
    return cm_glob_match(cm_slice(pattern, strlen(pattern)), cm_slice(text, strlen(text)));
}

static void test_matches(void **state) {
    (void)state;
    assert_true(match("*", ""));
    assert_true(match("**", "abc"));
    assert_true(match("", ""));
    assert_true(match("abc", "abc"));
    assert_true(match("a?c", "abc"));
    assert_true(match("user:*:name", "user:12:name"));
    assert_true(match("*b*b*", "abxb"));
    assert_true(match("*ab", "aab"));
    assert_true(match("[a-c]x", "bx"));
    assert_true(match("[!a-c]x", "dx"));
    assert_true(match("[]]", "]"));
    assert_true(match("[a-]", "-"));
    assert_true(match("[", "["));
    assert_true(match("a[", "a["));
    assert_true(match("\\*", "*"));
    assert_true(match("\\", "\\"));
    assert_true(cm_glob_match(CM_SLICE("a*\0*"), CM_SLICE("ab\0c")));
    assert_true(match("[\x80-\xff]", "\xc3"));
}

static void test_differences(void **state) {
    (void)state;
    assert_false(match("", "a"));
    assert_false(match("a", ""));
    assert_false(match("?", ""));
    assert_false(match("abc", "abd"));
    assert_false(match("abc", "ab"));
    assert_false(match("ab", "abc"));
    assert_false(match("*ab", "aba"));
    assert_false(match("[a-c]x", "dx"));
    assert_false(match("[!a-c]x", "bx"));
    assert_false(match("\\*", "a"));
    assert_false(match("*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

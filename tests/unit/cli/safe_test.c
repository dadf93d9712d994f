/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cli/safe.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum form { BARE, QUOTED, WORD };

static void check(struct cm_slice bytes, enum form form, size_t columns, const char *expected) {
    char *text = NULL;
    size_t length = 0, used = 0;
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    if (form == BARE)
        used = cm_safe_print(to, bytes, columns);
    else if (form == QUOTED)
        used = cm_safe_print_quoted(to, bytes, columns);
    else
        used = cm_safe_print_word(to, bytes);
    fclose(to);
    assert_string_equal(text, expected);
    if (columns > 0)
        assert_true(used <= columns);
    free(text);
}

static void test_plain(void **state) {
    (void)state;
    check(CM_SLICE("hello, world"), BARE, 0, "hello, world");
    check(CM_SLICE(""), BARE, 0, "");
    check(CM_SLICE("a\"b\\c"), BARE, 0, "a\"b\\\\c");
    check(CM_SLICE("a\"b\\c"), QUOTED, 0, "\"a\\\"b\\\\c\"");
}

static void test_hostile(void **state) {
    (void)state;
    check(CM_SLICE("\033]0;owned\a"), BARE, 0, "\\x1b]0;owned\\x07");
    check(CM_SLICE("a\nb\tc\rd"), BARE, 0, "a\\nb\\tc\\rd");
    check(CM_SLICE("a\0b\x7f"), BARE, 0, "a\\x00b\\x7f");
    check(CM_SLICE("\xc2\x9b"
                   "31m"),
          BARE, 0, "\\xc2\\x9b31m");
    check(CM_SLICE("\x9b"
                   "31m"),
          BARE, 0, "\\x9b31m");
    check(CM_SLICE("\xe2\x80\xae"
                   "gpj.exe"),
          BARE, 0, "\\xe2\\x80\\xaegpj.exe");
    check(CM_SLICE("\xef\xbb\xbfx"), BARE, 0, "\\xef\\xbb\\xbfx");
    check(CM_SLICE("\xc3"), BARE, 0, "\\xc3");
    check(CM_SLICE("\xc0\xaf"), BARE, 0, "\\xc0\\xaf");
    check(CM_SLICE("\xed\xa0\x80"), BARE, 0, "\\xed\\xa0\\x80");
}

static void test_locale(void **state) {
    (void)state;
    check(CM_SLICE("K\xc3\xb6ln"), BARE, 0, "K\xc3\xb6ln");
    assert_true(cm_safe_is_text(CM_SLICE("K\xc3\xb6ln\n\tx")));
    assert_non_null(setlocale(LC_CTYPE, "C"));
    check(CM_SLICE("K\xc3\xb6ln"), BARE, 0, "K\\xc3\\xb6ln");
    assert_false(cm_safe_is_text(CM_SLICE("K\xc3\xb6ln")));
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_false(cm_safe_is_text(CM_SLICE("a\033")));
    assert_false(cm_safe_is_text(CM_SLICE("a\0b")));
}

static void test_cut(void **state) {
    (void)state;
    check(CM_SLICE("0123456789"), BARE, 10, "0123456789");
    check(CM_SLICE("0123456789"), BARE, 9, "012345...");
    check(CM_SLICE("0123456789"), BARE, 3, "...");
    check(CM_SLICE("0123456789"), BARE, 1, ".");
    check(CM_SLICE("01\n3456789"), BARE, 6, "01...");
    check(CM_SLICE("01\n3456789"), BARE, 7, "01\\n...");
    check(CM_SLICE("01\n3456789"), BARE, 11, "01\\n3456789");
    check(CM_SLICE("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"), BARE, 5, "\xe6\xbc\xa2...");
    check(CM_SLICE("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"), BARE, 6,
          "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2");
    check(CM_SLICE("0123456789"), QUOTED, 9, "\"0123...\"");
}

static void test_word(void **state) {
    (void)state;
    check(CM_SLICE("user:1"), WORD, 0, "user:1");
    check(CM_SLICE("it's"), WORD, 0, "\"it's\"");
    check(CM_SLICE("two words"), WORD, 0, "\"two words\"");
    check(CM_SLICE(""), WORD, 0, "\"\"");
    check(CM_SLICE("#x"), WORD, 0, "\"#x\"");
    check(CM_SLICE("--ttl"), WORD, 0, "\"--ttl\"");
    check(CM_SLICE("a\\b"), WORD, 0, "\"a\\\\b\"");
    check(CM_SLICE("a\001"), WORD, 0, "\"a\\x01\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_hostile), cmocka_unit_test(test_locale),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_word),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

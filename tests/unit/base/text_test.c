/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct cm_slice text, const char *wanted) {
    struct cm_buf to = {0};
    assert_int_equal(cm_text_quote(&to, text), CM_OK);
    assert_int_equal(cm_buf_append(&to, cm_slice("", 1)), CM_OK);
    assert_string_equal(cm_buf_slice(&to).data, wanted);
    cm_buf_deinit(&to);
}

static void test_quotes(void **state) {
    (void)state;
    expect(CM_SLICE(""), "\"\"");
    expect(CM_SLICE("plain / text"), "\"plain / text\"");
    expect(CM_SLICE("say \"no\" \\"), "\"say \\\"no\\\" \\\\\"");
    expect(CM_SLICE("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
           "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    expect(CM_SLICE("a\0b\n\x7f\x1b"), "\"a?b???\"");
}

/* Too long a form, halves, surrogates, control characters past U+007F. */
static void test_what_is_no_text(void **state) {
    (void)state;
    expect(CM_SLICE("\xc0\xaf"), "\"??\"");
    expect(CM_SLICE("\xe2\x82"), "\"??\"");
    expect(CM_SLICE("\xed\xa0\x80"), "\"???\"");
    expect(CM_SLICE("\xf4\x90\x80\x80"), "\"????\"");
    expect(CM_SLICE("\xc2\x9b"), "\"??\"");
    expect(CM_SLICE("\xff"), "\"?\"");
    assert_int_equal(cm_text_character(CM_SLICE("")), 0);
    assert_int_equal(cm_text_character(CM_SLICE("\xc3")), 0);
    assert_int_equal(cm_text_character(CM_SLICE("\xc3\xa4x")), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_what_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

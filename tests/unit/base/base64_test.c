/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 4648, section 10. */
static void vectors_of_the_rfc(void **state) {
    (void)state;
    static const char *const vectors[][2] = {
        {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[16];
        char back[16];
        const struct cm_slice bytes = cm_slice(vectors[i][0], strlen(vectors[i][0]));
        const size_t chars = cm_base64_encode(bytes, text);
        assert_int_equal(chars, strlen(vectors[i][1]));
        assert_memory_equal(text, vectors[i][1], chars);
        assert_int_equal(cm_base64_decode(cm_slice(text, chars), back, sizeof back), bytes.len);
        assert_memory_equal(back, bytes.data, bytes.len);
    }
}

static void what_is_not_base64(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "a", "ab", "abc", "a===", "====", "ab=c", "ab!c", "Zg==Zg==", "Zm9v\n", "Zm9 "};
    char to[16];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cm_base64_decode(cm_slice(bad[i], strlen(bad[i])), to, sizeof to), 0);
    }
}

static void room_is_respected(void **state) {
    (void)state;
    char to[3] = {0, 0, 'x'};
    assert_int_equal(cm_base64_decode(CM_SLICE("Zm9v"), to, 2), 0);
    assert_int_equal(cm_base64_decode(CM_SLICE("Zm8="), to, 2), 2);
    assert_int_equal(to[2], 'x');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(what_is_not_base64),
        cmocka_unit_test(room_is_respected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

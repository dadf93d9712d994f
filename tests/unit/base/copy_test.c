/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef void copier(void *to, const void *from, size_t bytes);

/* Every alignment of both ends and every length around the words: exactly those bytes. */
static void check_copier(copier *copy) {
    enum { ROOM = 64 };
    unsigned char from[ROOM];
    unsigned char to[ROOM];
    for (size_t i = 0; i < ROOM; i++)
        from[i] = (unsigned char)(i + 1);
    for (size_t a = 0; a < 9; a++) {
        for (size_t b = 0; b < 9; b++) {
            for (size_t bytes = 0; bytes < 40; bytes++) {
                memset(to, 0, sizeof to);
                copy(to + b, from + a, bytes);
                assert_memory_equal(to + b, from + a, bytes);
                assert_int_equal(to[b + bytes], 0);
                assert_true(b == 0 || to[b - 1] == 0);
            }
        }
    }
}

static void test_shared(void **state) {
    (void)state;
    check_copier(cm_copy_shared);
}

static void test_publish(void **state) {
    (void)state;
    check_copier(cm_copy_publish);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_publish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

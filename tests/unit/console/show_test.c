/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/show.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_what_is_shown_is_harmless(void **state) {
    (void)state;
    struct cm_shown shown;
    assert_string_equal(cm_show_text(&shown, "a\x1b[2J"), "a\\x1b[2J");
}

/* Whatever it takes to show them. */
static void test_errno_stays(void **state) {
    (void)state;
    static const char *const texts[] = {"", "path", "\xff\xfe", "\x1b", "\xe2\x82"};
    struct cm_shown shown;
    struct cm_told told;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        errno = ENOSPC;
        (void)cm_show_text(&shown, texts[i]);
        assert_int_equal(errno, ENOSPC);
        (void)cm_tell(&told, texts[i]);
        assert_int_equal(errno, ENOSPC);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shown_is_harmless),
        cmocka_unit_test(test_errno_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

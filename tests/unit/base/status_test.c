/* SPDX-License-Identifier: BSD-3-Clause */
#include <cacheman/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_texts(void **state) {
    (void)state;
    assert_int_equal(CM_OK, 0);
    assert_string_equal(cm_status_text(CM_OK), "ok");
    assert_string_equal(cm_status_text(CM_TOO_LARGE), "object too large for cache");
}

static void test_unknown_status(void **state) {
    (void)state;
    assert_string_equal(cm_status_text((enum cm_status)9999), "unknown status");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_unknown_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

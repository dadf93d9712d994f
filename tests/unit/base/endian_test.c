/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char bytes[] = "?\x01\x02\x03\x04\x05\x06\x07\xf8";

static void loads_at_odd_addresses(void **state) {
    (void)state;
    assert_int_equal(cm_load_be16(bytes + 1), 0x0102);
    assert_int_equal(cm_load_be32(bytes + 1), 0x01020304);
    assert_true(cm_load_be64(bytes + 1) == 0x01020304050607f8);
}

static void stores_what_it_loads(void **state) {
    (void)state;
    char copy[sizeof bytes] = "?";
    cm_store_be64(copy + 1, 0x01020304050607f8);
    assert_memory_equal(copy, bytes, 9);
    cm_store_be32(copy + 1, 0xa1a2a3a4);
    cm_store_be16(copy + 5, 0xb1b2);
    assert_memory_equal(copy, "?\xa1\xa2\xa3\xa4\xb1\xb2\x07\xf8", 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_at_odd_addresses),
        cmocka_unit_test(stores_what_it_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

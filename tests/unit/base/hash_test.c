/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Values of the reference implementation: the hash is XXH3 and stays what it is. */
static void test_reference_values(void **state) {
    (void)state;
    assert_true(cm_hash("", 0, 0) == 0x2d06800538d394c2U);
    assert_true(cm_hash(NULL, 0, 0) == 0x2d06800538d394c2U);
    assert_true(cm_hash("a", 1, 0) == 0xe6c632b61e964e1fU);
    assert_true(cm_hash("abc", 3, 0) == 0x78af5f94892f3950U);
}

static void test_seed_changes_everything(void **state) {
    (void)state;
    static const char key[] = "user:1234567890";
    uint64_t differing = 0;
    for (uint64_t seed = 0; seed < 64; seed++)
        differing |= cm_hash(key, strlen(key), seed) ^ cm_hash(key, strlen(key), seed + 1);
    assert_true(differing == UINT64_MAX);
}

static void test_length_counts(void **state) {
    (void)state;
    static const char zeros[250];
    for (size_t i = 1; i < sizeof zeros; i++)
        assert_true(cm_hash(zeros, i, 7) != cm_hash(zeros, i + 1, 7));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_values),
        cmocka_unit_test(test_seed_changes_everything),
        cmocka_unit_test(test_length_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

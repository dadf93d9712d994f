/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/command.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* As `memcached -vv` prints them. */
static const size_t memcached_sizes[] = {
    96,    120,    152,    192,    240,    304,    384,    480,    600,    752,
    944,   1184,   1480,   1856,   2320,   2904,   3632,   4544,   5680,   7104,
    8880,  11104,  13880,  17352,  21696,  27120,  33904,  42384,  52984,  66232,
    82792, 103496, 129376, 161720, 202152, 252696, 315872, 394840, 524288,
};
#define CLASSES (sizeof memcached_sizes / sizeof memcached_sizes[0])

static void classes_are_memcacheds(void **state) {
    (void)state;
    for (uint32_t i = 0; i < CLASSES; i++) {
        assert_int_equal(cm_size_class_bytes(i + 1), memcached_sizes[i]);
        assert_int_equal(cm_size_class(memcached_sizes[i]), i + 1);
        if (i + 1 < CLASSES) {
            assert_int_equal(cm_size_class(memcached_sizes[i] + 1), i + 2);
        }
    }
}

static void the_ends(void **state) {
    (void)state;
    assert_int_equal(cm_size_class(1), 1);
    assert_int_equal(cm_size_class((size_t)1 << 30), CLASSES);
    assert_int_equal(cm_size_class_bytes(0), 0);
    assert_int_equal(cm_size_class_bytes(CLASSES + 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_memcacheds),
        cmocka_unit_test(the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool add(struct cm_window *window, const char *key, uint32_t bytes) {
    char copy[CM_TRACE_KEY_BYTES_MAX + 1];
    snprintf(copy, sizeof copy, "%s", key);
    const struct cm_trace_request request = {cm_slice(copy, strlen(key)), bytes, true};
    bool added = cm_window_add(window, &request);
    memset(copy, '?', sizeof copy); /* the window has its own */
    return added;
}

static void test_a_repeated_key_cuts(void **state) {
    (void)state;
    struct cm_window window;
    assert_int_equal(cm_window_init(&window, 8), CM_OK);
    assert_true(add(&window, "a", 1));
    assert_true(add(&window, "b", 2));
    assert_false(add(&window, "a", 3));
    assert_false(add(&window, "b", 3));
    assert_true(add(&window, "aa", 4));
    assert_int_equal(window.count, 3);
    assert_true(cm_slice_equal(window.requests[0].key, CM_SLICE("a")));
    assert_int_equal(window.requests[0].value_bytes, 1);
    assert_true(cm_slice_equal(window.requests[2].key, CM_SLICE("aa")));
    cm_window_clear(&window);
    assert_int_equal(window.count, 0);
    assert_true(add(&window, "a", 3));
    cm_window_deinit(&window);
}

static void test_a_full_window_takes_no_more(void **state) {
    (void)state;
    static const size_t rooms[] = {1, 2, 3, 64, 1000};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct cm_window window;
        char key[32];
        assert_int_equal(cm_window_init(&window, rooms[i]), CM_OK);
        for (size_t round = 0; round < 3; round++) {
            cm_window_clear(&window);
            for (size_t j = 0; j <= rooms[i]; j++) {
                snprintf(key, sizeof key, "key-%zu", j);
                assert_int_equal(add(&window, key, 0), j < rooms[i]);
            }
            assert_false(add(&window, "key-0", 0));
            assert_int_equal(window.count, rooms[i]);
        }
        cm_window_deinit(&window);
    }
}

static void test_the_longest_keys_fit(void **state) {
    (void)state;
    struct cm_window window;
    char key[CM_TRACE_KEY_BYTES_MAX + 1];
    assert_int_equal(cm_window_init(&window, 2), CM_OK);
    memset(key, 'k', sizeof key);
    key[CM_TRACE_KEY_BYTES_MAX] = '\0';
    assert_true(add(&window, key, 0));
    key[CM_TRACE_KEY_BYTES_MAX - 1] = 'l';
    assert_true(add(&window, key, 0));
    assert_true(cm_slice_equal(window.requests[1].key, cm_slice(key, CM_TRACE_KEY_BYTES_MAX)));
    cm_window_deinit(&window);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repeated_key_cuts),
        cmocka_unit_test(test_a_full_window_takes_no_more),
        cmocka_unit_test(test_the_longest_keys_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_content(const struct cm_buf *buf, struct cm_slice expected) {
    struct cm_slice content = cm_buf_slice(buf);
    assert_int_equal(content.len, expected.len);
    assert_true(cm_slice_equal(content, expected));
}

static void test_empty(void **state) {
    (void)state;
    struct cm_buf buf = {0};
    assert_content(&buf, cm_slice(NULL, 0));
    assert_int_equal(cm_buf_append(&buf, cm_slice(NULL, 0)), CM_OK);
    cm_buf_consume(&buf, 0);
    cm_buf_clear(&buf);
    assert_null(buf.data);
    cm_buf_deinit(&buf);
    cm_buf_deinit(&buf);
}

static void test_append_and_consume(void **state) {
    (void)state;
    struct cm_buf buf = {0};
    assert_int_equal(cm_buf_append(&buf, CM_SLICE("hello ")), CM_OK);
    assert_int_equal(cm_buf_append(&buf, CM_SLICE("world")), CM_OK);
    assert_content(&buf, CM_SLICE("hello world"));
    cm_buf_consume(&buf, 6);
    assert_content(&buf, CM_SLICE("world"));
    cm_buf_consume(&buf, 5);
    assert_int_equal(buf.tail, 0);
    cm_buf_deinit(&buf);
}

static void test_reserve_and_write_in_place(void **state) {
    (void)state;
    struct cm_buf buf = {0};
    assert_int_equal(cm_buf_reserve(&buf, 1000), CM_OK);
    assert_true(cm_buf_room(&buf) >= 1000);
    memcpy(cm_buf_tail(&buf), "abc", 3);
    cm_buf_wrote(&buf, 3);
    cm_buf_put(&buf, CM_SLICE("def"));
    assert_content(&buf, CM_SLICE("abcdef"));
    cm_buf_deinit(&buf);
}

/* A buffer used as a queue that never runs empty must not grow with what passed through it. */
static void test_queue_stays_small(void **state) {
    (void)state;
    struct cm_buf buf = {0};
    uint32_t written = 0;
    uint32_t read = 0;
    while (read < 100000) {
        for (int i = 0; i < 7; i++, written++)
            assert_int_equal(cm_buf_append(&buf, cm_slice(&written, sizeof written)), CM_OK);
        for (int i = 0; i < 7 && cm_buf_len(&buf) > 20 * sizeof read; i++, read++) {
            uint32_t got;
            memcpy(&got, cm_buf_slice(&buf).data, sizeof got);
            assert_int_equal(got, read);
            cm_buf_consume(&buf, sizeof got);
        }
    }
    assert_true(buf.capacity <= 512);
    cm_buf_deinit(&buf);
}

static void test_impossible_size_changes_nothing(void **state) {
    (void)state;
    struct cm_buf buf = {0};
    assert_int_equal(cm_buf_reserve(&buf, SIZE_MAX), CM_NO_MEMORY);
    assert_int_equal(cm_buf_append(&buf, CM_SLICE("kept")), CM_OK);
    assert_int_equal(cm_buf_reserve(&buf, SIZE_MAX), CM_NO_MEMORY);
    assert_int_equal(cm_buf_reserve(&buf, SIZE_MAX - 4), CM_NO_MEMORY);
    assert_int_equal(cm_buf_reserve(&buf, SIZE_MAX / 2 + 2), CM_NO_MEMORY);
    assert_content(&buf, CM_SLICE("kept"));
    cm_buf_deinit(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_append_and_consume),
        cmocka_unit_test(test_reserve_and_write_in_place),
        cmocka_unit_test(test_queue_stays_small),
        cmocka_unit_test(test_impossible_size_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

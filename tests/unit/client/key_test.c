/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum cm_status make(struct cm_slice key, const char *prefix) {
    const struct cacheman_request request = {.key = cacheman_bytes(key.data, key.len)};
    struct cm_task task = {.request = &request};
    struct cm_settings settings = {.keys = CM_KEYS_REFUSE};
    snprintf(settings.prefix, sizeof settings.prefix, "%s", prefix);
    const enum cm_status status = cm_key_make(&task, &settings);
    assert_null(task.made_key);
    return status;
}

/* Whatever the length, and wherever in it. */
static void every_byte_is_judged(void **state) {
    (void)state;
    char key[32];
    for (size_t length = 1; length < sizeof key; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(key, at % 2 == 0 ? '!' : '\xff', length);
                key[at] = (char)byte;
                const bool is_plain = byte > ' ' && byte != 0x7f;
                assert_int_equal(make(cm_slice(key, length), ""), is_plain ? CM_OK : CM_BAD_KEY);
            }
        }
    }
}

static void length_and_prefix_count(void **state) {
    (void)state;
    char key[CACHEMAN_KEY_BYTES_MAX + 1];
    memset(key, 'k', sizeof key);
    assert_int_equal(make(cm_slice(key, 0), ""), CM_BAD_KEY);
    assert_int_equal(make(cm_slice(key, sizeof key - 1), ""), CM_OK);
    assert_int_equal(make(cm_slice(key, sizeof key), ""), CM_BAD_KEY);
    assert_int_equal(make(cm_slice(key, sizeof key - 3), "p:"), CM_OK);
    assert_int_equal(make(cm_slice(key, sizeof key - 2), "p:"), CM_BAD_KEY);
    assert_int_equal(make(cm_slice(key, 1), "p q"), CM_BAD_KEY);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_byte_is_judged),
                                       cmocka_unit_test(length_and_prefix_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

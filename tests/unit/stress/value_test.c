/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint32_t sizes[] = {0,   1,    2,    3,    9,    15,    16,     17,    24,
                                 100, 4095, 4096, 4112, 4113, 65536, 100000, 300000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const struct cm_slice key = {"k000000000000042", 16};

static int make_block(void **state) {
    struct cm_stress_block *block = malloc(sizeof *block);
    cm_stress_block_init(block);
    *state = block;
    return 0;
}

static int free_block(void **state) {
    free(*state);
    return 0;
}

static char *make(const struct cm_stress_block *block, uint64_t version, uint32_t bytes) {
    char *value = malloc(bytes + 1);
    cm_stress_value_make(block, &(struct cm_stress_content){key, version, bytes}, value);
    return value;
}

static void test_whole(void **state) {
    for (size_t i = 0; i < SIZES; i++) {
        for (uint64_t version = 0; version < 5; version++) {
            char *value = make(*state, version * 0x123456789abcdef, sizes[i]);
            assert_true(cm_stress_value_check(*state, key, cm_slice(value, sizes[i])) ==
                        CM_STRESS_WHOLE);
            free(value);
        }
    }
}

/* Any byte, any bit; from 16 bytes on the very place is told, unless it is in the version. */
static void test_changed_byte(void **state) {
    for (size_t i = 3; i < SIZES; i++) {
        const uint32_t bytes = sizes[i], step = bytes < 5000 ? 1 : 997;
        char *value = make(*state, 77, bytes);
        for (uint32_t at = 0; at < bytes; at += step) {
            value[at] ^= (char)(1u << at % 8);
            const size_t wrong = cm_stress_value_check(*state, key, cm_slice(value, bytes));
            assert_true(wrong != CM_STRESS_WHOLE);
            if (bytes >= 16 && at >= 8)
                assert_int_equal(wrong, at);
            value[at] ^= (char)(1u << at % 8);
        }
        free(value);
    }
}

static void test_value_of_another_key(void **state) {
    for (size_t i = 4; i < SIZES; i++) {
        char *value = make(*state, 5, sizes[i]);
        assert_true(cm_stress_value_check(*state, CM_SLICE("k000000000000043"),
                                          cm_slice(value, sizes[i])) != CM_STRESS_WHOLE);
        free(value);
    }
}

static void test_cut_value(void **state) {
    for (size_t i = 5; i < SIZES; i++) {
        char *value = make(*state, 9, sizes[i]);
        assert_true(cm_stress_value_check(*state, key, cm_slice(value, sizes[i] - 1)) !=
                    CM_STRESS_WHOLE);
        free(value);
    }
}

/* The beginning of one version, the end of another, cut anywhere but at the ends. */
static void test_torn_value(void **state) {
    for (size_t i = 7; i < SIZES; i++) {
        const uint32_t bytes = sizes[i], step = bytes < 5000 ? 7 : 1009;
        char *one = make(*state, 1, bytes), *other = make(*state, 2, bytes);
        for (uint32_t at = 8; at + 8 <= bytes; at += step) {
            char *torn = malloc(bytes);
            memcpy(torn, one, at);
            memcpy(torn + at, other + at, bytes - at);
            const size_t wrong = cm_stress_value_check(*state, key, cm_slice(torn, bytes));
            assert_true(wrong != CM_STRESS_WHOLE && wrong >= at);
            free(torn);
        }
        free(one);
        free(other);
    }
}

/* Two pieces in each other's place. */
static void test_pieces_in_the_wrong_order(void **state) {
    const uint32_t bytes = 16 + 3 * CM_STRESS_PIECE_BYTES;
    char *value = make(*state, 3, bytes), *swapped = malloc(bytes);
    memcpy(swapped, value, bytes);
    memcpy(swapped + 16, value + 16 + CM_STRESS_PIECE_BYTES, CM_STRESS_PIECE_BYTES);
    memcpy(swapped + 16 + CM_STRESS_PIECE_BYTES, value + 16, CM_STRESS_PIECE_BYTES);
    assert_true(cm_stress_value_check(*state, key, cm_slice(swapped, bytes)) != CM_STRESS_WHOLE);
    free(value);
    free(swapped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_changed_byte),
        cmocka_unit_test(test_value_of_another_key),
        cmocka_unit_test(test_cut_value),
        cmocka_unit_test(test_torn_value),
        cmocka_unit_test(test_pieces_in_the_wrong_order),
    };
    return cmocka_run_group_tests(tests, make_block, free_block);
}

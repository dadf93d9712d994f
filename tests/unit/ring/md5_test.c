/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/md5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void expect(const char *message, size_t bytes, const char *hex) {
    uint8_t digest[CM_MD5_BYTES];
    char text[2 * CM_MD5_BYTES + 1];
    cm_md5(cm_slice(message, bytes), digest);
    for (size_t i = 0; i < CM_MD5_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, hex);
}

/* RFC 1321, appendix A.5. */
static void the_rfcs_digests(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"1234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

/* Where the padding just fits a block, just does not, and is a block of its own. */
static void lengths_around_a_block(void **state) {
    (void)state;
    char zeros[120] = {0};
    expect(zeros, 55, "c9ea3314b91c9fd4e38f9432064fd1f2");
    expect(zeros, 56, "e3c4dd21a9171fd39d208efa09bf7883");
    expect(zeros, 63, "65cecfb980d72fde57d175d6ec1c3f64");
    expect(zeros, 64, "3b5d3c7d207e37dceeedd301e35e2e58");
    expect(zeros, 120, "222f7d881ded1871724a1b9a1cb94247");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_digests),
        cmocka_unit_test(lengths_around_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

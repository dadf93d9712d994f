/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void hosts(void **state) {
    (void)state;
    static const char *const known[] = {"127.0.0.1", "localhost",  "LOCALHOST:1", "[::1]:65535",
                                        "8.8.8.8",   "cache1:443", "Cache1"};
    static const char *const strange[] = {
        "",         "evil.example", "cache1.evil.example", "cache", "localhost.",  ":80", "[]",
        "[::1]x:1", "[::1]:",       "localhost:65536",     "[g::]", "127.0.0.1:+1"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(cm_admin_is_known_host(known[i], "cache1"));
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        assert_false(cm_admin_is_known_host(strange[i], "cache1"));
}

static void origins(void **state) {
    (void)state;
    static const char *const local[] = {"http://localhost", "https://localhost:1",
                                        "http://127.0.0.1:16181", "http://[::1]"};
    static const char *const strange[] = {"",
                                          "null",
                                          "localhost",
                                          "http://",
                                          "http://evil.example",
                                          "http://localhost@evil.example",
                                          "http://127.0.0.1.evil.example",
                                          "http://localhost\\.evil.example",
                                          "HTTP://localhost",
                                          "ftp://localhost",
                                          "http://localhost:"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        assert_true(cm_admin_is_local_origin(local[i]));
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        assert_false(cm_admin_is_local_origin(strange[i]));
}

static void expect_sources(const char *servers, const char *sources) {
    struct cm_buf to = {0};
    assert_int_equal(cm_admin_put_servers(servers, &to), sources != NULL ? CM_OK : CM_INVALID);
    if (sources != NULL)
        assert_true(cm_slice_equal(cm_buf_slice(&to), cm_slice(sources, strlen(sources))));
    cm_buf_deinit(&to);
}

static void servers(void **state) {
    (void)state;
    expect_sources("a", " a:16181");
    expect_sources("a:1,b-c.d_e:65535", " a:1 b-c.d_e:65535");
    expect_sources("%5b::1%5D%3a7%2Cx", " http: https: x:16181");
    expect_sources("", NULL);
    expect_sources("a,,b", NULL);
    expect_sources("a%", NULL);
    expect_sources("a%3", NULL);
    expect_sources("a%3B", NULL);
    expect_sources("a;b", NULL);
    expect_sources("*:1", NULL);
    expect_sources("[::1];x", NULL);
    expect_sources("[a b]", NULL);
    expect_sources("[a]", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(origins),
        cmocka_unit_test(servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

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
    struct cm_admin_servers_error error;
    assert_int_equal(cm_admin_put_servers(servers, &to, &error), CM_OK);
    assert_true(cm_slice_equal(cm_buf_slice(&to), cm_slice(sources, strlen(sources))));
    cm_buf_deinit(&to);
}

static void expect_fault(const char *servers, const char *text) {
    struct cm_buf to = {0};
    struct cm_admin_servers_error error;
    assert_int_equal(cm_admin_put_servers(servers, &to, &error), CM_INVALID);
    assert_string_equal(error.text, text);
    cm_buf_deinit(&to);
}

static void expect_no_server(const char *entry) {
    char text[256];
    snprintf(text, sizeof text, "servers: \"%s\" is not HOST or HOST:PORT", entry);
    expect_fault(entry, text);
}

static void servers(void **state) {
    (void)state;
    expect_sources("a", " a:16181");
    expect_sources("a:1,b-c.d_e:65535", " a:1 b-c.d_e:65535");
    expect_sources("%5b::1%5D%3a7%2Cx", " http: https: x:16181");
    expect_sources("", "");
    expect_sources(" , ,", "");
    expect_sources("a,,b,", " a:16181 b:16181");
    expect_sources("%20a:1 ,+b:2%20%20,c", " a:1 b:2 c:16181");
}

static void what_is_no_server(void **state) {
    (void)state;
    static const char *const entries[] = {"a%",    "a%3", "a%3B", "a;b", "*:1", "[::1];x",
                                          "[a b]", "[a]", "a b",  "a:0", "a:b", "http://a"};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        expect_no_server(entries[i]);
    expect_fault("a,b:,c", "servers: \"b:\" is not HOST or HOST:PORT");
    expect_fault("a\"<\n\xc3\xa4", "servers: \"a\"<???\" is not HOST or HOST:PORT");
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect_fault(text, "servers: longer than 2048 bytes");
    text[129] = '\0';
    expect_fault(text,
                 "servers: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" "
                 "is longer than 128 bytes");
    for (size_t i = 0; i < 65; i++)
        memcpy(text + 2 * i, "a,", 3);
    expect_fault(text, "servers: more than 64");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(origins),
        cmocka_unit_test(servers),
        cmocka_unit_test(what_is_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

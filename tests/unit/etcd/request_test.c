/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct cm_buf *body, const char *text) {
    assert_int_equal(cm_buf_len(body), strlen(text));
    assert_memory_equal(cm_buf_slice(body).data, text, strlen(text));
    cm_buf_deinit(body);
}

static void the_bodies(void **state) {
    (void)state;
    struct cm_buf body = {0};
    assert_int_equal(cm_etcd_ask_range(&body, CM_SLICE("/a/"), 1025), CM_OK);
    expect(&body, "{\"key\":\"L2Ev\",\"range_end\":\"L2Ew\",\"limit\":1025}");
    assert_int_equal(cm_etcd_ask_watch(&body, CM_SLICE("/a/"), 8), CM_OK);
    expect(&body,
           "{\"create_request\":{\"key\":\"L2Ev\",\"range_end\":\"L2Ew\",\"start_revision\":8}}");
    assert_int_equal(cm_etcd_ask_lease(&body, 10), CM_OK);
    expect(&body, "{\"TTL\":10}");
    assert_int_equal(cm_etcd_ask_of_lease(&body, INT64_MAX), CM_OK);
    expect(&body, "{\"ID\":\"9223372036854775807\"}");
    const struct cm_etcd_put put = {"/a/", "b", "{}", 3};
    assert_int_equal(cm_etcd_ask_put(&body, &put), CM_OK);
    expect(&body, "{\"key\":\"L2EvYg==\",\"value\":\"e30=\",\"lease\":\"3\"}");
    assert_int_equal(cm_etcd_ask_login(&body, "a\"b", "c\\\n"), CM_OK);
    expect(&body, "{\"name\":\"a\\\"b\",\"password\":\"c\\\\\\n\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_bodies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

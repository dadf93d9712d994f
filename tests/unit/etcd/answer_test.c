/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/answer.h"

#include "base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PREFIX "/cacheman/c/members/"
#define HEADER "\"header\":{\"cluster_id\":\"18446744073709551615\",\"revision\":\"7\"}"

static struct cm_slice text_of(const char *text) {
    return cm_slice(text, strlen(text));
}

static struct cm_slice base64(const char *text, char to[512]) {
    const size_t chars = cm_base64_encode(text_of(text), to);
    to[chars] = '\0';
    return cm_slice(to, chars);
}

/* An answer with one entry. */
static const char *answer_of(const char *key, const char *value, char to[2048]) {
    char key64[512], value64[512];
    base64(key, key64);
    base64(value, value64);
    snprintf(to, 2048, "{" HEADER ",\"kvs\":[{\"key\":\"%s\",\"value\":\"%s\"}],\"count\":\"1\"}",
             key64, value64);
    return to;
}

static enum cm_status read_range(const char *json, struct cm_etcd_range *range) {
    return cm_etcd_read_range(text_of(json), CM_SLICE(PREFIX), range);
}

static void members_are_read(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *name;
        uint32_t weight;
    } rows[] = {
        {"10.0.0.1:11211", "{\"weight\":3}", "10.0.0.1:11211", 3},
        {"host", "{}", "host:16180", 1},
        {"[::1]:5", "{\"weight\":1000,\"more\":[1,2]}", "[::1]:5", 1000},
        {"unix:/run/a", " { } ", "unix:/run/a", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[128], json[2048];
        struct cm_etcd_range range;
        snprintf(key, sizeof key, PREFIX "%s", rows[i].key);
        assert_int_equal(read_range(answer_of(key, rows[i].value, json), &range), CM_OK);
        assert_int_equal(range.revision, 7);
        assert_true(range.etcd == UINT64_MAX);
        assert_int_equal(range.cluster.count, 1);
        assert_string_equal(range.cluster.members[0].name, rows[i].name);
        assert_int_equal(range.cluster.members[0].weight, rows[i].weight);
        assert_string_equal(range.problem.text, "");
        cm_etcd_range_deinit(&range);
    }
}

static void what_makes_no_sense_is_left_out_and_told_of(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *problem;
    } rows[] = {
        {PREFIX "a b", "{}", "\"a b\" in etcd is left out: \"a b\" is no host name and no address"},
        {PREFIX "a:0", "{}", "\"a:0\" in etcd is left out: \"0\" is not a port from 1 to 65535"},
        {PREFIX "\033[2J", "{}",
         "\"?[2J\" in etcd is left out: \"?[2J\" is no host name and no address"},
        {PREFIX "a;weight=2", "{}",
         "\"a;weight=2\" in etcd is left out: \"a;weight=2\" is no host name and no address"},
        {PREFIX, "{}",
         "\"\" in etcd is left out: a server is missing; write HOST, HOST:PORT, [IPV6]:PORT or "
         "unix:PATH"},
        {PREFIX "a", "", "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "1", "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "{\"weight\":0}",
         "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "{\"weight\":1001}",
         "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "{\"weight\":1.5}",
         "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "{\"weight\":\"1\"}",
         "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {PREFIX "a", "{\"weight\":99999999999999999999}",
         "\"a\" in etcd is left out: its value is not like {\"weight\":1}"},
        {"/other/a", "{}", "\"/other/a\" in etcd is left out: it is too long or another cluster's"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[2048];
        struct cm_etcd_range range;
        assert_int_equal(read_range(answer_of(rows[i].key, rows[i].value, json), &range), CM_OK);
        assert_int_equal(range.cluster.count, 0);
        assert_string_equal(range.problem.text, rows[i].problem);
        cm_etcd_range_deinit(&range);
    }
}

static void answers_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"header\":{}}",
        "{\"header\":{\"cluster_id\":1,\"revision\":\"1\"}}",
        "{\"header\":{\"cluster_id\":\"1\",\"revision\":1}}",
        "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"x\"}}",
        "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"99999999999999999999\"}}",
        "{" HEADER ",\"kvs\":{}}",
        "{" HEADER ",\"kvs\":\"\"}",
        "{" HEADER "} more",
        "{\"header\":\"\\u0000\"}",
        "<html>no</html>",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cm_etcd_range range;
        assert_int_equal(read_range(rows[i], &range), CM_BAD_ANSWER);
        cm_etcd_range_deinit(&range);
    }
}

static void entries_of_other_types_are_left_out(void **state) {
    (void)state;
    struct cm_etcd_range range;
    assert_int_equal(read_range("{" HEADER ",\"kvs\":[1,null,[],{\"key\":3,\"value\":{}},"
                                "{\"key\":\"%%%\",\"value\":\"=\"}]}",
                                &range),
                     CM_OK);
    assert_int_equal(range.cluster.count, 0);
    assert_string_equal(range.problem.text,
                        "\"\" in etcd is left out: it is too long or another cluster's");
    cm_etcd_range_deinit(&range);
    assert_int_equal(read_range("{" HEADER "}", &range), CM_OK);
    assert_int_equal(range.cluster.count, 0);
    assert_string_equal(range.problem.text, "");
    cm_etcd_range_deinit(&range);
}

/* A text of brackets, which a parser that calls itself would follow to the end of its stack. */
static void depth_is_limited(void **state) {
    (void)state;
    const size_t bytes = 1 << 20;
    char *json = malloc(bytes);
    struct cm_etcd_range range;
    assert_non_null(json);
    memset(json, '[', bytes);
    assert_int_equal(cm_etcd_read_range(cm_slice(json, bytes), CM_SLICE(PREFIX), &range),
                     CM_BAD_ANSWER);
    cm_etcd_range_deinit(&range);
    free(json);
}

static void too_many_members_are_refused(void **state) {
    (void)state;
    const size_t room = CM_ETCD_ANSWER_BYTES_MAX, count = 20000;
    char *json = malloc(room), key[64], key64[512];
    struct cm_etcd_range range;
    assert_non_null(json);
    size_t used = (size_t)sprintf(json, "{" HEADER ",\"kvs\":[");
    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, PREFIX "h%zu:1", i);
        base64(key, key64);
        used += (size_t)snprintf(json + used, room - used, "%s{\"key\":\"%s\",\"value\":\"e30=\"}",
                                 i == 0 ? "" : ",", key64);
    }
    used += (size_t)snprintf(json + used, room - used, "]}");
    assert_int_equal(cm_etcd_read_range(cm_slice(json, used), CM_SLICE(PREFIX), &range),
                     CM_INVALID);
    assert_string_equal(range.problem.text, "there are more than 1024 servers");
    cm_etcd_range_deinit(&range);
    free(json);
}

static void leases(void **state) {
    (void)state;
    int64_t number;
    assert_int_equal(cm_etcd_read_lease(CM_SLICE("{\"ID\":\"2324\",\"TTL\":\"10\"}"), &number),
                     CM_OK);
    assert_int_equal(number, 2324);
    assert_int_equal(cm_etcd_read_lease(CM_SLICE("{\"ID\":\"0\"}"), &number), CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_lease(CM_SLICE("{\"ID\":2324}"), &number), CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_lease(CM_SLICE("x"), &number), CM_BAD_ANSWER);
    assert_int_equal(
        cm_etcd_read_ttl(CM_SLICE("{\"result\":{\"ID\":\"5\",\"TTL\":\"9\"}}"), &number), CM_OK);
    assert_int_equal(number, 9);
    assert_int_equal(cm_etcd_read_ttl(CM_SLICE("{\"result\":{\"ID\":\"5\"}}"), &number), CM_OK);
    assert_int_equal(number, 0);
    assert_int_equal(
        cm_etcd_read_ttl(CM_SLICE("{\"result\":{\"ID\":\"5\",\"TTL\":\"-1\"}}"), &number), CM_OK);
    assert_int_equal(number, 0);
    assert_int_equal(cm_etcd_read_ttl(CM_SLICE("{\"error\":\"no\"}"), &number), CM_BAD_ANSWER);
}

static void watches(void **state) {
    (void)state;
    assert_int_equal(cm_etcd_read_watch(CM_SLICE("{\"result\":{\"created\":true}}")), CM_OK);
    assert_int_equal(cm_etcd_read_watch(CM_SLICE("{\"result\":{\"events\":[]}}")), CM_OK);
    assert_int_equal(cm_etcd_read_watch(CM_SLICE("{\"result\":{\"events\":[{}]}}")), CM_CANCELLED);
    assert_int_equal(
        cm_etcd_read_watch(CM_SLICE("{\"result\":{\"events\":[1],\"canceled\":true}}")),
        CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_watch(CM_SLICE("{\"error\":{}}")), CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_watch(CM_SLICE("hm")), CM_BAD_ANSWER);
}

static void tokens_fit_into_a_header(void **state) {
    (void)state;
    char token[CM_ETCD_TOKEN_BYTES], json[CM_ETCD_TOKEN_BYTES + 32];
    assert_int_equal(cm_etcd_read_token(CM_SLICE("{\"token\":\"abc.9\"}"), token), CM_OK);
    assert_string_equal(token, "abc.9");
    assert_int_equal(cm_etcd_read_token(CM_SLICE("{\"token\":\"\"}"), token), CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_token(CM_SLICE("{\"token\":\"a\\r\\nHost: b\"}"), token),
                     CM_BAD_ANSWER);
    assert_int_equal(cm_etcd_read_token(CM_SLICE("{\"token\":1}"), token), CM_BAD_ANSWER);
    for (size_t bytes = sizeof token - 2; bytes < sizeof token + 1; bytes++) {
        size_t used = (size_t)sprintf(json, "{\"token\":\"");
        memset(json + used, 'a', bytes);
        used += bytes;
        memcpy(json + used, "\"}", 2);
        assert_int_equal(cm_etcd_read_token(cm_slice(json, used + 2), token),
                         bytes < sizeof token ? CM_OK : CM_BAD_ANSWER);
    }
}

static void errors_are_for_people(void **state) {
    (void)state;
    char text[24];
    cm_etcd_read_error(CM_SLICE("{\"error\":\"no\\u001b such\",\"code\":5}"), text, sizeof text);
    assert_string_equal(text, "no? such");
    cm_etcd_read_error(CM_SLICE("{\"error\":{},\"message\":\"gone\"}"), text, sizeof text);
    assert_string_equal(text, "gone");
    cm_etcd_read_error(CM_SLICE("{\"error\":\"a text that is longer than the room\"}"), text,
                       sizeof text);
    assert_string_equal(text, "a text that is longer t");
    cm_etcd_read_error(CM_SLICE("<html>"), text, sizeof text);
    assert_string_equal(text, "an answer that makes no");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read),
        cmocka_unit_test(what_makes_no_sense_is_left_out_and_told_of),
        cmocka_unit_test(answers_that_make_no_sense_are_refused),
        cmocka_unit_test(entries_of_other_types_are_left_out),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(too_many_members_are_refused),
        cmocka_unit_test(leases),
        cmocka_unit_test(watches),
        cmocka_unit_test(tokens_fit_into_a_header),
        cmocka_unit_test(errors_are_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

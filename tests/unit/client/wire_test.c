/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_S 1000000000

static struct cm_slice text(const char *s) {
    return cm_slice(s, strlen(s));
}

/* ---- requests ---- */

static void expect_request(const struct cm_ask *ask, const struct cm_wire_key *key,
                           const char *meta, const char *classic) {
    struct cm_buf to = {0};
    assert_int_equal(cm_wire_encode_meta(&to, ask, key, NOW_S), CM_OK);
    assert_int_equal(cm_buf_len(&to), strlen(meta));
    assert_memory_equal(cm_buf_slice(&to).data, meta, strlen(meta));
    cm_buf_clear(&to);
    if (classic == NULL) {
        assert_int_equal(cm_wire_encode_text(&to, ask, key, NOW_S), CM_INVALID);
    } else {
        assert_int_equal(cm_wire_encode_text(&to, ask, key, NOW_S), CM_OK);
        assert_int_equal(cm_buf_len(&to), strlen(classic));
        assert_memory_equal(cm_buf_slice(&to).data, classic, strlen(classic));
    }
    cm_buf_deinit(&to);
}

static void every_request(void **state) {
    (void)state;
    static const struct {
        struct cm_ask ask;
        const char *meta, *classic;
    } rows[] = {
        {{.request = {.verb = CACHEMAN_GET}}, "mg pk v f\r\n", "get pk\r\n"},
        {{.request = {.verb = CACHEMAN_GET, .want_cas = true, .want_ttl = true}},
         "mg pk v f t c\r\n",
         "gets pk\r\n"},
        {{.request = {.verb = CACHEMAN_GET}, .lease = true, .lease_s = 30, .refresh_s = 5},
         "mg pk v f N30 R5\r\n",
         "get pk\r\n"},
        {{.request = {.verb = CACHEMAN_TOUCH, .ttl_s = 7}}, "mg pk T7\r\n", "touch pk 7\r\n"},
        {{.request = {.verb = CACHEMAN_TOUCH, .ttl_s = -9}}, "mg pk T-1\r\n", "touch pk -1\r\n"},
        {{.request = {.verb = CACHEMAN_GET_AND_TOUCH, .ttl_s = 2592001}},
         "mg pk v f T1002592001\r\n",
         "gat 1002592001 pk\r\n"},
        {{.request = {.verb = CACHEMAN_GET_AND_TOUCH, .ttl_s = 2592000, .want_cas = true}},
         "mg pk v f T2592000 c\r\n",
         "gats 2592000 pk\r\n"},
        {{.request = {.verb = CACHEMAN_SET, .value = {"ab", 2}}},
         "ms pk 2\r\nab\r\n",
         "set pk 0 0 2\r\nab\r\n"},
        {{.request = {.verb = CACHEMAN_SET, .value = {"", 0}, .flags = 9, .ttl_s = 60}},
         "ms pk 0 T60 F9\r\n\r\n",
         "set pk 9 60 0\r\n\r\n"},
        {{.request = {.verb = CACHEMAN_ADD, .value = {"a", 1}, .want_cas = true}},
         "ms pk 1 ME c\r\na\r\n",
         "add pk 0 0 1\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_REPLACE, .value = {"a", 1}}},
         "ms pk 1 MR\r\na\r\n",
         "replace pk 0 0 1\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_APPEND, .value = {"a", 1}, .ttl_s = 5}},
         "ms pk 1 MA\r\na\r\n",
         "append pk 0 5 1\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_PREPEND, .value = {"a", 1}}},
         "ms pk 1 MP\r\na\r\n",
         "prepend pk 0 0 1\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_CAS, .value = {"a", 1}, .cas = UINT64_MAX}},
         "ms pk 1 C18446744073709551615\r\na\r\n",
         "cas pk 0 0 1 18446744073709551615\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_DELETE}}, "md pk\r\n", "delete pk\r\n"},
        {{.request = {.verb = CACHEMAN_DELETE, .cas = 3}}, "md pk C3\r\n", NULL},
        {{.request = {.verb = CACHEMAN_DELETE}, .invalidate = true, .grace_s = 4},
         "md pk I T4\r\n",
         "delete pk\r\n"},
        {{.request = {.verb = CACHEMAN_INCREMENT, .delta = 1}}, "ma pk v\r\n", "incr pk 1\r\n"},
        {{.request =
              {.verb = CACHEMAN_DECREMENT, .delta = 2, .create = true, .initial = 6, .ttl_s = 3}},
         "ma pk v MD D2 N3 J6\r\n",
         "decr pk 2\r\n"},
        {{.request = {.verb = CACHEMAN_SET, .value = {"a", 1}, .no_reply = true}},
         "set pk 0 0 1 noreply\r\na\r\n",
         "set pk 0 0 1 noreply\r\na\r\n"},
        {{.request = {.verb = CACHEMAN_INCREMENT, .delta = 0, .no_reply = true}},
         "incr pk 0 noreply\r\n",
         "incr pk 0 noreply\r\n"},
    };
    const struct cm_wire_key key = {CM_SLICE("p"), CM_SLICE("k"), false};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_request(&rows[i].ask, &key, rows[i].meta, rows[i].classic);
}

static void an_encoded_key(void **state) {
    (void)state;
    const struct cm_wire_key key = {CM_SLICE(""), CM_SLICE("a b\0"), true};
    const struct cm_ask get = {.request = {.verb = CACHEMAN_GET, .want_cas = true}};
    const struct cm_ask bare = {.request = {.verb = CACHEMAN_GET, .no_value = true}};
    const struct cm_ask silent = {
        .request = {.verb = CACHEMAN_SET, .value = {"v", 1}, .no_reply = true}};
    expect_request(&bare, &key, "mg YSBiAA== b\r\n", "get YSBiAA==\r\n");
    expect_request(&get, &key, "mg YSBiAA== v f b c\r\n", "gets YSBiAA==\r\n");
    expect_request(&silent, &key, "ms YSBiAA== 1 b\r\nv\r\n", "set YSBiAA== 0 0 1\r\nv\r\n");
    assert_false(cm_wire_is_silent(&silent, &key));
}

/* ---- answers ---- */

static void meta_answers(void **state) {
    (void)state;
    struct cm_answer a;
    assert_true(cm_wire_read_meta(text("VA 5 f9 c77 t-1"), CACHEMAN_GET, &a));
    assert_int_equal(a.result.outcome, CACHEMAN_HIT);
    assert_true(a.has_value && a.value_bytes == 5 && a.result.flags == 9);
    assert_true(a.result.cas == 77 && a.result.ttl_s == CACHEMAN_TTL_FOREVER);
    assert_false(a.won || a.taken || a.result.stale || a.lost);
    assert_true(cm_wire_read_meta(text("VA 0 f0 W X Z"), CACHEMAN_GET_AND_TOUCH, &a));
    assert_true(a.won && a.taken && a.result.stale && a.has_value && a.value_bytes == 0);
    assert_int_equal(a.result.ttl_s, CACHEMAN_TTL_UNKNOWN);
    static const struct {
        const char *line;
        enum cacheman_verb verb;
        enum cacheman_outcome outcome;
    } rows[] = {
        {"EN", CACHEMAN_GET, CACHEMAN_MISS},       {"HD", CACHEMAN_TOUCH, CACHEMAN_HIT},
        {"HD", CACHEMAN_SET, CACHEMAN_STORED},     {"HD c12", CACHEMAN_CAS, CACHEMAN_STORED},
        {"NS", CACHEMAN_ADD, CACHEMAN_NOT_STORED}, {"EX c0", CACHEMAN_CAS, CACHEMAN_EXISTS},
        {"NF", CACHEMAN_DELETE, CACHEMAN_MISS},    {"HD", CACHEMAN_DELETE, CACHEMAN_HIT},
        {"NF", CACHEMAN_INCREMENT, CACHEMAN_MISS}, {"VA 2", CACHEMAN_DECREMENT, CACHEMAN_HIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(cm_wire_read_meta(text(rows[i].line), rows[i].verb, &a));
        assert_int_equal(a.result.outcome, rows[i].outcome);
        assert_int_equal(a.result.status, CM_OK);
    }
}

static void meta_nonsense(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum cacheman_verb verb;
    } rows[] = {
        {"", CACHEMAN_GET},
        {" ", CACHEMAN_GET},
        {"VA", CACHEMAN_GET},
        {"VA x f0", CACHEMAN_GET},
        {"VA -1 f0", CACHEMAN_GET},
        {"VA 1073741825 f0", CACHEMAN_GET},
        {"VA 18446744073709551616 f0", CACHEMAN_GET},
        {"VA 5 f4294967296", CACHEMAN_GET},
        {"VA 5 f", CACHEMAN_GET},
        {"VA 5 cx", CACHEMAN_GET},
        {"VA 5 t-2", CACHEMAN_GET},
        {"VA 5", CACHEMAN_SET},
        {"VA 5", CACHEMAN_TOUCH},
        {"HD", CACHEMAN_GET},
        {"HD", CACHEMAN_INCREMENT},
        {"STORED", CACHEMAN_SET},
        {"hd", CACHEMAN_SET},
        {"HDD", CACHEMAN_SET},
        {"MN", CACHEMAN_GET},
    };
    struct cm_answer a;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_false(cm_wire_read_meta(text(rows[i].line), rows[i].verb, &a));
}

static void classic_answers(void **state) {
    (void)state;
    const struct cm_wire_key key = {CM_SLICE("p"), CM_SLICE("k"), false};
    struct cm_ask ask = {.request = {.verb = CACHEMAN_GET}};
    struct cm_answer a;
    assert_true(cm_wire_read_text(text("VALUE pk 3 10"), &ask, &key, &a));
    assert_true(a.has_value && a.value_bytes == 10 && a.result.flags == 3);
    assert_true(cm_wire_read_text(text("END"), &ask, &key, &a));
    assert_int_equal(a.result.outcome, CACHEMAN_MISS);
    assert_false(cm_wire_read_text(text("VALUE px 3 10"), &ask, &key, &a));
    assert_false(cm_wire_read_text(text("VALUE pkk 3 10"), &ask, &key, &a));
    assert_false(cm_wire_read_text(text("VALUE pk 3"), &ask, &key, &a));
    ask.request.want_cas = true;
    assert_false(cm_wire_read_text(text("VALUE pk 3 10"), &ask, &key, &a));
    assert_true(cm_wire_read_text(text("VALUE pk 3 10 8"), &ask, &key, &a));
    assert_int_equal(a.result.cas, 8);
    ask = (struct cm_ask){.request = {.verb = CACHEMAN_INCREMENT}};
    assert_true(cm_wire_read_text(text("18446744073709551615"), &ask, &key, &a));
    assert_true(a.result.number == UINT64_MAX && a.result.outcome == CACHEMAN_HIT);
    assert_false(cm_wire_read_text(text("DELETED"), &ask, &key, &a));
    assert_true(cm_wire_read_text(text("NOT_FOUND"), &ask, &key, &a));
    assert_int_equal(a.result.outcome, CACHEMAN_MISS);
    ask.request.verb = CACHEMAN_SET;
    assert_true(cm_wire_read_text(text("STORED"), &ask, &key, &a));
    assert_false(cm_wire_read_text(text("12"), &ask, &key, &a));
    assert_false(cm_wire_read_text(text("STOREDX"), &ask, &key, &a));
}

static void errors(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum cm_status status;
        bool lost;
    } rows[] = {
        {"ERROR", CM_REFUSED, true},
        {"CLIENT_ERROR bad data chunk", CM_REFUSED, true},
        {"SERVER_ERROR object too large for cache", CM_TOO_LARGE, false},
        {"SERVER_ERROR out of memory storing object", CM_NO_MEMORY, false},
        {"CLIENT_ERROR cannot increment or decrement non-numeric value", CM_NOT_NUMERIC, false},
        {"CLIENT_ERROR unauthenticated", CM_NOT_AUTHENTICATED, true},
        {"CLIENT_ERROR authentication failure", CM_NOT_AUTHENTICATED, true},
    };
    struct cm_answer a;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(cm_wire_read_meta(text(rows[i].line), CACHEMAN_SET, &a));
        assert_int_equal(a.result.status, rows[i].status);
        assert_int_equal(a.result.outcome, CACHEMAN_UNKNOWN);
        assert_int_equal(a.lost, rows[i].lost);
    }
    assert_false(cm_wire_read_error(text("HD"), &a));
}

static void numbers(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_true(cm_wire_number(text("9 "), &number));
    assert_int_equal(number, 9);
    assert_false(cm_wire_number(text(" 9"), &number));
    assert_false(cm_wire_number(text("  "), &number));
    assert_false(cm_wire_number(text(""), &number));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request),   cmocka_unit_test(an_encoded_key),
        cmocka_unit_test(meta_answers),    cmocka_unit_test(meta_nonsense),
        cmocka_unit_test(classic_answers), cmocka_unit_test(errors),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/datagram.h"

#include "support/session_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int set_up(void **state) {
    static struct rig rig;
    const struct rig_options options = {.shutdown_enabled = true};
    rig_open(&rig, &options);
    *state = &rig;
    return 0;
}

static int tear_down(void **state) {
    rig_close(*state);
    return 0;
}

/* The answer to one datagram, in rig->received. */
static struct cm_slice answer(struct rig *rig, struct cm_slice request) {
    cm_buf_clear(&rig->received);
    cmstore_begin(rig->thread);
    cm_session_answer_datagram(rig->worker, request, &rig->out);
    assert_int_equal(rig->out.withheld, 0);
    rig_drain(rig);
    cmstore_end(rig->thread);
    return cm_buf_slice(&rig->received);
}

static void assert_answer(struct rig *rig, const char *request, const char *wanted) {
    const struct cm_slice got = answer(rig, cm_slice(request, strlen(request)));
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void test_header(void **state) {
    (void)state;
    struct cm_datagram datagram;
    const struct cm_slice whole = CM_SLICE("\x12\x34\0\0\0\1\0\0mn\r\n");
    assert_true(cm_datagram_read(whole, &datagram));
    assert_int_equal(datagram.id, 0x1234);
    assert_int_equal(datagram.request.len, 4);
    assert_memory_equal(datagram.request.data, "mn\r\n", 4);
    assert_true(cm_datagram_read(CM_SLICE("\0\0\0\0\0\1\xff\xffx"), &datagram)); /* reserved */
}

static void test_headers_that_are_dropped(void **state) {
    (void)state;
    struct cm_datagram datagram;
    const struct cm_slice dropped[] = {
        CM_SLICE(""),
        CM_SLICE("mn\r\n"),
        CM_SLICE("\0\1\0\0\0\1\0"),
        CM_SLICE("\0\1\0\0\0\1\0\0"),       /* nothing in it */
        CM_SLICE("\0\1\0\0\0\2\0\0mn\r\n"), /* one of two */
        CM_SLICE("\0\1\0\1\0\2\0\0mn\r\n"),
        CM_SLICE("\0\1\0\1\0\1\0\0mn\r\n"), /* the second of one */
        CM_SLICE("\0\1\0\0\0\0\0\0mn\r\n"), /* one of none */
        CM_SLICE("\0\1\0\0\1\0\0\0mn\r\n"), /* one of 256 */
    };
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        assert_false(cm_datagram_read(dropped[i], &datagram));
}

static void test_writing_headers(void **state) {
    (void)state;
    char header[CM_DATAGRAM_HEADER_BYTES];
    cm_datagram_write(header, 0xabcd, 2, 300);
    assert_memory_equal(header, "\xab\xcd\0\2\1\x2c\0\0", sizeof header);
    assert_int_equal(cm_datagram_count(0), 0);
    assert_int_equal(cm_datagram_count(1), 1);
    assert_int_equal(cm_datagram_count(CM_DATAGRAM_PAYLOAD_BYTES), 1);
    assert_int_equal(cm_datagram_count(CM_DATAGRAM_PAYLOAD_BYTES + 1), 2);
    assert_int_equal(cm_datagram_count(CM_DATAGRAM_REPLY_BYTES), CM_DATAGRAM_REPLIES);
}

static void test_requests(void **state) {
    assert_answer(*state, "set a 0 0 1\r\nx\r\n", "STORED\r\n");
    assert_answer(*state, "get a\r\nget b\r\n", "VALUE a 0 1\r\nx\r\nEND\r\nEND\r\n");
    assert_answer(*state, "set a 0 0 1 noreply\r\ny\r\n", "");
    assert_answer(*state, "mg a v\r\nmn\r\n", "VA 1\r\ny\r\nMN\r\n");
    assert_answer(*state, "get a\r\nfoo\r\n", "VALUE a 0 1\r\ny\r\nEND\r\nERROR\r\n");
}

/* D1 */
static void test_nothing_is_kept(void **state) {
    assert_answer(*state, "set a 0 0 10\r\nabc", "");
    assert_answer(*state, "get a", "");
    assert_answer(*state, "get a\r\n", "END\r\n");
    assert_answer(*state, "set a 0 0 100000\r\nabc", "");
    assert_answer(*state, "get a\r\n", "END\r\n");
}

static void test_what_makes_no_sense(void **state) {
    struct rig *rig = *state;
    assert_answer(rig, "set a 0 0 1\r\nx\r\n", "STORED\r\n");
    assert_answer(rig, "quit\r\nget a\r\n", "");
    assert_answer(rig, "shutdown\r\n", "");
    assert_false(rig->shut_down);
    assert_answer(rig, "lru_crawler metadump all\r\n", "");
    assert_answer(rig, "lru_crawler mgdump all\r\n", "");
    assert_answer(rig, "stats cachedump 1 0\r\n", "");
    assert_answer(rig, "watch fetchers\r\n", "");
    assert_answer(rig, "*1\r\n$4\r\nPING\r\n", "");
    assert_answer(rig, "get a\r\nquit\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
}

/* D3 */
static void test_errors_are_not_sent(void **state) {
    const char *requests[] = {
        "foo\r\n", "ERROR\r\n", "END\r\n", "VALUE a 0 5\r\nmn\r\n\r\nEND\r\n", "GET / HTTP/1.1\r\n",
        " mn\r\n", "\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_answer(*state, requests[i], "");
}

static void store(struct rig *rig, const char *key, size_t bytes) {
    char *request = malloc(bytes + 100);
    assert_non_null(request);
    const int head = snprintf(request, 100, "set %s 0 0 %zu\r\n", key, bytes);
    memset(request + head, 'x', bytes);
    memcpy(request + head + bytes, "\r\n", 2);
    cm_buf_clear(&rig->received);
    cmstore_begin(rig->thread);
    assert_int_equal(
        cm_session_feed(rig->session, cm_slice(request, (size_t)head + bytes + 2), &rig->out),
        CM_SESSION_READ);
    rig_drain(rig);
    cmstore_end(rig->thread);
    free(request);
}

/* D2: up to the limit, and one byte past it; held values and copied ones. */
static void test_longest_answer(void **state) {
    struct rig *rig = *state;
    const size_t around = strlen("VALUE k 0 89064\r\n\r\nEND\r\n");
    const size_t most = CM_DATAGRAM_REPLY_BYTES - around;
    store(rig, "k", most);
    assert_int_equal(answer(rig, CM_SLICE("get k\r\n")).len, CM_DATAGRAM_REPLY_BYTES);
    store(rig, "k", most + 1);
    assert_answer(rig, "get k\r\n", "SERVER_ERROR answer too long for UDP\r\n");
    store(rig, "k", 10000);
    assert_int_equal(answer(rig, CM_SLICE("get k k k k k k k k\r\n")).len, 80157);
    assert_answer(rig, "get k k k k k k k k k\r\n", "SERVER_ERROR answer too long for UDP\r\n");
    assert_answer(rig, "get k k k k\r\nget k k k k\r\nget k\r\n",
                  "SERVER_ERROR answer too long for UDP\r\n");
}

static void test_binary(void **state) {
    struct rig *rig = *state;
    store(rig, "k", 3);
    const struct cm_slice hit =
        answer(rig, CM_SLICE("\x80\0\0\1\0\0\0\0\0\0\0\1abcd\0\0\0\0\0\0\0\0k"));
    assert_int_equal(hit.len, 24 + 4 + 3);
    assert_memory_equal(hit.data, "\x81\0\0\0\4\0\0\0\0\0\0\7abcd", 16);
    store(rig, "k", 100000);
    assert_int_equal(answer(rig, CM_SLICE("\x80\0\0\1\0\0\0\0\0\0\0\1abcd\0\0\0\0\0\0\0\0k")).len,
                     0);
    /* A key that has not come whole. */
    assert_int_equal(answer(rig, CM_SLICE("\x80\0\0\5\0\0\0\0\0\0\0\5abcd\0\0\0\0\0\0\0\0k")).len,
                     0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_headers_that_are_dropped),
        cmocka_unit_test(test_writing_headers),
        cmocka_unit_test_setup_teardown(test_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_makes_no_sense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_are_not_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_longest_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

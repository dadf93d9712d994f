/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/session_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What transcripts cannot see: memory, back-pressure, states. */

static void send_text(struct rig *rig, const char *text) {
    rig_feed(rig, cm_slice(text, strlen(text)));
}

static bool received(struct rig *rig, const char *text) {
    const bool same = cm_slice_equal(cm_buf_slice(&rig->received), cm_slice(text, strlen(text)));
    cm_buf_clear(&rig->received);
    return same;
}

static void an_idle_session_owns_nothing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){0});
    const size_t idle_bytes = cm_session_bytes(rig.session);
    assert_true(idle_bytes <= 300);
    assert_false(cm_session_is_busy(rig.session));
    send_text(&rig, "set a 0 0 5\r\nhel");
    assert_true(cm_session_is_busy(rig.session));
    assert_string_equal(cm_session_state_name(rig.session), "conn_waiting");
    assert_true(cm_session_bytes(rig.session) > idle_bytes);
    send_text(&rig, "lo\r\n");
    assert_true(received(&rig, "STORED\r\n"));
    assert_int_equal(cm_session_bytes(rig.session), idle_bytes);
    assert_false(cm_session_is_busy(rig.session));
    assert_string_equal(cm_session_state_name(rig.session), "conn_new_cmd");
    rig_close(&rig);
}

/* A multiget whose answer is far larger than the output, sent in one piece. */
static void a_long_multiget_streams_in_bounded_memory(void **state) {
    (void)state;
    const size_t keys = 30000;
    struct rig rig;
    char value[1000];
    struct cm_buf request = {0};
    rig_open(&rig, &(struct rig_options){0});
    memset(value, 'v', sizeof value);
    assert_int_equal(cm_buf_append(&request, CM_SLICE("set a 0 0 1000\r\n")), CM_OK);
    assert_int_equal(cm_buf_append(&request, cm_slice(value, sizeof value)), CM_OK);
    assert_int_equal(cm_buf_append(&request, CM_SLICE("\r\nget")), CM_OK);
    for (size_t i = 0; i < keys; i++) {
        assert_int_equal(cm_buf_append(&request, CM_SLICE(" a")), CM_OK);
    }
    assert_int_equal(cm_buf_append(&request, CM_SLICE("\r\n")), CM_OK);
    rig_feed(&rig, cm_buf_slice(&request));
    const size_t answer = sizeof "STORED\r\n" - 1 + keys * (sizeof "VALUE a 0 1000\r\n" - 1 + 1002);
    assert_int_equal(cm_buf_len(&rig.received), answer + sizeof "END\r\n" - 1);
    assert_true(rig.peak_out <= CM_OUT_CAPACITY);
    assert_true(rig.peak_session <= 4 * cm_buf_len(&request));
    cm_buf_deinit(&request);
    rig_close(&rig);
}

/* A client that asks for much and reads nothing. */
static void a_full_output_blocks(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){0});
    char *value = malloc(100000);
    assert_non_null(value);
    memset(value, 'v', 100000);
    send_text(&rig, "set a 0 0 100000\r\n");
    rig_feed(&rig, cm_slice(value, 100000));
    send_text(&rig, "\r\n");
    assert_true(received(&rig, "STORED\r\n"));
    cmstore_begin(rig.thread);
    const struct cm_slice gets = CM_SLICE("get a a a a a\r\nmn\r\n");
    assert_int_equal(cm_session_feed(rig.session, gets, &rig.out), CM_SESSION_BLOCKED);
    assert_true(rig.out.held_bytes > CM_OUT_LIMIT);
    assert_true(rig.out.held_bytes < CM_OUT_LIMIT + 200000);
    assert_true(cm_session_is_busy(rig.session));
    /* nothing more is answered while it is full */
    const unsigned inserts = rig.out.insert_count;
    assert_int_equal(cm_session_resume(rig.session, &rig.out), CM_SESSION_BLOCKED);
    assert_int_equal(rig.out.insert_count, inserts);
    rig_drain(&rig);
    assert_int_equal(cm_session_resume(rig.session, &rig.out), CM_SESSION_READ);
    rig_drain(&rig);
    cmstore_end(rig.thread);
    const size_t answer = 5 * (sizeof "VALUE a 0 100000\r\n" - 1 + 100002);
    assert_int_equal(cm_buf_len(&rig.received), answer + sizeof "END\r\nMN\r\n" - 1);
    free(value);
    rig_close(&rig);
}

/* A held value stays what it was, whatever happens to the item before it is sent. */
static void held_values_are_stable(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){0});
    char *value = malloc(50000);
    assert_non_null(value);
    memset(value, '1', 50000);
    send_text(&rig, "set a 0 0 50000\r\n");
    rig_feed(&rig, cm_slice(value, 50000));
    send_text(&rig, "\r\n");
    cm_buf_clear(&rig.received);
    cmstore_begin(rig.thread);
    assert_int_equal(
        cm_session_feed(rig.session, CM_SLICE("get a\r\ndelete a\r\nflush_all\r\n"), &rig.out),
        CM_SESSION_READ);
    assert_int_equal(rig.out.insert_count, 1);
    rig_drain(&rig);
    cmstore_end(rig.thread);
    const struct cm_slice all = cm_buf_slice(&rig.received);
    assert_memory_equal(all.data + sizeof "VALUE a 0 50000\r\n" - 1, value, 50000);
    free(value);
    rig_close(&rig);
}

/* A connection that ends in the middle of a value leaves nothing behind. */
static void an_unfinished_value_is_dropped(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){0});
    send_text(&rig, "set a 0 0 50000\r\nsome of it");
    assert_string_equal(cm_session_state_name(rig.session), "conn_nread");
    rig_end_session(&rig);
    rig_new_session(&rig);
    send_text(&rig, "get a\r\n");
    assert_true(received(&rig, "END\r\n"));
    cmstore_check(rig.thread);
    rig_close(&rig);
}

/* A dump of many items comes in turns, so that others are served in between. */
static void a_dump_makes_way(void **state) {
    (void)state;
    struct rig rig;
    char line[64];
    rig_open(&rig, &(struct rig_options){0});
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(line, sizeof line, "set key%u 0 0 1 noreply\r\nx\r\n", i);
        send_text(&rig, line);
    }
    cmstore_begin(rig.thread);
    enum cm_session_state now =
        cm_session_feed(rig.session, CM_SLICE("lru_crawler metadump all\r\n"), &rig.out);
    unsigned turns = 0;
    for (; now == CM_SESSION_AGAIN || now == CM_SESSION_BLOCKED; turns++) {
        rig_drain(&rig);
        now = cm_session_resume(rig.session, &rig.out);
    }
    rig_drain(&rig);
    cmstore_end(rig.thread);
    assert_int_equal(now, CM_SESSION_READ);
    assert_true(turns > 3);
    unsigned lines = 0;
    const struct cm_slice all = cm_buf_slice(&rig.received);
    for (size_t i = 0; i < all.len; i++) {
        lines += all.data[i] == '\n';
    }
    assert_int_equal(lines, 5001);
    rig_close(&rig);
}

static void shutting_down_tells_the_server(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){.shutdown_enabled = true});
    send_text(&rig, "verbosity 2\r\nshutdown graceful\r\n");
    assert_true(received(&rig, "OK\r\n"));
    assert_int_equal(rig.verbosity, 2);
    assert_true(rig.closed && rig.shut_down && rig.shut_down_gracefully);
    rig_close(&rig);
}

static const char wrong[] = "set k 0 0 11\r\nalice wrong\r\n";

static enum cm_session_state feed(struct rig *rig, const char *text) {
    cmstore_begin(rig->thread);
    const enum cm_session_state state =
        cm_session_feed(rig->session, cm_slice(text, strlen(text)), &rig->out);
    rig_drain(rig);
    cmstore_end(rig->thread);
    return state;
}

static enum cm_session_state resume(struct rig *rig) {
    cmstore_begin(rig->thread);
    const enum cm_session_state state = cm_session_resume(rig->session, &rig->out);
    rig_drain(rig);
    cmstore_end(rig->thread);
    return state;
}

/* A failed login is answered after a pause, twice as long each time; the third is the last. */
static void a_failed_login_pauses(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){.users = true});
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(feed(&rig, wrong), CM_SESSION_PAUSE);
        assert_int_equal(cm_session_pause_ms(rig.session), 500u << i);
        assert_true(received(&rig, ""));
        assert_true(cm_session_is_busy(rig.session));
        assert_string_equal(cm_session_state_name(rig.session), "conn_waiting");
        assert_int_equal(resume(&rig), i < 2 ? CM_SESSION_READ : CM_SESSION_CLOSE);
        assert_int_equal(cm_session_pause_ms(rig.session), 0);
        assert_true(received(&rig, "CLIENT_ERROR authentication failure\r\n"));
    }
    rig_close(&rig);
}

/* What came before a failure is answered at once, what came behind it waits. */
static void a_pause_holds_what_is_behind_it(void **state) {
    (void)state;
    struct rig rig;
    char text[256];
    rig_open(&rig, &(struct rig_options){.users = true});
    snprintf(text, sizeof text, "mn\r\n%sset k 0 0 12\r\nalice secret\r\nmn\r\n", wrong);
    assert_int_equal(feed(&rig, text), CM_SESSION_PAUSE);
    assert_true(received(&rig, "CLIENT_ERROR unauthenticated\r\n"));
    assert_int_equal(resume(&rig), CM_SESSION_READ);
    assert_true(received(&rig, "CLIENT_ERROR authentication failure\r\nSTORED\r\nMN\r\n"));
    rig_close(&rig);
}

/* A session may end in a pause, and in the middle of an exchange. */
static void an_unfinished_login_leaves_nothing(void **state) {
    (void)state;
    struct rig rig;
    static const char start[] = "\x80\x21\0\x0d\0\0\0\0\0\0\0\x1b\0\0\0\0\0\0\0\0\0\0\0\0"
                                "SCRAM-SHA-256n,,n=bob,r=abc";
    rig_open(&rig, &(struct rig_options){.users = true});
    assert_int_equal(feed(&rig, wrong), CM_SESSION_PAUSE);
    rig_end_session(&rig);
    rig_new_session(&rig);
    const size_t idle_bytes = cm_session_bytes(rig.session);
    rig_feed(&rig, cm_slice(start, sizeof start - 1));
    assert_int_equal(cm_buf_len(&rig.received),
                     24 + sizeof "r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096" - 1 + 32);
    assert_true(cm_session_bytes(rig.session) >= idle_bytes + cm_exchange_bytes());
    rig_close(&rig);
}

static void a_login_leaves_nothing(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){.users = true});
    const size_t idle_bytes = cm_session_bytes(rig.session);
    send_text(&rig, "set k 0 0 12\r\nalice secret\r\n");
    assert_true(received(&rig, "STORED\r\n"));
    assert_int_equal(cm_session_bytes(rig.session), idle_bytes);
    rig_close(&rig);
}

static void logins_are_counted(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){.users = true});
    send_text(&rig, wrong);
    send_text(&rig, "set k 0 0 12\r\nalice secret\r\nstats\r\n");
    const struct cm_slice all = cm_buf_slice(&rig.received);
    char *text = strndup(all.data, all.len);
    assert_non_null(strstr(text, "STAT auth_cmds 2\r\nSTAT auth_errors 1\r\n"));
    free(text);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_owns_nothing),
        cmocka_unit_test(a_long_multiget_streams_in_bounded_memory),
        cmocka_unit_test(a_full_output_blocks),
        cmocka_unit_test(held_values_are_stable),
        cmocka_unit_test(an_unfinished_value_is_dropped),
        cmocka_unit_test(a_dump_makes_way),
        cmocka_unit_test(shutting_down_tells_the_server),
        cmocka_unit_test(a_failed_login_pauses),
        cmocka_unit_test(a_pause_holds_what_is_behind_it),
        cmocka_unit_test(an_unfinished_login_leaves_nothing),
        cmocka_unit_test(a_login_leaves_nothing),
        cmocka_unit_test(logins_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

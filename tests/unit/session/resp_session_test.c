/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/session_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The Redis protocol, where transcripts cannot see: memory, back-pressure, turns. */

static void put(struct cm_buf *buf, const char *text) {
    assert_int_equal(cm_buf_append(buf, cm_slice(text, strlen(text))), CM_OK);
}

static void put_word(struct cm_buf *buf, const char *word, size_t bytes) {
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", bytes);
    put(buf, head);
    assert_int_equal(cm_buf_append(buf, cm_slice(word, bytes)), CM_OK);
    put(buf, "\r\n");
}

/* A command on the same key, many times. */
static void put_many(struct cm_buf *buf, const char *name, size_t keys) {
    char head[32];
    snprintf(head, sizeof head, "*%zu\r\n", keys + 1);
    put(buf, head);
    put_word(buf, name, strlen(name));
    for (size_t i = 0; i < keys; i++) {
        put_word(buf, "a", 1);
    }
}

static void set_a(struct rig *rig, size_t bytes) {
    struct cm_buf request = {0};
    char *value = malloc(bytes);
    assert_non_null(value);
    memset(value, 'v', bytes);
    put(&request, "*3\r\n");
    put_word(&request, "SET", 3);
    put_word(&request, "a", 1);
    put_word(&request, value, bytes);
    rig_feed(rig, cm_buf_slice(&request));
    assert_true(cm_slice_equal(cm_buf_slice(&rig->received), CM_SLICE("+OK\r\n")));
    cm_buf_clear(&rig->received);
    cm_buf_deinit(&request);
    free(value);
}

static void feed_in_pieces(struct rig *rig, struct cm_slice all, size_t step) {
    for (size_t at = 0; at < all.len; at += step) {
        const size_t left = all.len - at;
        rig_feed(rig, cm_slice(all.data + at, left < step ? left : step));
    }
}

static void a_long_mget_streams_in_bounded_memory(void **state) {
    (void)state;
    const size_t keys = 30000;
    const size_t sizes[] = {1000, 30000};
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        struct cm_buf request = {0};
        char head[32];
        rig_open(&rig, &(struct rig_options){0});
        set_a(&rig, sizes[i]);
        put_many(&request, "MGET", keys);
        rig_feed(&rig, cm_buf_slice(&request));
        snprintf(head, sizeof head, "$%zu\r\n", sizes[i]);
        const size_t answer = sizeof "*30000\r\n" - 1 + keys * (strlen(head) + sizes[i] + 2);
        assert_int_equal(cm_buf_len(&rig.received), answer);
        assert_true(rig.peak_out <= CM_OUT_CAPACITY + sizes[i]);
        assert_true(rig.peak_session <= 4 * cm_buf_len(&request));
        assert_false(cm_session_is_busy(rig.session));
        cm_buf_deinit(&request);
        rig_close(&rig);
    }
}

/* Fed in small pieces, nothing of a request with many keys is kept but the key that is coming. */
static void keys_are_not_kept(void **state) {
    (void)state;
    struct rig rig;
    struct cm_buf request = {0};
    rig_open(&rig, &(struct rig_options){0});
    set_a(&rig, 10);
    const size_t idle_bytes = cm_session_bytes(rig.session);
    put_many(&request, "EXISTS", 5000);
    rig.peak_session = 0;
    feed_in_pieces(&rig, cm_buf_slice(&request), 5);
    assert_true(cm_slice_equal(cm_buf_slice(&rig.received), CM_SLICE(":5000\r\n")));
    assert_true(rig.peak_session <= idle_bytes + 512);
    cm_buf_deinit(&request);
    rig_close(&rig);
}

/* Counts and lists go on where a turn ended. */
static void a_turn_may_end_among_the_keys(void **state) {
    (void)state;
    struct rig rig;
    struct cm_buf request = {0};
    struct cm_buf expected = {0};
    rig_open(&rig, &(struct rig_options){0});
    rig_end_session(&rig);
    cm_session_worker_destroy(rig.worker);
    rig.env.requests_per_turn = 7;
    assert_int_equal(cm_session_worker_create(&rig.env, rig.thread,
                                              cm_metrics_of_thread(rig.metrics, 0), &rig.worker),
                     CM_OK);
    rig_new_session(&rig);
    set_a(&rig, 3);
    put_many(&request, "EXISTS", 100);
    put_many(&request, "MGET", 100);
    put_many(&request, "DEL", 100);
    put_many(&request, "EXISTS", 1);
    rig_feed(&rig, cm_buf_slice(&request));
    put(&expected, ":100\r\n*100\r\n");
    for (unsigned i = 0; i < 100; i++) {
        put(&expected, "$3\r\nvvv\r\n");
    }
    put(&expected, ":1\r\n:0\r\n");
    assert_true(cm_slice_equal(cm_buf_slice(&rig.received), cm_buf_slice(&expected)));
    cm_buf_deinit(&request);
    cm_buf_deinit(&expected);
    rig_close(&rig);
}

/* What is announced and does not come costs nothing. */
static void announcements_hold_nothing(void **state) {
    (void)state;
    static const char *const announcements[] = {
        "*1048576\r\n",
        "*1048576\r\n$4\r\nMGET\r\n",
        "*1048575\r\n$4\r\nMSET\r\n$1\r\nk\r\n",
        "*1048576\r\n$3\r\nFOO\r\n",
        "*2\r\n$4\r\nECHO\r\n$536870912\r\n",
        "*2\r\n$536870912\r\n",
        "*2\r\n$3\r\nGET\r\n$536870912\r\n",
        "*2\r\n$4\r\nMGET\r\n$536870912\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n",
        "*3\r\n$4\r\nMSET\r\n$1\r\nk\r\n$1000000\r\n",
        "*4\r\n$5\r\nSETEX\r\n$536870912\r\n",
    };
    for (size_t i = 0; i < sizeof announcements / sizeof announcements[0]; i++) {
        struct rig rig;
        rig_open(&rig, &(struct rig_options){0});
        rig_feed(&rig, cm_slice(announcements[i], strlen(announcements[i])));
        assert_true(cm_session_bytes(rig.session) <= 2048);
        assert_false(rig.closed);
        rig_close(&rig);
    }
}

/* A request that is not whole keeps a bounded part of itself. */
static void a_request_keeps_little_of_itself(void **state) {
    (void)state;
    struct rig rig;
    struct cm_buf request = {0};
    char word[512];
    memset(word, 'x', sizeof word);
    rig_open(&rig, &(struct rig_options){0});
    put(&request, "*1000000\r\n");
    put_word(&request, "FOO", 3);
    for (unsigned i = 0; i < 2000; i++) {
        put_word(&request, word, sizeof word);
    }
    feed_in_pieces(&rig, cm_buf_slice(&request), 1000);
    assert_true(rig.peak_session <= 32768);
    cm_buf_deinit(&request);
    rig_close(&rig);
}

/* A value that is refused while it comes leaves nothing behind, and nothing to wait for. */
static void a_refused_value_leaves_nothing(void **state) {
    (void)state;
    const size_t bytes = 900000;
    struct rig rig;
    struct cm_buf request = {0};
    char *value = malloc(bytes);
    assert_non_null(value);
    memset(value, 'v', bytes);
    rig_open(&rig, &(struct rig_options){
                       .no_evict = true, .memory_bytes = 2 << 20, .item_bytes_max = 1 << 20});
    const size_t idle_bytes = cm_session_bytes(rig.session);
    put(&request, "*3\r\n");
    put_word(&request, "SET", 3);
    put_word(&request, "a", 1);
    put_word(&request, value, bytes);
    rig_feed(&rig, cm_buf_slice(&request));
    char *key = request.data + request.head + sizeof "*3\r\n$3\r\nSET\r\n$1\r\n" - 1;
    for (*key = 'b'; *key <= 'd'; ++*key) {
        cm_buf_clear(&rig.received);
        feed_in_pieces(&rig, cm_buf_slice(&request), 10000);
    }
    assert_memory_equal(cm_buf_slice(&rig.received).data, "-OOM", 4);
    assert_false(cm_session_is_busy(rig.session));
    assert_int_equal(cm_session_bytes(rig.session), idle_bytes);
    cm_buf_deinit(&request);
    free(value);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_mget_streams_in_bounded_memory),
        cmocka_unit_test(keys_are_not_kept),
        cmocka_unit_test(a_turn_may_end_among_the_keys),
        cmocka_unit_test(announcements_hold_nothing),
        cmocka_unit_test(a_request_keeps_little_of_itself),
        cmocka_unit_test(a_refused_value_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

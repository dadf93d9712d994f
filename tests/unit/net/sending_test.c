/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/sending.h"

#include "support/session_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BIG_BYTES = 300000, MIDDLE_BYTES = 20000, ROUNDS = 200 };

/* Values above CM_OUT_COPY_MAX, so that they are inserts; the larger is chained. */
static void store_values(struct rig *rig) {
    static char line[64], value[BIG_BYTES];
    for (size_t i = 0; i < BIG_BYTES; i++)
        value[i] = (char)('a' + i * 7 % 26);
    const struct {
        const char *key;
        size_t bytes;
    } items[] = {{"big", BIG_BYTES}, {"mid", MIDDLE_BYTES}, {"small", 5}};
    for (size_t i = 0; i < 3; i++) {
        int length =
            snprintf(line, sizeof line, "set %s 0 0 %zu\r\n", items[i].key, items[i].bytes);
        rig_feed(rig, cm_slice(line, (size_t)length));
        rig_feed(rig, cm_slice(value, items[i].bytes));
        rig_feed(rig, CM_SLICE("\r\n"));
    }
    cm_buf_clear(&rig->received);
}

static const struct cm_slice request = {"mn\r\nget small mid small\r\nget big\r\n", 34};

/* What the request's answer is, by the rig's own way of reading it. */
static void expect_answer(struct rig *rig) {
    rig_feed(rig, request);
}

static void begin(struct rig *rig, struct cm_sending *sending) {
    cmstore_begin(rig->thread);
    assert_int_equal(cm_session_feed(rig->session, request, &rig->out), CM_SESSION_BLOCKED);
    cmstore_end(rig->thread);
    assert_int_equal(rig->out.insert_count, 2);
    *sending = cm_sending_of(&rig->out);
}

static void end(struct rig *rig) {
    cm_session_out_clear(&rig->out);
    cmstore_begin(rig->thread);
    assert_int_equal(cm_session_resume(rig->session, &rig->out), CM_SESSION_READ);
    cmstore_end(rig->thread);
    assert_true(cm_out_is_empty(&rig->out));
}

/* "Sends" a part of what is gathered, which must be what comes next in the answer. */
static size_t step(struct cm_sending *sending, struct cm_slice answer, size_t at, unsigned chance) {
    uv_buf_t buffers[7];
    unsigned count = cm_sending_gather(sending, buffers, 1 + chance % 7, 1 + chance % 100000);
    assert_true(count > 0);
    size_t gathered = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_true(at + gathered + buffers[i].len <= answer.len);
        assert_memory_equal(buffers[i].base, answer.data + at + gathered, buffers[i].len);
        gathered += buffers[i].len;
    }
    size_t sent = chance % 3 == 0 ? gathered : chance % (gathered + 1);
    cm_sending_advance(sending, sent);
    return sent;
}

static void test_every_byte_once(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, &(struct rig_options){0});
    store_values(&rig);
    expect_answer(&rig);
    const struct cm_slice answer = cm_buf_slice(&rig.received);
    unsigned seed = 12345;
    for (int round = 0; round < ROUNDS; round++) {
        struct cm_sending sending;
        size_t at = 0;
        begin(&rig, &sending);
        while (!cm_sending_is_done(&sending)) {
            seed = seed * 1103515245 + 12345;
            at += step(&sending, answer, at, seed >> 8);
            assert_int_equal(answer.len - at,
                             cm_sending_data_left(&sending) + cm_sending_held_left(&sending));
        }
        assert_int_equal(at, answer.len);
        end(&rig);
    }
    rig_close(&rig);
}

static void test_abandon_releases(void **state) {
    (void)state;
    struct rig rig;
    struct cmstore_counters counters;
    rig_open(&rig, &(struct rig_options){0});
    store_values(&rig);
    struct cm_sending sending;
    begin(&rig, &sending);
    cmstore_read_counters(rig.env.store, &counters);
    assert_true(counters.segments_pinned > 0);
    cm_sending_advance(&sending, 100);
    cm_sending_abandon(&sending);
    assert_true(cm_sending_is_done(&sending));
    end(&rig);
    cmstore_read_counters(rig.env.store, &counters);
    assert_int_equal(counters.segments_pinned, 0);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_once),
        cmocka_unit_test(test_abandon_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

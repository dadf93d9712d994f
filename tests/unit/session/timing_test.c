/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/timing.h"
#include "support/session_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What requests count as, and how long they are said to have taken. */

static int setup(void **state) {
    static struct rig rig;
    rig_open(&rig, &(struct rig_options){.item_bytes_max = 1 << 20});
    *state = &rig;
    return 0;
}

static int teardown(void **state) {
    rig_close(*state);
    return 0;
}

static void ask(struct rig *rig, const char *text) {
    rig_feed(rig, cm_slice(text, strlen(text)));
    cm_buf_clear(&rig->received);
}

/* How often the requests counted so. */
static uint64_t counted(struct rig *rig, enum cm_metric metric) {
    struct cm_metric_sums sums;
    cm_metrics_read(rig->metrics, &sums);
    return sums.values[metric];
}

static uint64_t counted_all(struct rig *rig) {
    uint64_t all = 0;
    for (unsigned i = CM_METRIC_request_other_error; i < CM_METRIC_COUNT; i++) {
        all += counted(rig, (enum cm_metric)i);
    }
    return all;
}

static uint64_t timed(struct rig *rig, enum cm_command_kind command) {
    struct cm_duration_sums sums[CM_COMMANDS];
    cm_metrics_read_durations(rig->metrics, sums);
    return cm_durations_count(&sums[command]);
}

struct expected {
    const char *request;
    enum cm_metric metric;
    enum cm_command_kind command;
};

/* Each request counts once, as nothing else, and takes its time under the same name. */
static void check(struct rig *rig, const struct expected *expected, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct expected *e = &expected[i];
        const uint64_t before = counted(rig, e->metric), all = counted_all(rig);
        const uint64_t timed_before = timed(rig, e->command);
        cm_session_took(rig->worker, 1);
        ask(rig, e->request);
        if (counted(rig, e->metric) != before + 1 || counted_all(rig) != all + 1) {
            fail_msg("%s", e->request);
        }
        assert_true(cm_session_has_answered(rig->worker));
        cm_session_took(rig->worker, 1000);
        assert_false(cm_session_has_answered(rig->worker));
        assert_int_equal(timed(rig, e->command), timed_before + 1);
    }
}

#define COUNT(array)         (sizeof(array) / sizeof(array)[0])
#define AS(command, outcome) CM_METRIC_request_##command##_##outcome, CM_COMMAND_##command

static void requests_of_text(void **state) {
    static const struct expected expected[] = {
        {"set a 0 0 1\r\nx\r\n", AS(set, stored)},
        {"flush_all\r\n", AS(flush, done)},
        {"set b 0 0 1\r\nxyy", AS(set, bad_value)},
        {"add a 0 0 1\r\n1\r\n", AS(add, stored)},
        {"add a 0 0 1\r\n1\r\n", AS(add, not_stored)},
        {"replace z 0 0 1\r\n1\r\n", AS(replace, not_stored)},
        {"replace a 0 0 1\r\n1\r\n", AS(replace, stored)},
        {"append a 0 0 1\r\n2\r\n", AS(append, stored)},
        {"append z 0 0 1\r\n2\r\n", AS(append, not_stored)},
        {"prepend a 0 0 1\r\n2\r\n", AS(prepend, stored)},
        {"prepend z 0 0 1\r\n2\r\n", AS(prepend, not_stored)},
        {"cas a 0 0 1 999999\r\n2\r\n", AS(cas, exists)},
        {"cas z 0 0 1 999999\r\n2\r\n", AS(cas, miss)},
        {"get a\r\n", AS(get, hit)},
        {"gets z\r\n", AS(get, miss)},
        {"gat 0 a\r\n", AS(gat, hit)},
        {"gat 0 z\r\n", AS(gat, miss)},
        {"touch a 0\r\n", AS(touch, hit)},
        {"touch z 0\r\n", AS(touch, miss)},
        {"incr a 1\r\n", AS(incr, hit)},
        {"incr z 1\r\n", AS(incr, miss)},
        {"decr a 1\r\n", AS(decr, hit)},
        {"decr z 1\r\n", AS(decr, miss)},
        {"set a 0 0 1\r\nx\r\n", AS(set, stored)},
        {"incr a 1\r\n", AS(incr, not_numeric)},
        {"decr a 1\r\n", AS(decr, not_numeric)},
        {"me a\r\n", AS(inspect, hit)},
        {"me z\r\n", AS(inspect, miss)},
        {"delete a\r\n", AS(delete, hit)},
        {"delete a\r\n", AS(delete, miss)},
        {"nonsense\r\n", AS(other, error)},
        {"get\r\n", AS(other, error)},
        {"incr z x noreply\r\n", AS(other, error)},
        {"set z x 0 1 noreply\r\n1\r\n", AS(other, error)},
        {"stats\r\n", AS(other, done)},
        {"stats nonsense\r\n", AS(other, error)},
        {"verbosity 1\r\n", AS(other, done)},
        {"set a 0 0 9999999\r\n", AS(set, too_large)},
    };
    check(*state, expected, COUNT(expected));
}

static void requests_of_meta(void **state) {
    static const struct expected expected[] = {
        {"ms a 1\r\n1\r\n", AS(set, stored)},
        {"ms a 1 ME\r\n1\r\n", AS(add, not_stored)},
        {"ms a 1 MA\r\n1\r\n", AS(append, stored)},
        {"ms a 1 C9999\r\n1\r\n", AS(cas, exists)},
        {"mg a v\r\n", AS(get, hit)},
        {"mg a t\r\n", AS(get, hit)},
        {"mg z v\r\n", AS(get, miss)},
        {"mg a T30 v\r\n", AS(gat, hit)},
        {"ma a\r\n", AS(incr, hit)},
        {"ma a MD\r\n", AS(decr, hit)},
        {"ma n N0\r\n", AS(incr, created)},
        {"ma n C9999\r\n", AS(incr, exists)},
        {"md a C9999\r\n", AS(delete, exists)},
        {"md a\r\n", AS(delete, hit)},
        {"md a q\r\n", AS(delete, miss)},
        {"mg\r\n", AS(other, error)},
    };
    check(*state, expected, COUNT(expected));
}

static void requests_of_resp(void **state) {
    static const struct expected expected[] = {
        {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", AS(set, stored)},
        {"*4\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n$2\r\nNX\r\n", AS(add, not_stored)},
        {"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", AS(get, hit)},
        {"*2\r\n$4\r\nINCR\r\n$1\r\na\r\n", AS(incr, hit)},
        {"*2\r\n$3\r\nDEL\r\n$1\r\nz\r\n", AS(delete, miss)},
        {"*1\r\n$8\r\nNONSENSE\r\n", AS(other, error)},
        {"*2\r\n$3\r\nSET\r\n$1\r\na\r\n", AS(other, error)},
        {"*2\r\n$4\r\nMGET\r\n$0\r\n\r\n", AS(other, error)},
    };
    check(*state, expected, COUNT(expected));
}

static void what_looks_at_nothing_does_not_count(void **state) {
    struct rig *rig = *state;
    ask(rig, "mn\r\nversion\r\n");
    assert_int_equal(counted_all(rig), 0);
    assert_false(cm_session_has_answered(rig->worker));
}

static void each_key_counts(void **state) {
    struct rig *rig = *state;
    ask(rig, "set a 0 0 1\r\nx\r\nget a b a\r\nget a\r\n");
    assert_int_equal(counted(rig, CM_METRIC_request_get_hit), 3);
    assert_int_equal(counted(rig, CM_METRIC_request_get_miss), 1);
    assert_int_equal(counted_all(rig), 5);
    cm_session_took(rig->worker, 7000);
    struct cm_duration_sums sums[CM_COMMANDS];
    cm_metrics_read_durations(rig->metrics, sums);
    assert_int_equal(cm_durations_count(&sums[CM_COMMAND_get]), 4);
    assert_int_equal(sums[CM_COMMAND_get].sum_ns, 4 * 7000);
    assert_int_equal(cm_durations_count(&sums[CM_COMMAND_set]), 1);
    assert_int_equal(cm_durations_percentile_ns(&sums[CM_COMMAND_set], 1), 7000);
}

/* Nothing counts before its last byte, and then as any other. */
static void a_long_value_counts_once_it_is_there(void **state) {
    struct rig *rig = *state;
    static char value[100000];
    memset(value, 'v', sizeof value);
    ask(rig, "set a 0 0 100000\r\n");
    rig_feed(rig, cm_slice(value, sizeof value));
    assert_false(cm_session_has_answered(rig->worker));
    ask(rig, "\r\n");
    assert_int_equal(counted(rig, CM_METRIC_request_set_stored), 1);
    ask(rig, "append a 0 0 999999\r\n");
    assert_int_equal(counted(rig, CM_METRIC_request_append_not_stored), 0);
    rig_feed(rig, cm_slice(value, sizeof value));
    assert_int_equal(counted_all(rig), 1);
}

static void who_has_not_logged_in_only_errs(void **state) {
    struct rig rig;
    (void)state;
    rig_open(&rig, &(struct rig_options){.users = true});
    ask(&rig, "get a\r\n");
    assert_int_equal(counted(&rig, CM_METRIC_request_other_error), counted_all(&rig));
    assert_int_equal(counted_all(&rig), 1);
    rig_close(&rig);
}

/* ---- the slowest ---- */

/* Each reading is this much later than the one before. */
static const uint64_t *steps;
static uint64_t clock_ns;

static uint64_t now_ns(void) {
    clock_ns += *steps++;
    return clock_ns;
}

static const struct cm_session_slowest *ask_slowly(struct rig *rig, const char *text,
                                                   const uint64_t *readings) {
    clock_ns = 0;
    steps = readings;
    cm_session_look_for_slow(rig->worker, now_ns);
    ask(rig, text);
    cm_session_look_for_slow(rig->worker, NULL);
    return cm_session_slowest(rig->worker);
}

static void the_slowest_is_known(void **state) {
    struct rig *rig = *state;
    static const uint64_t readings[] = {100, 5, 50, 10, 50};
    const struct cm_session_slowest *slowest =
        ask_slowly(rig, "get a\r\nset key 0 0 3\r\nabc\r\nget key\r\ndelete key\r\n", readings);
    assert_string_equal(slowest->command, "set");
    assert_int_equal(slowest->key_bytes, 3);
    assert_memory_equal(slowest->key, "key", 3);
    assert_int_equal(slowest->value_bytes, 3);
    assert_int_equal(slowest->started_ns, 105);
    assert_int_equal(slowest->ended_ns, 155);
    assert_int_equal(slowest->requests, 4);
}

static void after_it_was_told_another_is(void **state) {
    struct rig *rig = *state;
    static const uint64_t first[] = {0, 1000}, second[] = {0, 10};
    assert_string_equal(ask_slowly(rig, "get a\r\n", first)->command, "get");
    cm_session_took(rig->worker, 1000);
    const struct cm_session_slowest *slowest = ask_slowly(rig, "stats\r\n", second);
    assert_string_equal(slowest->command, "stats");
    assert_int_equal(slowest->key_bytes, 0);
    assert_int_equal(slowest->requests, 1);
}

static void the_longest_key_fits(void **state) {
    struct rig *rig = *state;
    static const uint64_t readings[] = {0, 1000};
    char text[300] = "get ";
    memset(text + 4, 'k', 250);
    memcpy(text + 254, "\r\n", 3);
    const struct cm_session_slowest *slowest = ask_slowly(rig, text, readings);
    assert_int_equal(slowest->key_bytes, 250);
    assert_memory_equal(slowest->key, text + 4, 250);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(requests_of_text),
        TEST(requests_of_meta),
        TEST(requests_of_resp),
        TEST(what_looks_at_nothing_does_not_count),
        TEST(each_key_counts),
        TEST(a_long_value_counts_once_it_is_there),
        cmocka_unit_test(who_has_not_logged_in_only_errs),
        TEST(the_slowest_is_known),
        TEST(after_it_was_told_another_is),
        TEST(the_longest_key_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

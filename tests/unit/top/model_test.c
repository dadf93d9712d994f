/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <math.h>
#include <stdlib.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static int setup(void **state) {
    struct rig *rig = calloc(1, sizeof *rig);
    rig->sample.wall_s = 1000000;
    rig->sample.at_ns = 5000000000;
    *state = rig;
    return rig == NULL;
}

static int teardown(void **state) {
    struct rig *rig = *state;
    cm_top_model_deinit(&rig->model);
    free(rig);
    return 0;
}

static void rates_need_two_samples(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1", "cmd_get 100\ncurr_connections 7\n");
    rig_take(rig);
    assert_true(isnan(rig->model.interval_s));
    assert_true(isnan(rig->model.hosts[0]->interval_s));
    assert_true(isnan(rig->model.hosts[0]->now[CM_TOP_GET]));
    assert_true(isnan(rig->model.total.now[CM_TOP_OPS]));
    NEAR(rig->model.total.now[CM_TOP_CONNS], 7);
    rig_next(rig, 2);
    rig_up(rig, "a:1", "cmd_get 150\ncurr_connections 8\n");
    rig_take(rig);
    NEAR(rig->model.interval_s, 2);
    NEAR(rig->model.hosts[0]->interval_s, 2);
    NEAR(rig->model.hosts[0]->now[CM_TOP_GET], 25);
    NEAR(rig->model.total.now[CM_TOP_OPS], 25);
    NEAR(rig->model.hosts[0]->share, 1);
    assert_true(isnan(rig->model.hosts[0]->now[CM_TOP_SET])); /* not told */
}

static void kinds_add_up(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1",
           "cmd_get 0\nget_hits 0\nget_misses 0\ncmd_set 0\ncmd_touch 0\ntouch_hits 0\n"
           "touch_misses 0\ncmd_meta 0\ndelete_hits 0\ndelete_misses 0\nincr_hits 0\n"
           "incr_misses 0\ndecr_hits 0\ndecr_misses 0\ncas_hits 0\ncas_misses 0\ncas_badval 0\n"
           "rusage_user 1.0\nrusage_system 1.5\n");
    rig_take(rig);
    rig_next(rig, 1);
    rig_up(rig, "a:1",
           "cmd_get 100\nget_hits 75\nget_misses 25\ncmd_set 40\ncmd_touch 8\ntouch_hits 2\n"
           "touch_misses 6\ncmd_meta 60\ndelete_hits 3\ndelete_misses 1\nincr_hits 5\n"
           "incr_misses 5\ndecr_hits 0\ndecr_misses 2\ncas_hits 2\ncas_misses 1\ncas_badval 1\n"
           "rusage_user 1.25\nrusage_system 2.5\n");
    rig_take(rig);
    const struct cm_top_host *host = rig->model.hosts[0];
    NEAR(host->now[CM_TOP_OPS], 100 + 40 + 8 + 4 + 10 + 2);
    NEAR(host->now[CM_TOP_META], 60);
    NEAR(host->now[CM_TOP_CAS], 4);
    NEAR(host->found[CM_TOP_CAS], 50);
    NEAR(host->found[CM_TOP_GET], 75);
    NEAR(host->now[CM_TOP_HIT], 75);
    NEAR(host->found[CM_TOP_TOUCH], 25);
    NEAR(host->found[CM_TOP_DELETE], 75);
    NEAR(host->found[CM_TOP_DECR], 0);
    assert_true(isnan(host->found[CM_TOP_SET]));
    NEAR(host->now[CM_TOP_CPU], 125);
}

static void counters_that_begin_anew_have_no_rate(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1", "pid 5\nuptime 100\ncmd_get 1000\ncmd_set 10\n");
    rig_take(rig);
    rig_next(rig, 1); /* `stats reset` */
    rig_up(rig, "a:1", "pid 5\nuptime 101\ncmd_get 5\ncmd_set 20\n");
    rig_take(rig);
    assert_true(isnan(rig->model.hosts[0]->now[CM_TOP_GET]));
    NEAR(rig->model.hosts[0]->now[CM_TOP_SET], 10);
    rig_next(rig, 1); /* another process, which has done more already */
    rig_up(rig, "a:1", "pid 6\nuptime 200\ncmd_get 5000\ncmd_set 2000\n");
    rig_take(rig);
    assert_true(isnan(rig->model.hosts[0]->now[CM_TOP_OPS]));
    rig_next(rig, 1); /* the same number, by chance, but younger */
    rig_up(rig, "a:1", "pid 6\nuptime 0\ncmd_get 6000\ncmd_set 3000\n");
    rig_take(rig);
    assert_true(isnan(rig->model.hosts[0]->now[CM_TOP_OPS]));
    rig_next(rig, 1);
    rig_up(rig, "a:1", "pid 6\nuptime 1\ncmd_get 6001\ncmd_set 3001\n");
    rig_take(rig);
    NEAR(rig->model.hosts[0]->now[CM_TOP_OPS], 2);
    const struct cm_history *history = &rig->model.hosts[0]->history[CM_TOP_OPS];
    assert_int_equal(history->count, 5);
    NEAR(cm_history_at(history, 0), 2);
    assert_true(isnan(cm_history_at(history, 1)));
    NEAR(cm_history_at(history, 3), 10);
}

static void a_server_that_was_down_begins_anew(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1", "cmd_get 10\ncurr_items 4\n");
    rig_up(rig, "b:1", "cmd_get 10\ncurr_items 5\n");
    rig_take(rig);
    for (int i = 0; i < 3; i++) {
        rig_next(rig, 1);
        rig_up(rig, "a:1", "cmd_get 20\ncurr_items 4\n");
        rig_down(rig, "b:1", "Connection refused");
        rig_take(rig);
        assert_int_equal(rig->model.up, 1);
        assert_int_equal(rig->model.hosts[1]->down_since_s, 1000001);
        assert_int_equal(rig->model.total.last.counter[CM_TOP_curr_items], 4);
        assert_true(isnan(rig->model.hosts[1]->now[CM_TOP_OPS]));
        assert_true(isnan(rig->model.hosts[1]->now[CM_TOP_CONNS]));
    }
    NEAR(rig->model.hosts[0]->now[CM_TOP_OPS], 0);
    rig_next(rig, 1);
    rig_up(rig, "a:1", "cmd_get 30\n");
    rig_up(rig, "b:1", "cmd_get 1000\n");
    rig_take(rig);
    assert_int_equal(rig->model.hosts[1]->down_since_s, 0);
    assert_true(isnan(rig->model.hosts[1]->now[CM_TOP_OPS]));
    NEAR(rig->model.total.now[CM_TOP_OPS], 10);
}

static void servers_come_and_go(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1", "cmd_get 1\n");
    rig_up(rig, "b:1", "cmd_get 1\n");
    rig_take(rig);
    const unsigned b = rig->model.hosts[1]->id;
    assert_int_equal(b, 2);
    rig_next(rig, 1);
    rig_up(rig, "c:1", "cmd_get 1\n");
    rig_up(rig, "b:1", "cmd_get 3\n");
    rig_up(rig, "b:1", "cmd_get 3\n"); /* named twice, which must not share a host */
    rig_take(rig);
    assert_int_equal(rig->model.count, 3);
    assert_int_equal(rig->model.hosts[1]->id, b);
    NEAR(rig->model.hosts[1]->now[CM_TOP_GET], 2);
    assert_int_equal(rig->model.hosts[0]->id, 3);
    assert_int_equal(rig->model.hosts[2]->id, 4);
    assert_null(cm_top_model_host(&rig->model, 1));
    assert_ptr_equal(cm_top_model_host(&rig->model, b), rig->model.hosts[1]);
    rig_next(rig, 1);
    rig_take(rig);
    assert_int_equal(rig->model.count, 0);
    assert_true(isnan(rig->model.total.now[CM_TOP_OPS]));
}

static void sums_do_not_wrap(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1", "bytes 18446744073709551615\nlimit_maxbytes 5\ncmd_get 0\n");
    rig_up(rig, "b:1", "bytes 18446744073709551615\ncmd_get 0\n");
    rig_take(rig);
    assert_true(rig->model.total.last.counter[CM_TOP_bytes] == UINT64_MAX);
    assert_true(rig->model.total.items_bytes > 3e19);
    rig_next(rig, 1e-9); /* as fast as can be */
    rig_up(rig, "a:1", "cmd_get 18446744073709551615\n");
    rig_up(rig, "b:1", "cmd_get 18446744073709551615\n");
    rig_take(rig);
    assert_true(isfinite(rig->model.total.now[CM_TOP_OPS]));
    rig_next(rig, 0); /* no time between */
    rig_up(rig, "a:1", "cmd_get 18446744073709551615\n");
    rig_take(rig);
    assert_true(isnan(rig->model.total.now[CM_TOP_OPS]));
}

static void load(struct rig *rig, const unsigned *weights, const unsigned *gets) {
    for (unsigned round = 0; round < 2; round++) {
        rig_next(rig, 1);
        for (unsigned i = 0; i < 3; i++) {
            char name[8], lines[64];
            sprintf(name, "%c:1", 'a' + (int)i);
            sprintf(lines, "cmd_get %u\nget_hits %u\nget_misses %u\n", round * gets[i],
                    round * gets[i] / (i + 2), round * (gets[i] - gets[i] / (i + 2)));
            rig_up(rig, name, lines)->weight = weights[i];
        }
        rig_take(rig);
    }
}

static void hot_is_what_has_more_than_is_fair(void **state) {
    struct rig *rig = *state;
    load(rig, (const unsigned[]){1, 1, 1}, (const unsigned[]){600, 200, 200});
    assert_true(rig->model.hosts[0]->is_hot);
    assert_false(rig->model.hosts[1]->is_hot);
    NEAR(rig->model.hosts[0]->share, .6);
    load(rig, (const unsigned[]){1, 1, 1}, (const unsigned[]){480, 260, 260});
    assert_false(rig->model.hosts[0]->is_hot); /* 48 is less than 1.5 times 33.3 */
    load(rig, (const unsigned[]){6, 2, 2}, (const unsigned[]){600, 200, 200});
    assert_false(rig->model.hosts[0]->is_hot);
    load(rig, (const unsigned[]){1, 1, 1}, (const unsigned[]){6, 2, 1});
    assert_false(rig->model.hosts[0]->is_hot); /* too little to say */
}

static void servers_are_sorted(void **state) {
    struct rig *rig = *state;
    const struct cm_top_host *sorted[4];
    load(rig, (const unsigned[]){1, 1, 1}, (const unsigned[]){100, 300, 200});
    cm_top_model_sort(&rig->model, CM_TOP_BY_OPS, sorted);
    assert_string_equal(sorted[0]->last.name, "b:1");
    assert_string_equal(sorted[2]->last.name, "a:1");
    cm_top_model_sort(&rig->model, CM_TOP_BY_NAME, sorted);
    assert_string_equal(sorted[0]->last.name, "a:1");
    cm_top_model_sort(&rig->model, CM_TOP_BY_HIT, sorted); /* a finds 1/2, b 1/3, c 1/4 */
    assert_string_equal(sorted[0]->last.name, "c:1");
    assert_string_equal(sorted[2]->last.name, "a:1");
    cm_top_model_sort(&rig->model, CM_TOP_BY_PING, sorted); /* unknown: as they were first seen */
    assert_string_equal(sorted[0]->last.name, "a:1");
    rig_next(rig, 1);
    rig_up(rig, "a:1", "cmd_get 500\n");
    rig_up(rig, "b:1", "cmd_get 400\n");
    rig_down(rig, "c:1", "gone");
    rig_take(rig);
    for (int order = 0; order < CM_TOP_ORDERS; order++) {
        cm_top_model_sort(&rig->model, (enum cm_top_order)order, sorted);
        assert_string_equal(sorted[0]->last.name, "c:1");
    }
}

static void the_index_is_within_cachemands_limit_alone(void **state) {
    struct rig *rig = *state;
    rig_next(rig, 0);
    rig_up(rig, "a:1",
           "version 1.6.45-cacheman-0.1.0\nbytes 10\nhash_bytes 5\nlimit_maxbytes 100\n");
    rig_up(rig, "b:1", "version 1.6.18\nbytes 20\nhash_bytes 7\nlimit_maxbytes 200\n");
    rig_take(rig);
    NEAR(rig->model.hosts[0]->index_bytes, 5);
    assert_true(isnan(rig->model.hosts[1]->index_bytes));
    NEAR(rig->model.total.index_bytes, 5);
    NEAR(rig->model.total.items_bytes, 30);
    NEAR(rig->model.total.limit_bytes, 300);
}

static void history_is_a_ring(void **state) {
    (void)state;
    struct cm_history history = {0};
    assert_true(isnan(cm_history_at(&history, 0)));
    NEAR(cm_history_top(&history, 10), 0);
    for (int i = 0; i < 2 * CM_HISTORY_LENGTH + 3; i++)
        cm_history_push(&history, i);
    assert_int_equal(history.count, CM_HISTORY_LENGTH);
    NEAR(cm_history_at(&history, 0), 2 * CM_HISTORY_LENGTH + 2);
    NEAR(cm_history_at(&history, CM_HISTORY_LENGTH - 1), CM_HISTORY_LENGTH + 3);
    assert_true(isnan(cm_history_at(&history, CM_HISTORY_LENGTH)));
    cm_history_push(&history, NAN);
    NEAR(cm_history_top(&history, 3), 2 * CM_HISTORY_LENGTH + 2);
}

static void levels(void **state) {
    (void)state;
    assert_int_equal(cm_history_level(NAN, 10, 8), 0);
    assert_int_equal(cm_history_level(0, 10, 8), 1);
    assert_int_equal(cm_history_level(0, 0, 8), 1);
    assert_int_equal(cm_history_level(.001, 10, 8), 1);
    assert_int_equal(cm_history_level(5, 10, 8), 4);
    assert_int_equal(cm_history_level(5.1, 10, 8), 5);
    assert_int_equal(cm_history_level(10, 10, 8), 8);
    assert_int_equal(cm_history_level(11, 10, 8), 8);
    assert_int_equal(cm_history_level(INFINITY, 10, 8), 8);
    assert_int_equal(cm_history_level(10, 10, 24), 24);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(rates_need_two_samples),
        CASE(kinds_add_up),
        CASE(counters_that_begin_anew_have_no_rate),
        CASE(a_server_that_was_down_begins_anew),
        CASE(servers_come_and_go),
        CASE(sums_do_not_wrap),
        CASE(hot_is_what_has_more_than_is_fair),
        CASE(servers_are_sorted),
        CASE(the_index_is_within_cachemands_limit_alone),
        CASE(history_is_a_ring),
        CASE(levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

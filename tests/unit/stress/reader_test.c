/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
    struct cm_stress_script script;
    struct cm_stress_block block;
    struct cm_stress_tally tally;
    struct cm_stress_reader reader;
};

static int open_scene(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    cm_stress_block_init(&scene->block);
    scene->script = (struct cm_stress_script){.dialect = &cm_stress_text,
                                              .block = &scene->block,
                                              .depth = 4,
                                              .multiget = 3,
                                              .verify = true,
                                              .fill = true};
    assert_true(cm_stress_names_init(&scene->script.names, "", 2));
    assert_int_equal(cm_stress_reader_init(&scene->reader, &scene->script, &scene->tally), CM_OK);
    *state = scene;
    return 0;
}

static int close_scene(void **state) {
    struct scene *scene = *state;
    cm_stress_reader_deinit(&scene->reader);
    free(scene);
    return 0;
}

static void ask(struct scene *scene, enum cm_stress_kind kind, uint32_t first, uint32_t count) {
    cm_stress_reader_ask(&scene->reader, kind, 1000);
    for (uint32_t i = 0; i < count; i++)
        cm_stress_reader_key(&scene->reader, first + i);
}

static bool take(struct scene *scene, struct cm_slice bytes) {
    size_t used = 0;
    const bool taken = cm_stress_reader_take(&scene->reader, bytes, 3000, &used);
    assert_true(used <= bytes.len);
    return taken;
}

/* The answer with the true value of a key, maybe with a byte changed. */
static struct cm_slice value_line(struct scene *scene, const char *key, int wrong_at, char *to) {
    char value[40];
    cm_stress_value_make(&scene->block,
                         &(struct cm_stress_content){cm_slice(key, 2), 9, sizeof value}, value);
    if (wrong_at >= 0)
        value[wrong_at] ^= 1;
    const int head = sprintf(to, "VALUE %s 0 %zu\r\n", key, sizeof value);
    memcpy(to + head, value, sizeof value);
    memcpy(to + head + sizeof value, "\r\n", 2);
    return cm_slice(to, (size_t)head + sizeof value + 2);
}

static void test_gaps_are_misses(void **state) {
    struct scene *scene = *state;
    char line[128];
    ask(scene, CM_STRESS_GET, 1, 3);
    assert_true(take(scene, value_line(scene, "k2", -1, line)));
    assert_true(take(scene, CM_SLICE("END\r\n")));
    assert_int_equal(scene->tally.keys, 3);
    assert_int_equal(scene->tally.hits, 1);
    assert_int_equal(scene->tally.checked, 1);
    assert_int_equal(scene->tally.wrong, 0);
    assert_int_equal(scene->reader.missed_count, 2);
    assert_int_equal(scene->reader.missed[0].key, 1);
    assert_int_equal(scene->reader.missed[1].key, 3);
    assert_int_equal(scene->tally.latency[CM_STRESS_GET].count, 1);
    assert_int_equal(scene->tally.latency[CM_STRESS_GET].max_ns, 2000);
}

static void test_wrong_value(void **state) {
    struct scene *scene = *state;
    char line[128];
    ask(scene, CM_STRESS_GET, 1, 1);
    assert_true(take(scene, value_line(scene, "k1", 33, line)));
    assert_true(take(scene, CM_SLICE("END\r\n")));
    assert_int_equal(scene->tally.wrong, 1);
    assert_string_equal(scene->tally.troubles[0].text,
                        "wrong value of k1, 40 bytes: from byte 33 on");
}

/* A value of a key that nobody asked for, or one too many. */
static void test_foreign_value(void **state) {
    struct scene *scene = *state;
    char line[128];
    ask(scene, CM_STRESS_GET, 1, 1);
    assert_false(take(scene, value_line(scene, "k7", -1, line)));
    assert_int_equal(scene->tally.bad, 1);
    cm_stress_reader_clear(&scene->reader);
    ask(scene, CM_STRESS_GET, 1, 1);
    assert_true(take(scene, value_line(scene, "k1", -1, line)));
    assert_false(take(scene, value_line(scene, "k1", -1, line)));
}

static void test_nobody_asked(void **state) {
    struct scene *scene = *state;
    assert_false(take(scene, CM_SLICE("END\r\n")));
    assert_string_equal(scene->tally.troubles[0].text, "makes no sense: END\r");
}

static void test_errors_are_counted_by_text(void **state) {
    struct scene *scene = *state;
    for (uint32_t i = 0; i < 3; i++)
        ask(scene, CM_STRESS_SET, i, 1);
    ask(scene, CM_STRESS_GET, 0, 2);
    assert_true(take(scene, CM_SLICE("SERVER_ERROR a\r\nSTORED\r\nSERVER_ERROR a\r\nERROR\r\n")));
    assert_int_equal(scene->tally.errors, 3);
    assert_string_equal(scene->tally.troubles[0].text, "SERVER_ERROR a");
    assert_int_equal(scene->tally.troubles[0].count, 2);
    assert_string_equal(scene->tally.troubles[1].text, "ERROR");
    assert_int_equal(scene->tally.keys, 0);
    assert_int_equal(scene->reader.missed_count, 0);
    assert_int_equal(scene->reader.answered, 4);
}

static void test_missed_counter(void **state) {
    struct scene *scene = *state;
    ask(scene, CM_STRESS_INCR, 5, 1);
    ask(scene, CM_STRESS_COUNTER, 5, 1);
    assert_true(take(scene, CM_SLICE("NOT_FOUND\r\nSTORED\r\n")));
    assert_int_equal(scene->tally.no[CM_STRESS_INCR], 1);
    assert_int_equal(scene->reader.missed_count, 1);
    assert_true(scene->reader.missed[0].is_counter);
    assert_int_equal(scene->tally.latency[CM_STRESS_ADD].count, 1);
}

static void test_login(void **state) {
    struct scene *scene = *state;
    ask(scene, CM_STRESS_LOGIN, 0, 0);
    assert_true(take(scene, CM_SLICE("CLIENT_ERROR authentication failure\r\n")));
    assert_false(scene->reader.is_logged_in);
    cm_stress_reader_clear(&scene->reader);
    ask(scene, CM_STRESS_LOGIN, 0, 0);
    assert_true(take(scene, CM_SLICE("STORED\r\n")));
    assert_true(scene->reader.is_logged_in);
    assert_int_equal(cm_stress_tally_requests(&scene->tally), 0);
}

/* The last place is for all that found none. */
static void test_many_troubles(void **state) {
    struct scene *scene = *state;
    for (unsigned i = 0; i < 100; i++)
        cm_stress_tally_trouble(&scene->tally, "trouble %u", i);
    assert_string_equal(scene->tally.troubles[CM_STRESS_TROUBLES - 2].text, "trouble 14");
    assert_string_equal(scene->tally.troubles[CM_STRESS_TROUBLES - 1].text, "others");
    assert_int_equal(scene->tally.troubles[CM_STRESS_TROUBLES - 1].count, 85);
    struct cm_stress_tally *sum = calloc(1, sizeof *sum);
    cm_stress_tally_merge(sum, &scene->tally);
    cm_stress_tally_merge(sum, &scene->tally);
    assert_int_equal(sum->troubles[CM_STRESS_TROUBLES - 1].count, 170);
    assert_int_equal(sum->troubles[3].count, 2);
    free(sum);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gaps_are_misses, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_wrong_value, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_foreign_value, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_nobody_asked, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_errors_are_counted_by_text, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_missed_counter, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_login, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_many_troubles, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

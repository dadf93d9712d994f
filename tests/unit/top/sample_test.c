/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static struct cm_top_reading taken(const char *line) {
    struct cm_top_reading reading = {0};
    cm_top_reading_take(&reading, cm_slice(line, strlen(line)));
    return reading;
}

static void numbers_are_taken(void **state) {
    (void)state;
    struct cm_top_reading reading = taken("STAT cmd_get 18446744073709551615");
    assert_true(cm_top_knows(&reading, CM_TOP_cmd_get));
    assert_false(cm_top_knows(&reading, CM_TOP_cmd_set));
    assert_true(reading.counter[CM_TOP_cmd_get] == UINT64_MAX);
    reading = taken("STAT rusage_user 12.000345");
    assert_int_equal(reading.counter[CM_TOP_rusage_user], 12000345);
    reading = taken("STAT rusage_user 3.5");
    assert_int_equal(reading.counter[CM_TOP_rusage_user], 3500000);
    reading = taken("STAT rusage_system 7");
    assert_int_equal(reading.counter[CM_TOP_rusage_system], 7000000);
    reading = taken("STAT rusage_system 0.1234567891234");
    assert_int_equal(reading.counter[CM_TOP_rusage_system], 123456);
}

static void nonsense_is_not_known(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        "STAT",
        "STAT ",
        "STAT cmd_get",
        "STAT cmd_get ",
        "STAT cmd_get x",
        "STAT cmd_get -1",
        "STAT cmd_get 1 2",
        "STAT cmd_get 18446744073709551616",
        "STAT cmd_gets 1",
        "STAT cmd_ge 1",
        "cmd_get 1",
        "STAT rusage_user .5",
        "STAT rusage_user 1.5x",
        "STAT rusage_user 1.-5",
        "STAT rusage_user 18446744073709551615.0",
        "STAT items:1:evicted_time x",
        "STAT items:1:evicted_time 0",
        "STAT items:evicted_time",
        "STAT items: 5",
        "STAT get:p50_us x",
        "STAT get:p50_us",
        "STAT get:p90_us 1.000",
        "STAT set: 1.000",
        "STAT 0:key a",
        "STAT 11:key a",
        "STAT 1:key",
        "STAT 1 5",
        "STAT 99999999999:key a",
        "STAT 1:requests -5",
        "STAT 1:share nan",
        "STAT 1:misses 1e300",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct cm_top_reading reading = taken(lines[i]);
        assert_true(reading.known == 0);
        assert_false(reading.evicted_age_known);
        assert_string_equal(reading.version, "");
        for (unsigned k = 0; k < CM_TOP_LATENCIES; k++)
            assert_true(reading.latency_ns[k] == 0);
        for (unsigned k = 0; k < CM_TOP_HOT_KEYS; k++) {
            const struct cm_top_key *key = &reading.keys[k];
            assert_string_equal(key->label, "");
            assert_true(key->requests == 0 && key->share == 0 && key->misses == 0);
        }
    }
}

static void times_and_keys_are_taken(void **state) {
    (void)state;
    struct cm_top_reading reading = taken("STAT get:p99_us 1234.567");
    assert_true(reading.latency_ns[CM_TOP_GET_P99] == 1234567);
    assert_true(reading.latency_ns[CM_TOP_GET_P50] == 0);
    reading = taken("STAT set:p50_us 7");
    assert_true(reading.latency_ns[CM_TOP_SET_P50] == 7000);
    reading = taken("STAT 10:key a%20%C3%A4%0A");
    assert_string_equal(reading.keys[9].label, "a \\xc3\\xa4\\n");
    reading = taken("STAT 1:requests_per_second 12.50");
    assert_true(reading.keys[0].per_s == 12.5);
    char line[4000] = "STAT 1:key ";
    memset(line + strlen(line), 'k', 3900);
    reading = taken(line); /* no server has such a key */
    assert_string_equal(reading.keys[0].label, "");
}

static void the_shortest_age_counts(void **state) {
    (void)state;
    struct cm_top_reading reading = {0};
    static const char *const lines[] = {
        "STAT items:1:evicted_time 0", "STAT items:2:evicted_time 40",
        "STAT items:3:evicted_time 30", "STAT items:30:evicted_time 50", "STAT items:3:age 1"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cm_top_reading_take(&reading, cm_slice(lines[i], strlen(lines[i])));
    assert_true(reading.evicted_age_known);
    assert_int_equal(reading.evicted_age_s, 30);
}

static void versions_are_harmless(void **state) {
    (void)state;
    struct cm_top_reading reading = taken("STAT version 1.6.45-cacheman-0.1.0");
    assert_string_equal(reading.version, "1.6.45-cacheman-0.1.0");
    assert_true(cm_top_is_cachemand(&reading));
    reading = taken("STAT version 1\033]0;owned\007\x9b 2\r");
    assert_string_equal(reading.version, "1\\x1b]0;owned\\x07\\x9b 2\\r");
    assert_false(cm_top_is_cachemand(&reading));
    char line[2000] = "STAT version ";
    memset(line + strlen(line), 'v', 1900);
    reading = taken(line);
    assert_int_equal(strlen(reading.version), CM_TOP_TEXT_BYTES / 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_taken),        cmocka_unit_test(nonsense_is_not_known),
        cmocka_unit_test(times_and_keys_are_taken), cmocka_unit_test(the_shortest_age_counts),
        cmocka_unit_test(versions_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

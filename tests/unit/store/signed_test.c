/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static struct rig rig;

static int set_up(void **state) {
    (void)state;
    rig_open(&rig, UINT64_C(4) << 20, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static enum cm_status count(int64_t delta, bool decrement, int64_t *result) {
    const struct cmstore_key key = rig_key(&rig, "n");
    const struct cmstore_arith_options options = {
        .delta = (uint64_t)delta,
        .decrement = decrement,
        .is_signed = true,
        .vivify = true,
        .initial = (uint64_t)delta,
    };
    struct cmstore_number number;
    const enum cm_status status = cmstore_arith(rig.thread, &key, &options, &number);
    *result = (int64_t)number.value;
    return status;
}

/* The item holds `before`; counting leaves `after`, or NULL and `status`. */
struct step {
    const char *before;
    int64_t delta;
    bool decrement;
    const char *after;
    enum cm_status status;
};

static const struct step steps[] = {
    {"10", 5, false, "15", CM_OK},
    {"10", -15, false, "-5", CM_OK},
    {"-5", 5, false, "0", CM_OK},
    {"100", 1, true, "99", CM_OK},
    {"0", 1, true, "-1", CM_OK},
    {"-1", -2, true, "1", CM_OK},
    {"9 ", 1, false, "10", CM_OK}, /* as memcached's decr leaves it */
    {"9  ", 0, false, "9", CM_OK},
    {"9223372036854775806", 1, false, "9223372036854775807", CM_OK},
    {"9223372036854775807", 1, false, NULL, CM_OVERFLOW},
    {"-9223372036854775808", -1, false, NULL, CM_OVERFLOW},
    {"-9223372036854775808", 1, true, NULL, CM_OVERFLOW},
    {"-1", INT64_MIN, true, "9223372036854775807", CM_OK},
    {"0", INT64_MIN, true, NULL, CM_OVERFLOW},
    {"9223372036854775808", 1, false, NULL, CM_NOT_NUMERIC},
    {"-9223372036854775809", 1, false, NULL, CM_NOT_NUMERIC},
    {"", 1, false, NULL, CM_NOT_NUMERIC},
    {" ", 1, false, NULL, CM_NOT_NUMERIC},
    {" 1", 1, false, NULL, CM_NOT_NUMERIC},
    {"1\n", 1, false, NULL, CM_NOT_NUMERIC},
    {"+1", 1, false, NULL, CM_NOT_NUMERIC},
    {"-", 1, false, NULL, CM_NOT_NUMERIC},
    {"-0", 1, false, NULL, CM_NOT_NUMERIC},
    {"00", 1, false, NULL, CM_NOT_NUMERIC},
    {"07", 1, false, NULL, CM_NOT_NUMERIC},
    {"-07", 1, false, NULL, CM_NOT_NUMERIC},
    {"1 2", 1, false, NULL, CM_NOT_NUMERIC},
    {"1.5", 1, false, NULL, CM_NOT_NUMERIC},
    {"123456789012345678901", 1, false, NULL, CM_NOT_NUMERIC},
};

static void test_counting(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *step = &steps[i];
        int64_t result;
        rig_set_text(&rig, "n", step->before);
        assert_int_equal(count(step->delta, step->decrement, &result), step->status);
        rig_expect_text(&rig, "n", step->after == NULL ? step->before : step->after);
        if (step->after != NULL) {
            assert_int_equal(result, strtoll(step->after, NULL, 10));
        }
    }
}

static void test_missing_begins_with_initial(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, 42, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[24];
        int64_t result;
        rig_delete(&rig, "n");
        assert_int_equal(count(numbers[i], false, &result), CM_OK);
        assert_true(result == numbers[i]);
        snprintf(text, sizeof text, "%lld", (long long)numbers[i]);
        rig_expect_text(&rig, "n", text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_begins_with_initial, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/guess.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *guess_of(const char *typed) {
    static const char *const names[] = {"get", "set", "delete", "stats", "memory-limit", "a"};
    struct cm_guess guess = cm_guess(cm_slice(typed, strlen(typed)));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cm_guess_try(&guess, names[i]);
    return guess.nearest;
}

static void test_what_is_near(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"gte", "get"},
        {"egt", "get"},
        {"gett", "get"},
        {"ge", "get"},
        {"delte", "delete"},
        {"dlete", "delete"},
        {"deletr", "delete"},
        {"STATS", "stats"},
        {"Stat", "stats"},
        {"memroy-limit", "memory-limit"},
        {"memorylimt", "memory-limit"},
        {"set", "set"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(guess_of(rows[i][0]), rows[i][1]);
}

static void test_what_is_not(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "b",
        "user",
        "frobnicate",
        "g",
        "mmr-limit",
        "memory",
        "memory-limit-of-the-whole-server",
        "a name that is longer than any that is known, and so like none of them at all",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_null(guess_of(rows[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_near),
        cmocka_unit_test(test_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"

#include "cli/exit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct settings {
    bool quiet;
    int64_t count, many, bytes, wait, shape;
    double skew;
    const char *file;
};

#define AT(member) .offset = offsetof(struct settings, member)
static const struct cm_cli_option options[] = {
    {.name = "quiet", .letter = 'q', .kind = CM_CLI_FLAG, .text = "say nothing", AT(quiet)},
    {"count", 'n', CM_CLI_NUMBER, "N", NULL, 1, 10, offsetof(struct settings, count), "how many"},
    {"bytes", 0, CM_CLI_SIZE, "N", NULL, 0, 1 << 30, offsetof(struct settings, bytes), "how large"},
    {"wait", 0, CM_CLI_DURATION, "T", NULL, 1, 60000000, offsetof(struct settings, wait), "time"},
    {"shape", 0, CM_CLI_CHOICE, "S", "round flat", 0, 0, offsetof(struct settings, shape), "form"},
    {"skew", 0, CM_CLI_REAL, "X", NULL, 0, 5, offsetof(struct settings, skew), "how uneven"},
    {"file", 'f', CM_CLI_TEXT, "F", NULL, 0, 0, offsetof(struct settings, file), "from where"},
    {"many", 0, CM_CLI_COUNT, "N", NULL, 0, 5000000000, offsetof(struct settings, many), "many"},
};
static const struct cm_cli cli = {"prog", "[X...]", "Does things.", options, 8, NULL, NULL, 0};

/* Reads the words of a command line; what cm_cli_read() returned. */
static int read_words(struct settings *settings, int *status, const char *line) {
    static char text[256];
    static char *argv[16];
    int argc = 0;
    *settings = (struct settings){0};
    snprintf(text, sizeof text, "prog %s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return cm_cli_read(&cli, argv, settings, status);
}

static void test_values(void **state) {
    (void)state;
    struct settings settings;
    int status = -1;
    assert_int_equal(read_words(&settings, &status,
                                "-qn3 --bytes=2k --wait 5ms --shape=flat --skew=.5 -f x one -q"),
                     9);
    assert_int_equal(status, CM_EXIT_OK);
    assert_true(settings.quiet);
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.bytes, 2048);
    assert_int_equal(settings.wait, 5000);
    assert_int_equal(settings.shape, 1);
    assert_true(settings.skew > .49 && settings.skew < .51);
    assert_string_equal(settings.file, "x");
    assert_int_equal(read_words(&settings, &status, "--many=200k"), 2);
    assert_int_equal(settings.many, 200000);
    assert_int_equal(read_words(&settings, &status, "--many=5g"), 2);
    assert_true(settings.many == 5000000000);
    assert_int_equal(read_words(&settings, &status, "--many=17"), 2);
    assert_int_equal(settings.many, 17);
    assert_int_equal(read_words(&settings, &status, "-- -q"), 2);
    assert_false(settings.quiet);
    assert_int_equal(read_words(&settings, &status, "--wait=2"), 2);
    assert_int_equal(settings.wait, 2000000);
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const wrong[] = {"--count=0",
                                        "--count=11",
                                        "--count=1x",
                                        "--count=",
                                        "--count",
                                        "-n",
                                        "--count=+1",
                                        "--count=1k",
                                        "--many=6g",
                                        "--many=-1k",
                                        "--many=1kb",
                                        "--many=k",
                                        "--many=9999999999g",
                                        "--bytes=-1",
                                        "--bytes=2g",
                                        "--bytes=1kb",
                                        "--bytes=9999999999999g",
                                        "--wait=0",
                                        "--wait=2h",
                                        "--wait=1d",
                                        "--shape=squa",
                                        "--shape=",
                                        "--shape=roundx",
                                        "--skew=nan",
                                        "--skew=-0.1",
                                        "--skew=6",
                                        "--skew=1e",
                                        "--quiet=1",
                                        "--help=1",
                                        "--nosuch=1",
                                        "-z",
                                        "--",
                                        NULL};
    struct settings settings;
    for (size_t i = 0; strcmp(wrong[i], "--") != 0; i++) {
        int status = -1;
        assert_int_equal(read_words(&settings, &status, wrong[i]), -1);
        assert_int_equal(status, CM_EXIT_USAGE);
    }
}

static void test_why(void **state) {
    (void)state;
    char why[CM_CLI_WHY_BYTES];
    int64_t number = 7;
    assert_false(cm_cli_value(&options[1], "11", &number, why));
    assert_string_equal(why, "a number from 1 to 10");
    assert_false(cm_cli_value(&options[3], "61", &number, why));
    assert_string_equal(why, "a time with us, ms, s, m or h, from 1us to 60s");
    assert_false(cm_cli_value(&options[4], "x", &number, why));
    assert_string_equal(why, "one of: round flat");
    assert_int_equal(number, 7);
    const struct cm_cli_option ttl = {.kind = CM_CLI_SECONDS, .min = -1, .max = 864000};
    assert_false(cm_cli_value(&ttl, "1w", &number, why));
    assert_string_equal(why, "a time with s, m, h or d, from -1s to 864000s");
    assert_true(cm_cli_value(&ttl, "2d", &number, why));
    assert_int_equal(number, 172800);
}

static void test_help(void **state) {
    (void)state;
    struct settings settings;
    int status = -1;
    assert_int_equal(read_words(&settings, &status, "--help"), -1);
    assert_int_equal(status, CM_EXIT_OK);
    assert_int_equal(read_words(&settings, &status, "-h"), -1);
    assert_int_equal(status, CM_EXIT_OK);
}

static const char *found(const char *word) {
    const struct cm_cli_option *option = cm_cli_find(options, 7, word);
    return option != NULL ? option->name : "";
}

static void test_find(void **state) {
    (void)state;
    assert_string_equal(found("-n"), "count");
    assert_string_equal(found("-n5"), "count");
    assert_string_equal(found("--count"), "count");
    assert_string_equal(found("--count=5"), "count");
    static const char *const none[] = {"",      "-",      "--",       "-x",  "n",
                                       "count", "--coun", "--counts", "--=5"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_string_equal(found(none[i]), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find), cmocka_unit_test(test_values), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_why),  cmocka_unit_test(test_help),   cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

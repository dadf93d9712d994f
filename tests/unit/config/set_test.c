/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Values set at run time, over those of the command line and the defaults. */

static const char *const words[] = {"cachemand", "--config=", "-m", "64", "-l", "127.0.0.1", NULL};

struct fixture {
    struct cm_command_line line;
    struct cm_config in_force, fresh;
    struct cm_config_error error;
};

static struct fixture start(void) {
    struct fixture it = {
        .line = {.argc = 6, .argv = (char **)(uintptr_t)words, .core_count = 2},
    };
    assert_int_equal(cm_config_parse(&it.in_force, &it.line, &it.error), CM_OK);
    return it;
}

static enum cm_status set(struct fixture *it, const char *text) {
    it->line.in_force = &it->in_force;
    const struct cm_config_setting setting = {
        .line = &it->line, .by = "somebody", .text = cm_slice(text, strlen(text))};
    return cm_config_set_over(&it->fresh, &setting, &it->error);
}

/* What was set is in force. */
static void keep(struct fixture *it) {
    cm_config_deinit(&it->in_force);
    it->in_force = it->fresh;
}

static void end(struct fixture *it) {
    cm_config_deinit(&it->in_force);
}

static void expect_fault(struct fixture *it, const char *text, const char *fault) {
    assert_int_equal(set(it, text), CM_INVALID);
    assert_string_equal(it->fresh.faults.entries[0], fault);
    cm_config_deinit(&it->fresh);
}

static void test_goes_before_all(void **state) {
    struct fixture it = start();
    char origin[CM_CONFIG_TITLE_BYTES];
    (void)state;
    assert_int_equal(set(&it, "memory-limit = 32\n"), CM_OK);
    assert_int_equal(it.fresh.memory_mb, 32);
    assert_string_equal(it.fresh.listen.entries[0].host, "127.0.0.1");
    assert_string_equal(cm_config_origin(&it.fresh, CM_OPTION_INDEX_memory_mb, origin),
                        "set at run time by somebody");
    assert_string_equal(cm_config_origin(&it.fresh, CM_OPTION_INDEX_listen, origin),
                        "command line");
    keep(&it);
    /* By a reload, too. */
    it.line.in_force = &it.in_force;
    assert_int_equal(cm_config_parse(&it.fresh, &it.line, &it.error), CM_OK);
    assert_int_equal(it.fresh.memory_mb, 32);
    cm_config_deinit(&it.fresh);
    end(&it);
}

/* Addresses replace those before, even those that were set. */
static void test_lists(void **state) {
    struct fixture it = start();
    char value[128];
    (void)state;
    assert_int_equal(set(&it, "listen = 127.0.0.2\nlisten = 127.0.0.3"), CM_OK);
    cm_config_value(&it.fresh, CM_OPTION_INDEX_listen, value, sizeof value);
    assert_string_equal(value, "127.0.0.2,127.0.0.3");
    keep(&it);
    assert_int_equal(set(&it, "listen = 127.0.0.4"), CM_OK);
    cm_config_value(&it.fresh, CM_OPTION_INDEX_listen, value, sizeof value);
    assert_string_equal(value, "127.0.0.4");
    keep(&it);
    assert_int_equal(set(&it, "memory-limit = 1"), CM_OK);
    cm_config_value(&it.fresh, CM_OPTION_INDEX_listen, value, sizeof value);
    assert_string_equal(value, "127.0.0.4");
    cm_config_deinit(&it.fresh);
    end(&it);
}

/* What was not given follows. */
static void test_what_follows(void **state) {
    struct fixture it = start();
    (void)state;
    assert_int_equal(it.in_force.item_bytes_max, 1 << 20);
    assert_int_equal(set(&it, "memory-limit = 1"), CM_OK);
    assert_int_equal(it.fresh.item_bytes_max, 1 << 19);
    assert_int_equal(it.fresh.threads, 2);
    cm_config_deinit(&it.fresh);
    end(&it);
}

static void test_faults(void **state) {
    struct fixture it = start();
    (void)state;
    expect_fault(&it, "memory-limit = x", "memory-limit: \"x\" is not a number from 1 to 1048576");
    expect_fault(&it, "\nfoo = 1",
                 "line 2: unknown key \"foo\"; keys are the long names of the "
                 "options that --help lists");
    expect_fault(&it, "[1]", "line 1: \"[1]\": there are no sections; write KEY = VALUE");
    expect_fault(&it, "verbose = 1\nverbose = 2", "line 2: verbose: it is given in line 1 already");
    expect_fault(&it, "config = x",
                 "line 1: config: this can be given on the command line and in "
                 "the environment only");
    expect_fault(&it, "help = yes", "line 1: help: this can be given on the command line only");
    expect_fault(&it, "tls-verify = require\ntls = yes",
                 "tls: TLS needs a certificate: give --tls-cert FILE");
    assert_int_equal(it.in_force.memory_mb, 64);
    end(&it);
}

static void test_taken_back(void **state) {
    struct fixture it = start();
    (void)state;
    assert_int_equal(set(&it, "memory-limit = 32\nidle-timeout = 5"), CM_OK);
    keep(&it);
    it.line.in_force = &it.in_force;
    const struct cm_config_setting setting = {.line = &it.line, .by = "somebody"};
    assert_int_equal(cm_config_take_back(&it.fresh, &setting, "memory-limit", &it.error), CM_OK);
    assert_int_equal(it.fresh.memory_mb, 64);
    assert_int_equal(it.fresh.idle_timeout_s, 5);
    assert_int_equal(it.fresh.places[CM_OPTION_INDEX_memory_mb].origin, CM_CONFIG_FROM_LINE);
    cm_config_deinit(&it.fresh);
    assert_int_equal(cm_config_take_back(&it.fresh, &setting, NULL, &it.error), CM_OK);
    assert_int_equal(it.fresh.memory_mb, 64);
    assert_int_equal(it.fresh.idle_timeout_s, 0);
    cm_config_deinit(&it.fresh);
    assert_int_equal(cm_config_take_back(&it.fresh, &setting, "policy", &it.error), CM_INVALID);
    assert_string_equal(it.fresh.faults.entries[0], "policy: it was not set at run time");
    cm_config_deinit(&it.fresh);
    assert_int_equal(cm_config_take_back(&it.fresh, &setting, "foo", &it.error), CM_INVALID);
    assert_string_equal(it.fresh.faults.entries[0],
                        "unknown key \"foo\"; /config lists those there are");
    cm_config_deinit(&it.fresh);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_before_all), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_what_follows),    cmocka_unit_test(test_faults),
        cmocka_unit_test(test_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

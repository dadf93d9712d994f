/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Breaks an invariant in a child process; returns how that ended and what it said. */
static int break_invariant(char *said, size_t said_bytes) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        int one = 1;
        CM_CHECK(one + one == 3);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], said + len, said_bytes - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_broken_invariant_aborts_and_says_where(void **state) {
    (void)state;
    char said[500];
    int status = break_invariant(said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "one + one == 3"));
    assert_non_null(strstr(said, "check_test.c"));
}

static void test_holding_invariant_is_silent(void **state) {
    (void)state;
    int evaluated = 0;
    CM_CHECK(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_invariant_aborts_and_says_where),
        cmocka_unit_test(test_holding_invariant_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "base/check.h"
#include "users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct cm_auth *auth;
    struct cm_exchange *exchange;
};

static struct fixture open(void) {
    struct fixture fixture = {.auth = make_auth("alice:secret\nbob:builder\n")};
    CM_CHECK(cm_exchange_create(fixture.auth, &fixture.exchange) == CM_OK);
    return fixture;
}

static void close(struct fixture *fixture) {
    cm_exchange_destroy(fixture->exchange);
    cm_auth_destroy(fixture->auth);
}

#define PLAIN CM_SLICE("PLAIN")

static void plain(void **state) {
    (void)state;
    const struct {
        struct cm_slice message;
        enum cm_exchange_state state;
    } cases[] = {
        {CM_SLICE("\0alice\0secret"), CM_EXCHANGE_DONE},
        {CM_SLICE("alice\0alice\0secret"), CM_EXCHANGE_DONE},
        {CM_SLICE("bob\0alice\0secret"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0alice\0builder"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0bob\0secret"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0alice\0secret\0"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0alice\0"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0alice"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0"), CM_EXCHANGE_FAILED},
        {CM_SLICE("\0\0"), CM_EXCHANGE_FAILED},
        {CM_SLICE("alice secret"), CM_EXCHANGE_FAILED},
    };
    struct fixture fixture = open();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cm_exchange_start(fixture.exchange, PLAIN, cases[i].message),
                         cases[i].state);
        /* whatever it was, it is over */
        assert_int_equal(cm_exchange_step(fixture.exchange, CM_SLICE("\0alice\0secret")),
                         CM_EXCHANGE_FAILED);
    }
    close(&fixture);
}

static void the_first_message_may_come_later(void **state) {
    (void)state;
    struct fixture fixture = open();
    assert_int_equal(cm_exchange_start(fixture.exchange, PLAIN, CM_SLICE("")), CM_EXCHANGE_GOES_ON);
    assert_int_equal(cm_exchange_challenge(fixture.exchange).len, 0);
    assert_int_equal(cm_exchange_step(fixture.exchange, CM_SLICE("\0alice\0secret")),
                     CM_EXCHANGE_DONE);
    assert_int_equal(cm_exchange_start(fixture.exchange, CM_SLICE("SCRAM-SHA-256"), CM_SLICE("")),
                     CM_EXCHANGE_GOES_ON);
    assert_int_equal(cm_exchange_challenge(fixture.exchange).len, 0);
    assert_int_equal(cm_exchange_step(fixture.exchange, CM_SLICE("n,,n=alice,r=abc")),
                     CM_EXCHANGE_GOES_ON);
    const struct cm_slice challenge = cm_exchange_challenge(fixture.exchange);
    assert_true(challenge.len > sizeof "r=abc" + 32);
    assert_memory_equal(challenge.data, "r=abc", 5);
    assert_int_equal(cm_exchange_start(fixture.exchange, PLAIN, CM_SLICE("")), CM_EXCHANGE_GOES_ON);
    assert_int_equal(cm_exchange_step(fixture.exchange, cm_slice(NULL, 0)), CM_EXCHANGE_FAILED);
    close(&fixture);
}

static void nothing_but_what_is_offered(void **state) {
    (void)state;
    static const char *const others[] = {
        "",          "plain",   "PLAIN ", "SCRAM-SHA-1", "LOGIN", "SCRAM-SHA-256-PLUS",
        "ANONYMOUS", "EXTERNAL"};
    struct fixture fixture = open();
    assert_int_equal(cm_exchange_step(fixture.exchange, CM_SLICE("\0alice\0secret")),
                     CM_EXCHANGE_FAILED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(cm_exchange_start(fixture.exchange, cm_slice(others[i], strlen(others[i])),
                                           CM_SLICE("\0alice\0secret")),
                         CM_EXCHANGE_FAILED);
    close(&fixture);
}

/* The server's part of the nonce is new each time. */
static void nonces_are_not_repeated(void **state) {
    (void)state;
    struct fixture fixture = open();
    char first[128] = "";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cm_exchange_start(fixture.exchange, CM_SLICE("SCRAM-SHA-256"),
                                           CM_SLICE("n,,n=alice,r=abc")),
                         CM_EXCHANGE_GOES_ON);
        const struct cm_slice challenge = cm_exchange_challenge(fixture.exchange);
        assert_true(challenge.len < sizeof first);
        assert_memory_not_equal(challenge.data, first, challenge.len);
        memcpy(first, challenge.data, challenge.len);
    }
    close(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(the_first_message_may_come_later),
        cmocka_unit_test(nothing_but_what_is_offered),
        cmocka_unit_test(nonces_are_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The exchange of RFC 7677, section 3, and everything that must not pass for one. */

#define VECTOR_USER                                                                                \
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="                                             \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="                                                \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define BARE         "n=user,r=rOprNGfwEbeRWgbNEkqO"

static void send(struct cm_scram *scram, struct cm_auth *auth, const char *message,
                 enum cm_exchange_state wanted) {
    assert_int_equal(cm_scram_step(scram, auth, cm_slice(message, strlen(message))), wanted);
}

static void replied(const struct cm_scram *scram, const char *text) {
    assert_int_equal(scram->reply_bytes, strlen(text));
    assert_memory_equal(scram->reply, text, strlen(text));
}

/* An exchange that has got as far as the server's first message. */
static void begin(struct cm_scram *scram, struct cm_auth *auth, const char *first) {
    cm_scram_init(scram, CM_SLICE(SERVER_NONCE));
    send(scram, auth, first, CM_EXCHANGE_GOES_ON);
}

#define BOTH_NONCES "rOprNGfwEbeRWgbNEkqO" SERVER_NONCE
#define PROOF       "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define FINAL       "c=biws,r=" BOTH_NONCES ",p=" PROOF

static void the_vector_of_the_rfc(void **state) {
    (void)state;
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth(VECTOR_USER);
    begin(&scram, auth, FIRST);
    replied(&scram, "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    send(&scram, auth, FINAL, CM_EXCHANGE_GOES_ON);
    replied(&scram, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    send(&scram, auth, "", CM_EXCHANGE_DONE);
    /* and that was that */
    send(&scram, auth, "", CM_EXCHANGE_FAILED);
    cm_auth_destroy(auth);
}

/* The password of the vector hashes to the vector's verifier. */
static void the_vector_hashes(void **state) {
    (void)state;
    struct cm_verifier wanted, given;
    struct cm_slice text = CM_SLICE(VECTOR_USER);
    text = cm_slice(text.data + sizeof "user:" - 1, text.len - sizeof "user:");
    assert_true(cm_verifier_parse(text, &wanted));
    given = wanted;
    memset(given.stored_key, 0, sizeof given.stored_key);
    memset(given.server_key, 0, sizeof given.server_key);
    assert_false(cm_verifier_equal(&given, &wanted));
    assert_true(cm_verifier_derive(&given, CM_SLICE("pencil")));
    assert_true(cm_verifier_equal(&given, &wanted));
    assert_memory_equal(&given, &wanted, sizeof given);
}

static void bad_first_messages(void **state) {
    (void)state;
    static const char *const bad[] = {
        "n",
        "n,",
        "n,,",
        "x,," BARE,
        "n;," BARE,
        "n,,m=ext," BARE, /* mandatory extension */
        "p=tls-unique,," BARE,
        "p=tls-server-end-point,," BARE, /* cannot be done here */
        "n,a=other," BARE,
        "n,a=," BARE,
        "n,b=user," BARE,
        "n,a=user",
        "n,,n=user",
        "n,,r=abc,n=user",
        "n,,n=,r=abc",
        "n,,n=us=er,r=abc",
        "n,,n=user=2,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=a c",
        "n,,n=user,r=a\xc3\xa9",
        "n,,n=user,x=abc",
        "n,," BARE "\n",
    };
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth(VECTOR_USER);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cm_scram_init(&scram, CM_SLICE(SERVER_NONCE));
        send(&scram, auth, bad[i], CM_EXCHANGE_FAILED);
        assert_int_equal(scram.reply_bytes, 0);
        send(&scram, auth, FIRST, CM_EXCHANGE_FAILED);
    }
    cm_auth_destroy(auth);
}

static void too_long_messages(void **state) {
    (void)state;
    static struct cm_scram scram;
    static char message[CM_EXCHANGE_BYTES_MAX + 2];
    struct cm_auth *auth = make_auth(VECTOR_USER);
    for (size_t bytes = CM_EXCHANGE_BYTES_MAX; bytes <= CM_EXCHANGE_BYTES_MAX + 1; bytes++) {
        memset(message, 'a', sizeof message);
        memcpy(message, FIRST, sizeof FIRST - 1);
        message[bytes] = '\0';
        cm_scram_init(&scram, CM_SLICE(SERVER_NONCE));
        send(&scram, auth, message,
             bytes > CM_EXCHANGE_BYTES_MAX ? CM_EXCHANGE_FAILED : CM_EXCHANGE_GOES_ON);
    }
    send(&scram, auth, message, CM_EXCHANGE_FAILED);
    cm_auth_destroy(auth);
}

static void bad_final_messages(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "p=" PROOF,
        "c=biws,r=" BOTH_NONCES,
        "c=biws,r=" BOTH_NONCES ",p=",
        "c=biws,r=" BOTH_NONCES ",p=dHzb",
        "c=biws,r=" BOTH_NONCES "," PROOF,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" PROOF, /* the client's nonce alone */
        "c=biws,r=" BOTH_NONCES "x,p=" PROOF,
        "c=eSws,r=" BOTH_NONCES ",p=" PROOF,
        "c=,r=" BOTH_NONCES ",p=" PROOF,
        "c=!!!!,r=" BOTH_NONCES ",p=" PROOF,
        "r=" BOTH_NONCES ",c=biws,p=" PROOF,
        FINAL ",x=y",
        "c=biws,r=" BOTH_NONCES ",x=y,p=" PROOF,
        "c=biws,r=" BOTH_NONCES ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    };
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth(VECTOR_USER);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(&scram, auth, FIRST);
        send(&scram, auth, bad[i], CM_EXCHANGE_FAILED);
        assert_int_equal(scram.reply_bytes, 0);
        send(&scram, auth, FINAL, CM_EXCHANGE_FAILED);
    }
    cm_auth_destroy(auth);
}

/* "y": the client could bind to a channel and believes the server cannot, which is so. It must say
 * the same at the end, or somebody in between has changed it. */
static void channel_binding_that_the_client_could(void **state) {
    (void)state;
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth(VECTOR_USER);
    begin(&scram, auth, "y,," BARE);
    send(&scram, auth, FINAL, CM_EXCHANGE_FAILED);
    begin(&scram, auth, "y,," BARE);
    send(&scram, auth, "c=eSws,r=" BOTH_NONCES ",p=FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY=",
         CM_EXCHANGE_GOES_ON);
    send(&scram, auth, "", CM_EXCHANGE_DONE);
    cm_auth_destroy(auth);
}

static void acting_for_oneself(void **state) {
    (void)state;
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth(VECTOR_USER);
    begin(&scram, auth, "n,a=user," BARE);
    replied(&scram, "r=" BOTH_NONCES ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    cm_auth_destroy(auth);
}

/* A2: nobody can tell from the answers who exists. */
static void a_user_who_does_not_exist(void **state) {
    (void)state;
    static struct cm_scram scram;
    static char first[sizeof scram.reply];
    struct cm_auth *auth = make_auth(VECTOR_USER);
    begin(&scram, auth, "n,,n=nobody,r=abc");
    assert_false(scram.known);
    const size_t bytes = scram.reply_bytes;
    memcpy(first, scram.reply, bytes);
    assert_int_equal(bytes, sizeof "r=abc" SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096" - 1);
    /* the same salt whenever it is asked for, another one for somebody else */
    begin(&scram, auth, "n,,n=nobody,r=abc");
    assert_memory_equal(scram.reply, first, bytes);
    begin(&scram, auth, "n,,n=noone,r=abc");
    assert_memory_not_equal(scram.reply, first, bytes);
    send(&scram, auth, "c=biws,r=abc" SERVER_NONCE ",p=" PROOF, CM_EXCHANGE_FAILED);
    cm_auth_destroy(auth);
}

static void names_with_commas_and_equal_signs(void **state) {
    (void)state;
    static struct cm_scram scram;
    struct cm_auth *auth = make_auth("a,b=c:secret\n");
    begin(&scram, auth, "n,,n=a=2Cb=3Dc,r=abc");
    assert_true(scram.known);
    begin(&scram, auth, "n,,n=a=2Cb=3Dd,r=abc");
    assert_false(scram.known);
    cm_auth_destroy(auth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_the_rfc),
        cmocka_unit_test(the_vector_hashes),
        cmocka_unit_test(bad_first_messages),
        cmocka_unit_test(too_long_messages),
        cmocka_unit_test(bad_final_messages),
        cmocka_unit_test(channel_binding_that_the_client_could),
        cmocka_unit_test(acting_for_oneself),
        cmocka_unit_test(a_user_who_does_not_exist),
        cmocka_unit_test(names_with_commas_and_equal_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

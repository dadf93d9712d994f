/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool check(struct cm_auth *auth, const char *user, const char *password) {
    return cm_auth_check(auth, cm_slice(user, strlen(user)), cm_slice(password, strlen(password)));
}

static void passwords(void **state) {
    (void)state;
    struct cm_auth *auth = make_auth("alice:secret\n"
                                     "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
                                     "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                                     ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n");
    assert_int_equal(cm_auth_user_count(auth), 2);
    assert_true(check(auth, "alice", "secret"));
    assert_true(check(auth, "user", "pencil"));
    assert_false(check(auth, "user", "secret"));
    assert_false(check(auth, "alice", "pencil"));
    assert_false(check(auth, "alice", "Secret"));
    assert_false(check(auth, "alice", "secret "));
    assert_false(check(auth, "alice", ""));
    assert_false(check(auth, "Alice", "secret"));
    assert_false(check(auth, "", "secret"));
    assert_false(check(auth, "nobody", "secret"));
    cm_auth_destroy(auth);
}

/* A password that begins with the right one, but is longer than any may be. */
static void a_password_longer_than_any(void **state) {
    (void)state;
    char line[512], password[CM_PASSWORD_BYTES_MAX + 2];
    memset(password, 'p', sizeof password);
    snprintf(line, sizeof line, "alice:%.*s\n", CM_PASSWORD_BYTES_MAX, password);
    struct cm_auth *auth = make_auth(line);
    assert_true(cm_auth_check(auth, CM_SLICE("alice"), cm_slice(password, CM_PASSWORD_BYTES_MAX)));
    assert_false(
        cm_auth_check(auth, CM_SLICE("alice"), cm_slice(password, CM_PASSWORD_BYTES_MAX + 1)));
    cm_auth_destroy(auth);
}

static void assert_same_verifier(const struct cm_verifier *a, const struct cm_verifier *b) {
    assert_int_equal(a->iterations, b->iterations);
    assert_int_equal(a->salt_bytes, b->salt_bytes);
    assert_memory_equal(a->salt, b->salt, a->salt_bytes);
}

/* A2, where those who do exist differ among themselves: whoever does not is like one of them. */
static void nobody_stands_out(void **state) {
    (void)state;
    enum { NAMES = 256 };
    struct cm_auth *auth = make_auth(
        "alice:secret\n"
        "bob:SCRAM-SHA-256$8192:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
        "d3h5eg==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n");
    struct cm_verifier bob, found, again;
    unsigned like_alice = 0, like_bob = 0;
    assert_true(cm_auth_find(auth, CM_SLICE("bob"), &bob));
    for (int i = 0; i < NAMES; i++) {
        char name[16];
        const struct cm_slice user = cm_slice(name, (size_t)snprintf(name, sizeof name, "n%d", i));
        assert_false(cm_auth_find(auth, user, &found));
        assert_false(cm_auth_find(auth, user, &again));
        assert_same_verifier(&found, &again);
        like_alice += found.iterations == CM_AUTH_ITERATIONS && found.salt_bytes == CM_SALT_BYTES;
        like_bob += found.iterations == bob.iterations && found.salt_bytes == bob.salt_bytes;
    }
    assert_int_equal(like_alice + like_bob, NAMES);
    assert_true(like_alice > 0 && like_bob > 0);
    cm_auth_destroy(auth);
}

static void nobody_before_the_first_file(void **state) {
    (void)state;
    struct cm_auth *auth;
    assert_int_equal(cm_auth_create(&auth), CM_OK);
    assert_int_equal(cm_auth_user_count(auth), 0);
    assert_false(check(auth, "", ""));
    assert_false(check(auth, "alice", "secret"));
    cm_auth_destroy(auth);
}

/* A3 */
static void a_bad_file_changes_nothing(void **state) {
    (void)state;
    char path[PATH_BYTES];
    struct cm_auth_error error;
    struct cm_auth *auth = make_auth("alice:secret\n");
    make_path(path);
    write_users(path, "bob:builder\nalice\n");
    assert_int_equal(cm_auth_load(auth, path, &error), CM_INVALID);
    assert_true(check(auth, "alice", "secret"));
    assert_false(check(auth, "bob", "builder"));
    assert_int_equal(cm_auth_load(auth, "/nonexistent/users", &error), CM_SYSTEM);
    assert_true(check(auth, "alice", "secret"));
    write_users(path, "bob:builder\n");
    assert_int_equal(cm_auth_load(auth, path, &error), CM_OK);
    assert_false(check(auth, "alice", "secret"));
    assert_true(check(auth, "bob", "builder"));
    assert_int_equal(remove(path), 0);
    cm_auth_destroy(auth);
}

static void a_new_hash_is_read_back(void **state) {
    (void)state;
    char hash[2][CM_AUTH_HASH_CHARS], line[CM_AUTH_HASH_CHARS + 16];
    assert_int_equal(cm_auth_hash(CM_SLICE("correct horse"), hash[0]), CM_OK);
    assert_int_equal(cm_auth_hash(CM_SLICE("correct horse"), hash[1]), CM_OK);
    assert_string_not_equal(hash[0], hash[1]); /* salted */
    for (size_t i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "alice:%s\n", hash[i]);
        struct cm_auth *auth = make_auth(line);
        assert_true(check(auth, "alice", "correct horse"));
        assert_false(check(auth, "alice", "battery staple"));
        cm_auth_destroy(auth);
    }
}

static void faults(void **state) {
    (void)state;
    assert_null(cm_auth_user_fault(CM_SLICE("alice")));
    assert_string_equal(cm_auth_user_fault(CM_SLICE("")), "the user is empty");
    assert_string_equal(cm_auth_user_fault(CM_SLICE("a b")), "the user contains a space");
    assert_string_equal(cm_auth_user_fault(CM_SLICE("a:b")), "the user contains a colon");
    assert_string_equal(cm_auth_user_fault(CM_SLICE("#a")), "the user begins with #");
    assert_string_equal(cm_auth_user_fault(CM_SLICE("a\n")),
                        "the user contains a control character");
    assert_null(cm_auth_password_fault(CM_SLICE("#a b:c")));
    assert_string_equal(cm_auth_password_fault(CM_SLICE("")), "the password is empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords),
        cmocka_unit_test(a_password_longer_than_any),
        cmocka_unit_test(nobody_stands_out),
        cmocka_unit_test(nobody_before_the_first_file),
        cmocka_unit_test(a_bad_file_changes_nothing),
        cmocka_unit_test(a_new_hash_is_read_back),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

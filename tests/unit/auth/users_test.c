/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "users.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY  "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define HASH "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" KEY ":" KEY

static const unsigned char secret[CM_DIGEST_BYTES] = "any secret";

static enum cm_status parse(struct cm_slice text, struct cm_users **users, char *error) {
    struct cm_auth_error why = {""};
    const struct cm_users_source source = {"users", secret, &why};
    const enum cm_status status = cm_users_parse(&source, text, users);
    strcpy(error, why.text);
    return status;
}

static void good_lines(void **state) {
    (void)state;
    char error[512];
    struct cm_users *users;
    const struct cm_slice text = CM_SLICE("# who may come in\n"
                                          "\n"
                                          "zoe:pass word:with a colon \r\n"
                                          "bob:" HASH "\n"
                                          "\r\n"
                                          "b\xc3\xb6"
                                          "b:\xc3\xa9\n"
                                          "al:SCRAM\n"
                                          "alice:x");
    assert_int_equal(parse(text, &users, error), CM_OK);
    assert_int_equal(users->count, 5);
    static const char *const names[] = {"al", "alice", "bob",
                                        ("b\xc3\xb6"
                                         "b"),
                                        "zoe"};
    for (size_t i = 0; i < 5; i++) {
        const struct cm_slice name = cm_slice(names[i], strlen(names[i]));
        assert_true(cm_slice_equal(users->entries[i].name, name));
        assert_ptr_equal(cm_users_find(users, name), &users->entries[i]);
    }
    assert_null(cm_users_find(users, CM_SLICE("ali")));
    assert_null(cm_users_find(users, CM_SLICE("alice2")));
    assert_null(cm_users_find(users, CM_SLICE("")));
    struct cm_verifier given = users->entries[4].verifier;
    assert_true(cm_verifier_derive(&given, CM_SLICE("pass word:with a colon ")));
    assert_true(cm_verifier_equal(&given, &users->entries[4].verifier));
    cm_users_destroy(users);
}

static void every_bad_line(void **state) {
    (void)state;
#define NO_HASH                                                                                    \
    "users:1: the hash is not SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY with 4096 to "     \
    "32768 iterations"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
    static const char *const bad[][2] = {
        {"", "users: there is no user in it: nobody could log in"},
        {"# nobody\n\n", "users: there is no user in it: nobody could log in"},
        {"alice", "users:1: there is no colon; a line is USER:PASSWORD or USER:HASH"},
        {"a:b\nalice\n", "users:2: there is no colon; a line is USER:PASSWORD or USER:HASH"},
        {" # no comment\n", "users:1: there is no colon; a line is USER:PASSWORD or USER:HASH"},
        {":secret\n", "users:1: the user is empty"},
        {"al ice:secret\n", "users:1: the user contains a space"},
        {" alice:secret\n", "users:1: the user contains a space"},
        {"al\tice:secret\n", "users:1: the user contains a control character"},
        {"alice:\n", "users:1: the password is empty"},
        {"alice:\r\n", "users:1: the password is empty"},
        {"alice:\tsecret\n", "users:1: the password contains a control character"},
        {"alice:sec\x7fret\n", "users:1: the password contains a control character"},
        {"\n\nalice:a\nbob:b\nalice:c\n", "users:5: the user \"alice\" is in line 3 already"},
        {"alice:SCRAM-SHA-1$4096:" SALT "$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4095:" SALT "$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$32769:" SALT "$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$-1:" SALT "$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:" SALT "$:" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:" SALT "$" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:" SALT "$" KEY ":" KEY "x\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:" SALT "$" SALT ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256$4096:" KEY KEY "x$" KEY ":" KEY "\n", NO_HASH},
        {"alice:SCRAM-SHA-256\n", NO_HASH},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char error[512];
        struct cm_users *users;
        assert_int_equal(parse(cm_slice(bad[i][0], strlen(bad[i][0])), &users, error), CM_INVALID);
        assert_string_equal(error, bad[i][1]);
    }
}

static void zeros_are_control_characters(void **state) {
    (void)state;
    char error[512];
    struct cm_users *users;
    assert_int_equal(parse(CM_SLICE("al\0ice:b\n"), &users, error), CM_INVALID);
    assert_string_equal(error, "users:1: the user contains a control character");
    assert_int_equal(parse(CM_SLICE("alice:b\0\n"), &users, error), CM_INVALID);
    assert_string_equal(error, "users:1: the password contains a control character");
}

static void names_and_passwords_of_the_longest(void **state) {
    (void)state;
    char text[1024], error[512], name[CM_USER_BYTES_MAX + 2];
    struct cm_users *users;
    memset(name, 'n', sizeof name);
    for (int more = 0; more < 2; more++) {
        snprintf(text, sizeof text, "%.*s:x", CM_USER_BYTES_MAX + more, name);
        const struct cm_slice user = cm_slice(text, strlen(text));
        assert_int_equal(parse(user, &users, error), more ? CM_INVALID : CM_OK);
        if (!more)
            cm_users_destroy(users);
        else
            assert_string_equal(error, "users:1: the user is longer than 256 bytes");
        snprintf(text, sizeof text, "x:%.*s", CM_PASSWORD_BYTES_MAX + more, name);
        assert_int_equal(parse(user, &users, error), more ? CM_INVALID : CM_OK);
        if (!more)
            cm_users_destroy(users);
        else
            assert_string_equal(error, "users:1: the password is longer than 256 bytes");
    }
}

/* Hashes are read as they are, however many; each password in the clear takes a millisecond. */
static void many_users(void **state) {
    (void)state;
    const size_t lines = 5000;
    const size_t room = lines * (sizeof HASH + 16);
    char *text = malloc(room);
    char error[512];
    struct cm_users *users;
    size_t at = 0;
    assert_non_null(text);
    for (size_t i = 0; i < lines; i++)
        at += (size_t)snprintf(text + at, room - at, "user%zu:" HASH "\n", i);
    assert_int_equal(parse(cm_slice(text, at), &users, error), CM_OK);
    assert_int_equal(users->count, lines);
    for (size_t i = 0; i < lines; i++) {
        char name[32];
        snprintf(name, sizeof name, "user%zu", i);
        assert_non_null(cm_users_find(users, cm_slice(name, strlen(name))));
    }
    cm_users_destroy(users);
    at = 0;
    for (size_t i = 0; i <= CM_AUTH_CLEAR_MAX; i++)
        at += (size_t)snprintf(text + at, room - at, "user%zu:x\n", i);
    assert_int_equal(parse(cm_slice(text, at), &users, error), CM_INVALID);
    assert_string_equal(error, "users:257: more than 256 passwords in the clear; write their "
                               "hashes, which cachemand --hash-password makes");
    free(text);
}

static void files_that_cannot_be(void **state) {
    (void)state;
    char path[PATH_BYTES], wanted[512];
    struct cm_auth_error error;
    const struct cm_users_source missing = {"/nonexistent/users", secret, &error};
    struct cm_users *users;
    assert_int_equal(cm_users_read(&missing, &users), CM_SYSTEM);
    assert_string_equal(error.text, "/nonexistent/users: No such file or directory");
    const struct cm_users_source folder = {"/tmp", secret, &error};
    assert_int_equal(cm_users_read(&folder, &users), CM_SYSTEM);
    assert_string_equal(error.text, "/tmp: Is a directory");
    make_path(path);
    write_users(path, "a:b\n");
    const struct cm_users_source source = {path, secret, &error};
    assert_int_equal(cm_users_read(&source, &users), CM_OK);
    cm_users_destroy(users);
    assert_int_equal(truncate(path, (off_t)CM_AUTH_FILE_MAX + 1), 0);
    assert_int_equal(cm_users_read(&source, &users), CM_INVALID);
    snprintf(wanted, sizeof wanted, "%s: larger than 1 MB", path);
    assert_string_equal(error.text, wanted);
    assert_int_equal(remove(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(every_bad_line),
        cmocka_unit_test(zeros_are_control_characters),
        cmocka_unit_test(names_and_passwords_of_the_longest),
        cmocka_unit_test(many_users),
        cmocka_unit_test(files_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

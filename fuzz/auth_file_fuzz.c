/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/check.h"

/* A file of users: refused with a reason, or read into users who are found again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 8 /* each may hold a password in the clear, which takes a millisecond */

static size_t count_lines(struct cm_slice text) {
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.data[i] == '\n';
    }
    return lines;
}

static void check_users(const struct cm_users *users) {
    CM_CHECK(users->count > 0);
    for (size_t i = 0; i < users->count; i++) {
        const struct cm_user *user = &users->entries[i];
        const struct cm_verifier *verifier = &user->verifier;
        CM_CHECK(cm_auth_user_fault(user->name) == NULL);
        CM_CHECK(cm_users_find(users, user->name) == user);
        CM_CHECK(verifier->salt_bytes > 0 && verifier->salt_bytes <= CM_SALT_BYTES_MAX);
        CM_CHECK(verifier->iterations <= CM_AUTH_ITERATIONS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned char secret[CM_DIGEST_BYTES];
    const struct cm_slice text = cm_slice(data, size);
    struct cm_auth_error error = {""};
    const struct cm_users_source source = {"users", secret, &error};
    struct cm_users *users;
    if (count_lines(text) > LINES_MAX) {
        return 0;
    }
    const enum cm_status status = cm_users_parse(&source, text, &users);
    if (status == CM_OK) {
        check_users(users);
        cm_users_destroy(users);
    } else {
        CM_CHECK(status == CM_INVALID && memcmp(error.text, "users:", 6) == 0);
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/internal.h"
#include "base/os/os.h"
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct cm_auth {
    struct cm_os_mutex lock;
    struct cm_users *users; /* under `lock`; NULL before the first file */
    /* Made when the server starts and never shown: salts made of it say nothing about who exists,
     * and cannot be used to try passwords at home. */
    unsigned char secret[CM_DIGEST_BYTES];
};

enum cm_status cm_auth_create(struct cm_auth **out) {
    struct cm_auth *auth = calloc(1, sizeof *auth);
    if (auth == NULL) {
        return CM_NO_MEMORY;
    }
    enum cm_status status = RAND_bytes(auth->secret, sizeof auth->secret) == 1 ? CM_OK : CM_SYSTEM;
    if (status == CM_OK) {
        status = cm_os_mutex_init(&auth->lock);
    }
    if (status != CM_OK) {
        free(auth);
        return status;
    }
    *out = auth;
    return CM_OK;
}

static struct cm_users *hold(struct cm_auth *auth) {
    cm_os_mutex_lock(&auth->lock);
    struct cm_users *users = auth->users;
    if (users != NULL) {
        users->references++;
    }
    cm_os_mutex_unlock(&auth->lock);
    return users;
}

static void release(struct cm_auth *auth, struct cm_users *users) {
    if (users == NULL) {
        return;
    }
    cm_os_mutex_lock(&auth->lock);
    const bool last = --users->references == 0;
    cm_os_mutex_unlock(&auth->lock);
    if (last) {
        cm_users_destroy(users);
    }
}

void cm_auth_destroy(struct cm_auth *auth) {
    if (auth != NULL) {
        release(auth, auth->users);
        cm_os_mutex_deinit(&auth->lock);
        OPENSSL_cleanse(auth->secret, sizeof auth->secret);
        free(auth);
    }
}

enum cm_status cm_auth_load(struct cm_auth *auth, const char *path, struct cm_auth_error *error) {
    const struct cm_users_source source = {path, auth->secret, error};
    struct cm_users *users;
    const enum cm_status status = cm_users_read(&source, &users);
    if (status != CM_OK) {
        return status;
    }
    cm_os_mutex_lock(&auth->lock);
    struct cm_users *old = auth->users;
    auth->users = users;
    cm_os_mutex_unlock(&auth->lock);
    release(auth, old);
    return CM_OK;
}

size_t cm_auth_user_count(struct cm_auth *auth) {
    struct cm_users *users = hold(auth);
    const size_t count = users == NULL ? 0 : users->count;
    release(auth, users);
    return count;
}

/* Like one of those who exist, the same one whenever the name is asked for: users may differ in
 * iterations, which take time, and in the length of the salt, which is shown. Zero keys match
 * nothing: no password is known that hashes to them. */
static void invent(const struct cm_auth *auth, const struct cm_users *users, struct cm_slice user,
                   struct cm_verifier *out) {
    *out = (struct cm_verifier){.iterations = CM_AUTH_ITERATIONS, .salt_bytes = CM_SALT_BYTES};
    if (cm_users_salt(auth->secret, user, out) && users != NULL) {
        uint32_t any;
        memcpy(&any, out->salt + CM_SALT_BYTES_MAX - sizeof any, sizeof any);
        const struct cm_verifier *model = &users->entries[any % users->count].verifier;
        out->iterations = model->iterations;
        out->salt_bytes = model->salt_bytes;
    }
}

bool cm_auth_find(struct cm_auth *auth, struct cm_slice user, struct cm_verifier *out) {
    struct cm_users *users = hold(auth);
    const struct cm_user *found = users == NULL ? NULL : cm_users_find(users, user);
    invent(auth, users, user, out);
    if (found != NULL) {
        *out = found->verifier;
    }
    release(auth, users);
    return found != NULL;
}

bool cm_auth_check(struct cm_auth *auth, struct cm_slice user, struct cm_slice password) {
    struct cm_verifier wanted;
    const bool known = cm_auth_find(auth, user, &wanted);
    struct cm_verifier given = wanted;
    /* Hashing takes zeros at a password's end for nothing; none can be in a file. */
    const bool possible = cm_auth_password_fault(password) == NULL;
    if (password.len > CM_PASSWORD_BYTES_MAX) {
        password.len = CM_PASSWORD_BYTES_MAX;
    }
    const bool hashed = cm_verifier_derive(&given, password);
    const bool same = cm_verifier_equal(&given, &wanted);
    OPENSSL_cleanse(&given, sizeof given);
    OPENSSL_cleanse(&wanted, sizeof wanted);
    return hashed && same && known && possible;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "users.h"
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void write_users(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    CM_CHECK(file != NULL);
    CM_CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
    CM_CHECK(fclose(file) == 0);
}

void make_path(char path[PATH_BYTES]) {
    snprintf(path, PATH_BYTES, "/tmp/cacheman-users-XXXXXX");
    const int file = mkstemp(path);
    CM_CHECK(file >= 0);
    close(file);
}

struct cm_auth *make_auth(const char *text) {
    char path[PATH_BYTES];
    struct cm_auth *auth;
    struct cm_auth_error error;
    make_path(path);
    write_users(path, text);
    CM_CHECK(cm_auth_create(&auth) == CM_OK);
    CM_CHECK(cm_auth_load(auth, path, &error) == CM_OK);
    CM_CHECK(remove(path) == 0);
    return auth;
}

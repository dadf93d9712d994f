/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_UNIT_AUTH_USERS_H
#define CM_TESTS_UNIT_AUTH_USERS_H

#include "auth/auth.h"

#define PATH_BYTES 64

/* The name of a new, empty file. */
void make_path(char path[PATH_BYTES]);
void write_users(const char *path, const char *text);
/* The users of a file with that text. */
struct cm_auth *make_auth(const char *text);

#endif

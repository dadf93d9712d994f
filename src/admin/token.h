/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_TOKEN_H
#define CM_ADMIN_TOKEN_H

/* What proves that somebody may ask: the lines of a file, "TOKEN" for those who may change settings,
 * "read TOKEN" for those who may not. Any thread may do anything but destroy. */

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdbool.h>

#define CM_ADMIN_TOKEN_MIN  16
#define CM_ADMIN_TOKEN_MAX  256
#define CM_ADMIN_TOKENS_MAX 16

enum cm_admin_right { CM_ADMIN_MAY_NOTHING, CM_ADMIN_MAY_READ, CM_ADMIN_MAY_CHANGE };

struct cm_admin_token;

/* What is wrong with a file, one sentence for people. */
struct cm_admin_token_error {
    char text[512];
};

/* Nobody has one yet. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_admin_token_create(struct cm_admin_token **out);
/* Takes them out of a file. INVALID, SYSTEM (it cannot be read), each explained: they stay. */
CM_MUST_CHECK enum cm_status cm_admin_token_load(struct cm_admin_token *token, const char *path,
                                                 struct cm_admin_token_error *error);
/* The same, out of what the file of that name holds. */
CM_MUST_CHECK enum cm_status cm_admin_token_take(struct cm_admin_token *token, const char *path,
                                                 struct cm_slice text,
                                                 struct cm_admin_token_error *error);
/* NULL is allowed. */
void cm_admin_token_destroy(struct cm_admin_token *token);

/* What the value of a header Authorization gives a right to; NULL: there is none. How long it takes
 * tells nothing of the tokens. */
enum cm_admin_right cm_admin_token_right(struct cm_admin_token *token, const char *authorization);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_TOKEN_H
#define CM_ADMIN_TOKEN_H

/* What proves that somebody may ask: a line of a file. Any thread may do anything but destroy. */

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdbool.h>

#define CM_ADMIN_TOKEN_MIN 16
#define CM_ADMIN_TOKEN_MAX 256

struct cm_admin_token;

/* What is wrong with a file, one sentence for people. */
struct cm_admin_token_error {
    char text[512];
};

/* Nobody has it yet. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_admin_token_create(struct cm_admin_token **out);
/* Takes it out of a file. INVALID, SYSTEM (it cannot be read), each explained: it stays. */
CM_MUST_CHECK enum cm_status cm_admin_token_load(struct cm_admin_token *token, const char *path,
                                                 struct cm_admin_token_error *error);
/* The same, out of what the file of that name holds. */
CM_MUST_CHECK enum cm_status cm_admin_token_take(struct cm_admin_token *token, const char *path,
                                                 struct cm_slice text,
                                                 struct cm_admin_token_error *error);
/* NULL is allowed. */
void cm_admin_token_destroy(struct cm_admin_token *token);

/* Whether the value of a header Authorization has it; NULL: there is none. How long it takes tells
 * nothing of the token. */
bool cm_admin_token_admits(struct cm_admin_token *token, const char *authorization);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/token.h"
#include "base/format.h"
#include "base/os/os.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Padded with zeros, which no token contains: two differ if any byte does. */
struct secret {
    unsigned char bytes[CM_ADMIN_TOKEN_MAX];
};

struct cm_admin_token {
    struct cm_os_mutex lock; /* guards `secret` */
    struct secret secret;    /* all zero, which nobody can show: none yet */
};

CM_PRINTF(2, 3)
static enum cm_status refuse(struct cm_admin_token_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return CM_INVALID;
}

/* The line's end, and blanks before it, belong to nobody. */
static size_t trimmed(const char *text, size_t bytes) {
    while (bytes > 0 && memchr(" \t\r\n", text[bytes - 1], 4) != NULL)
        bytes--;
    return bytes;
}

static enum cm_status parse(struct cm_slice text, struct secret *secret) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return CM_INVALID;
    }
    *secret = (struct secret){0};
    memcpy(secret->bytes, text.data, text.len);
    return CM_OK;
}

enum cm_status cm_admin_token_take(struct cm_admin_token *token, const char *path,
                                   struct cm_slice text, struct cm_admin_token_error *error) {
    struct secret secret;
    text.len = trimmed(text.data, text.len);
    if (text.len > CM_ADMIN_TOKEN_MAX)
        return refuse(error, "%s: the token is longer than %d bytes", path, CM_ADMIN_TOKEN_MAX);
    if (text.len < CM_ADMIN_TOKEN_MIN)
        return refuse(error, "%s: the token is shorter than %d bytes", path, CM_ADMIN_TOKEN_MIN);
    if (parse(text, &secret) != CM_OK)
        return refuse(error,
                      "%s: the token must be one line of visible ASCII characters, without blanks",
                      path);
    cm_os_mutex_lock(&token->lock);
    token->secret = secret;
    cm_os_mutex_unlock(&token->lock);
    return CM_OK;
}

enum cm_status cm_admin_token_load(struct cm_admin_token *token, const char *path,
                                   struct cm_admin_token_error *error) {
    char text[CM_ADMIN_TOKEN_MAX + 8];
    const char *why;
    FILE *file = cm_os_open_regular(path, &why);
    size_t bytes = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    if (file == NULL || ferror(file) != 0) {
        (void)refuse(error, "cannot read %s: %s", path, file == NULL ? why : strerror(errno));
        if (file != NULL)
            (void)fclose(file);
        return CM_SYSTEM;
    }
    (void)fclose(file);
    if (bytes == sizeof text)
        return refuse(error, "%s: the token is longer than %d bytes", path, CM_ADMIN_TOKEN_MAX);
    return cm_admin_token_take(token, path, cm_slice(text, bytes), error);
}

enum cm_status cm_admin_token_create(struct cm_admin_token **out) {
    struct cm_admin_token *token = calloc(1, sizeof *token);
    if (token == NULL || cm_os_mutex_init(&token->lock) != CM_OK) {
        free(token);
        return CM_NO_MEMORY;
    }
    *out = token;
    return CM_OK;
}

void cm_admin_token_destroy(struct cm_admin_token *token) {
    if (token != NULL) {
        cm_os_mutex_deinit(&token->lock);
        free(token);
    }
}

/* Every byte is looked at, whatever those before it were. */
static bool are_equal(const struct secret *a, const struct secret *b) {
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++)
        difference = difference | (a->bytes[i] ^ b->bytes[i]);
    return difference == 0;
}

bool cm_admin_token_admits(struct cm_admin_token *token, const char *authorization) {
    static const char scheme[] = "Bearer ";
    struct secret shown;
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *text = authorization + sizeof scheme - 1;
    size_t bytes = strlen(text);
    if (bytes == 0 || bytes > CM_ADMIN_TOKEN_MAX || parse(cm_slice(text, bytes), &shown) != CM_OK)
        return false;
    cm_os_mutex_lock(&token->lock);
    bool admitted = are_equal(&shown, &token->secret);
    cm_os_mutex_unlock(&token->lock);
    return admitted;
}

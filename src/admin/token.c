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

enum { FILE_BYTES_MAX = 8192 };

/* Padded with zeros, which no token contains: two differ if any byte does. */
struct secret {
    unsigned char bytes[CM_ADMIN_TOKEN_MAX];
};

struct tokens {
    size_t count;
    struct {
        struct secret secret;
        enum cm_admin_right right;
    } each[CM_ADMIN_TOKENS_MAX];
};

struct cm_admin_token {
    struct cm_os_mutex lock; /* guards `current` */
    struct tokens current;
};

/* A file, as far as it has been read. */
struct reading {
    const char *path;
    struct cm_admin_token_error *error;
    struct tokens tokens;
    unsigned line;                       /* from 1; 0: there is one alone */
    unsigned lines[CM_ADMIN_TOKENS_MAX]; /* which the tokens are in */
};

CM_PRINTF(2, 3)
static enum cm_status refuse(struct cm_admin_token_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return CM_INVALID;
}

CM_PRINTF(2, 3)
static enum cm_status refuse_line(const struct reading *reading, const char *format, ...) {
    char why[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return reading->line == 0
               ? refuse(reading->error, "%s: %s", reading->path, why)
               : refuse(reading->error, "%s:%u: %s", reading->path, reading->line, why);
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

/* Every byte is looked at, whatever those before it were. */
static bool are_equal(const struct secret *a, const struct secret *b) {
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++)
        difference = difference | (a->bytes[i] ^ b->bytes[i]);
    return difference == 0;
}

/* ---- the file ---- */

/* Takes "read" and the blanks behind it away: a token has none in it. */
static bool only_reads(struct cm_slice *line) {
    static const char word[] = "read";
    size_t at = sizeof word - 1;
    if (line->len <= at || memcmp(line->data, word, at) != 0 || !strchr(" \t", line->data[at]) ||
        line->data[at] == '\0')
        return false;
    while (at < line->len && (line->data[at] == ' ' || line->data[at] == '\t'))
        at++;
    *line = cm_slice(line->data + at, line->len - at);
    return true;
}

static enum cm_status take_line(struct reading *reading, struct cm_slice line) {
    struct tokens *tokens = &reading->tokens;
    struct secret secret;
    const enum cm_admin_right right = only_reads(&line) ? CM_ADMIN_MAY_READ : CM_ADMIN_MAY_CHANGE;
    if (line.len > CM_ADMIN_TOKEN_MAX)
        return refuse_line(reading, "the token is longer than %d bytes", CM_ADMIN_TOKEN_MAX);
    if (line.len < CM_ADMIN_TOKEN_MIN)
        return refuse_line(reading, "the token is shorter than %d bytes", CM_ADMIN_TOKEN_MIN);
    if (parse(line, &secret) != CM_OK)
        return refuse_line(reading, "a line must be TOKEN or read TOKEN, and the token of visible "
                                    "ASCII characters, without blanks");
    for (size_t i = 0; i < tokens->count; i++) {
        if (are_equal(&secret, &tokens->each[i].secret))
            return refuse_line(reading, "the token is in line %u already", reading->lines[i]);
    }
    if (tokens->count == CM_ADMIN_TOKENS_MAX)
        return refuse_line(reading, "there are more than %d tokens", CM_ADMIN_TOKENS_MAX);
    reading->lines[tokens->count] = reading->line;
    tokens->each[tokens->count].secret = secret;
    tokens->each[tokens->count++].right = right;
    return CM_OK;
}

/* Empty lines mean nothing. */
static enum cm_status take_lines(struct reading *reading, struct cm_slice text) {
    enum cm_status status = CM_OK;
    text.len = trimmed(text.data, text.len);
    bool has_many = text.len > 0 && memchr(text.data, '\n', text.len) != NULL;
    if (text.len == 0)
        return take_line(reading, text); /* which says that there is none */
    while (text.len > 0 && status == CM_OK) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t bytes = end != NULL ? (size_t)(end - text.data) : text.len;
        struct cm_slice line = cm_slice(text.data, trimmed(text.data, bytes));
        reading->line += has_many;
        if (line.len > 0)
            status = take_line(reading, line);
        text = cm_slice(text.data + bytes, text.len - bytes);
        if (text.len > 0)
            text = cm_slice(text.data + 1, text.len - 1);
    }
    return status;
}

enum cm_status cm_admin_token_take(struct cm_admin_token *token, const char *path,
                                   struct cm_slice text, struct cm_admin_token_error *error) {
    struct reading reading = {.path = path, .error = error};
    enum cm_status status = take_lines(&reading, text);
    if (status == CM_OK && text.len > FILE_BYTES_MAX)
        status = refuse(error, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
    if (status != CM_OK)
        return status;
    cm_os_mutex_lock(&token->lock);
    token->current = reading.tokens;
    cm_os_mutex_unlock(&token->lock);
    return CM_OK;
}

enum cm_status cm_admin_token_load(struct cm_admin_token *token, const char *path,
                                   struct cm_admin_token_error *error) {
    char text[FILE_BYTES_MAX + 1];
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
    return cm_admin_token_take(token, path, cm_slice(text, bytes), error);
}

/* ---- who may ---- */

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

enum cm_admin_right cm_admin_token_right(struct cm_admin_token *token, const char *authorization) {
    static const char scheme[] = "Bearer ";
    enum cm_admin_right right = CM_ADMIN_MAY_NOTHING;
    struct secret shown;
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return CM_ADMIN_MAY_NOTHING;
    const char *text = authorization + sizeof scheme - 1;
    size_t bytes = strlen(text);
    if (bytes == 0 || bytes > CM_ADMIN_TOKEN_MAX || parse(cm_slice(text, bytes), &shown) != CM_OK)
        return CM_ADMIN_MAY_NOTHING;
    cm_os_mutex_lock(&token->lock);
    for (size_t i = 0; i < token->current.count; i++) { /* all of them, whichever it is */
        if (are_equal(&shown, &token->current.each[i].secret))
            right = token->current.each[i].right;
    }
    cm_os_mutex_unlock(&token->lock);
    return right;
}

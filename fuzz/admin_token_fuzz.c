/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/origin.h"
#include "admin/pages.h"
#include "admin/token.h"
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>

/* A file of tokens and, after a byte 255, a header's value: refused with a reason, or tokens that have
 * the right that was read; nothing else has any. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each of its lines: whatever blanks there are, the last word of it is the token. */
static void check_admission(struct cm_admin_token *token, struct cm_slice line) {
    char header[sizeof "Bearer " + CM_ADMIN_TOKEN_MAX];
    bool reads = false;
    while (line.len > 0 && memchr(" \t\r\n", line.data[line.len - 1], 4) != NULL)
        line.len--;
    if (line.len == 0)
        return;
    for (size_t i = line.len; i > 0 && !reads; i--) {
        reads = line.data[i - 1] == ' ' || line.data[i - 1] == '\t';
        if (reads)
            line = cm_slice(line.data + i, line.len - i);
    }
    CM_CHECK(line.len >= CM_ADMIN_TOKEN_MIN && line.len <= CM_ADMIN_TOKEN_MAX);
    snprintf(header, sizeof header, "Bearer %.*s", (int)line.len, line.data);
    CM_CHECK(cm_admin_token_right(token, header) ==
             (reads ? CM_ADMIN_MAY_READ : CM_ADMIN_MAY_CHANGE));
    header[strlen(header) - 1] = header[strlen(header) - 1] == ' ' ? '!' : ' ';
    CM_CHECK(cm_admin_token_right(token, header) == CM_ADMIN_MAY_NOTHING);
}

static void check_lines(struct cm_admin_token *token, struct cm_slice text) {
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        const size_t bytes = end != NULL ? (size_t)(end - text.data) + 1 : text.len;
        check_admission(token, cm_slice(text.data, bytes));
        text = cm_slice(text.data + bytes, text.len - bytes);
    }
}

static void check_visible(const char *text) {
    CM_CHECK(text[0] != '\0');
    for (; *text != '\0'; text++)
        CM_CHECK(*text >= ' ' && *text <= '~');
}

/* Whatever passes is made of characters that mean nothing in a header; what is said of the rest is for people. */
static void check_origin(const char *header) {
    struct cm_admin_history_query asked;
    struct cm_buf to = {0};
    struct cm_admin_servers_error error;
    (void)cm_admin_is_known_host(header, "cache1");
    (void)cm_admin_is_local_origin(header);
    (void)cm_admin_parse_history(header, header, &asked);
    enum cm_status status = cm_admin_put_servers(header, &to, &error);
    if (status == CM_INVALID)
        check_visible(error.text);
    if (status == CM_OK) {
        const struct cm_slice sources = cm_buf_slice(&to);
        for (size_t i = 0; i < sources.len; i++)
            CM_CHECK(sources.data[i] >= ' ' && strchr(";,'\"", sources.data[i]) == NULL);
    }
    cm_buf_deinit(&to);
}

static void check_header(struct cm_admin_token *token, const uint8_t *data, size_t size) {
    char *header = malloc(size + 1);
    CM_CHECK(header != NULL);
    memcpy(header, data, size);
    header[size] = '\0';
    if (cm_admin_token_right(token, header) != CM_ADMIN_MAY_NOTHING)
        CM_CHECK(strlen(header) >= strlen("Bearer ") + CM_ADMIN_TOKEN_MIN);
    (void)cm_admin_wants_open_metrics(header);
    check_origin(header);
    free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size > 0 ? memchr(data, 255, size) : NULL;
    const struct cm_slice text = cm_slice(data, end != NULL ? (size_t)(end - data) : size);
    struct cm_admin_token_error error = {""};
    struct cm_admin_token *token;
    CM_CHECK(cm_admin_token_create(&token) == CM_OK);
    CM_CHECK(cm_admin_token_right(token, NULL) == CM_ADMIN_MAY_NOTHING);
    CM_CHECK(cm_admin_token_right(token, "Bearer ") == CM_ADMIN_MAY_NOTHING);
    if (cm_admin_token_take(token, "token", text, &error) == CM_OK)
        check_lines(token, text);
    else
        CM_CHECK(memcmp(error.text, "token:", 6) == 0);
    if (end != NULL)
        check_header(token, end + 1, size - text.len - 1);
    cm_admin_token_destroy(token);
    return 0;
}

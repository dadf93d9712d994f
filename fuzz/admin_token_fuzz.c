/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/origin.h"
#include "admin/pages.h"
#include "admin/token.h"
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>

/* A token's file and, after a byte 255, a header's value: refused with a reason, or a token that is
 * admitted as it was read; nothing else is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_admission(struct cm_admin_token *token, struct cm_slice text) {
    char header[sizeof "Bearer " + CM_ADMIN_TOKEN_MAX];
    while (text.len > 0 && memchr(" \t\r\n", text.data[text.len - 1], 4) != NULL)
        text.len--;
    CM_CHECK(text.len >= CM_ADMIN_TOKEN_MIN && text.len <= CM_ADMIN_TOKEN_MAX);
    snprintf(header, sizeof header, "Bearer %.*s", (int)text.len, text.data);
    CM_CHECK(cm_admin_token_admits(token, header));
    header[strlen(header) - 1] ^= 1;
    CM_CHECK(!cm_admin_token_admits(token, header));
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
    if (cm_admin_token_admits(token, header))
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
    CM_CHECK(!cm_admin_token_admits(token, NULL));
    CM_CHECK(!cm_admin_token_admits(token, "Bearer "));
    if (cm_admin_token_take(token, "token", text, &error) == CM_OK)
        check_admission(token, text);
    else
        CM_CHECK(memcmp(error.text, "token: ", 7) == 0);
    if (end != NULL)
        check_header(token, end + 1, size - text.len - 1);
    cm_admin_token_destroy(token);
    return 0;
}

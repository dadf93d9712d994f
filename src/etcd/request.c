/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/request.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/format.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES 128

CM_PRINTF(2, 3)
static enum cm_status put_text(struct cm_buf *to, const char *format, ...) {
    char text[PIECE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CM_CHECK(bytes >= 0 && (size_t)bytes < sizeof text);
    return cm_buf_append(to, cm_slice(text, (size_t)bytes));
}

static enum cm_status put_base64(struct cm_buf *to, struct cm_slice bytes) {
    const size_t chars = CM_BASE64_CHARS(bytes.len);
    const enum cm_status status = cm_buf_reserve(to, chars);
    if (status == CM_OK)
        cm_buf_wrote(to, cm_base64_encode(bytes, cm_buf_tail(to)));
    return status;
}

/* "key":"...","range_end":"...": the first key that does not begin with the prefix any more. */
static enum cm_status put_prefix(struct cm_buf *to, struct cm_slice prefix) {
    struct cm_buf end = {0};
    enum cm_status status = put_text(to, "\"key\":\"");
    if (status == CM_OK)
        status = put_base64(to, prefix);
    if (status == CM_OK)
        status = put_text(to, "\",\"range_end\":\"");
    if (status == CM_OK)
        status = cm_buf_append(&end, prefix);
    if (status == CM_OK) {
        cm_buf_tail(&end)[-1]++;
        status = put_base64(to, cm_buf_slice(&end));
    }
    cm_buf_deinit(&end);
    return status == CM_OK ? put_text(to, "\"") : status;
}

enum cm_status cm_etcd_ask_range(struct cm_buf *to, struct cm_slice prefix, size_t limit) {
    enum cm_status status = put_text(to, "{");
    if (status == CM_OK)
        status = put_prefix(to, prefix);
    return status == CM_OK ? put_text(to, ",\"limit\":%zu}", limit) : status;
}

enum cm_status cm_etcd_ask_watch(struct cm_buf *to, struct cm_slice prefix, int64_t revision) {
    enum cm_status status = put_text(to, "{\"create_request\":{");
    if (status == CM_OK)
        status = put_prefix(to, prefix);
    return status == CM_OK ? put_text(to, ",\"start_revision\":%" PRId64 "}}", revision) : status;
}

enum cm_status cm_etcd_ask_lease(struct cm_buf *to, uint32_t ttl_s) {
    return put_text(to, "{\"TTL\":%" PRIu32 "}", ttl_s);
}

enum cm_status cm_etcd_ask_of_lease(struct cm_buf *to, int64_t lease) {
    return put_text(to, "{\"ID\":\"%" PRId64 "\"}", lease);
}

enum cm_status cm_etcd_ask_put(struct cm_buf *to, const struct cm_etcd_put *put) {
    struct cm_buf key = {0};
    enum cm_status status = cm_buf_append(&key, cm_slice(put->prefix, strlen(put->prefix)));
    if (status == CM_OK)
        status = cm_buf_append(&key, cm_slice(put->name, strlen(put->name)));
    if (status == CM_OK)
        status = put_text(to, "{\"key\":\"");
    if (status == CM_OK)
        status = put_base64(to, cm_buf_slice(&key));
    if (status == CM_OK)
        status = put_text(to, "\",\"value\":\"");
    if (status == CM_OK)
        status = put_base64(to, cm_slice(put->value, strlen(put->value)));
    cm_buf_deinit(&key);
    return status == CM_OK ? put_text(to, "\",\"lease\":\"%" PRId64 "\"}", put->lease) : status;
}

/* Whatever people write as names and passwords: not UTF-8 is NO_MEMORY too, for want of a text. */
enum cm_status cm_etcd_ask_login(struct cm_buf *to, const char *user, const char *password) {
    json_t *login = json_pack("{s:s,s:s}", "name", user, "password", password);
    char *text = login == NULL ? NULL : json_dumps(login, JSON_COMPACT);
    const enum cm_status status =
        text == NULL ? CM_NO_MEMORY : cm_buf_append(to, cm_slice(text, strlen(text)));
    free(text);
    json_decref(login);
    return status;
}

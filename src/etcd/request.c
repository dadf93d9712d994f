/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/request.h"

#include "base/base64.h"
#include "base/num.h"
#include <jansson.h>
#include <stdlib.h>

static enum cm_status put_text(struct cm_buf *to, const char *text) {
    return cm_buf_append(to, cm_slice(text, strlen(text)));
}

/* Between texts. */
static enum cm_status put_number(struct cm_buf *to, const char *before, int64_t number,
                                 const char *after) {
    char digits[CM_NUM_I64_CHARS];
    enum cm_status status = put_text(to, before);
    if (status == CM_OK)
        status = cm_buf_append(to, cm_slice(digits, cm_num_format_i64(digits, number)));
    return status == CM_OK ? put_text(to, after) : status;
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
    return status == CM_OK ? put_number(to, ",\"limit\":", (int64_t)limit, "}") : status;
}

enum cm_status cm_etcd_ask_watch(struct cm_buf *to, struct cm_slice prefix, int64_t revision) {
    enum cm_status status = put_text(to, "{\"create_request\":{");
    if (status == CM_OK)
        status = put_prefix(to, prefix);
    return status == CM_OK ? put_number(to, ",\"start_revision\":", revision, "}}") : status;
}

enum cm_status cm_etcd_ask_lease(struct cm_buf *to, uint32_t ttl_s) {
    return put_number(to, "{\"TTL\":", ttl_s, "}");
}

enum cm_status cm_etcd_ask_of_lease(struct cm_buf *to, int64_t lease) {
    return put_number(to, "{\"ID\":\"", lease, "\"}");
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
    return status == CM_OK ? put_number(to, "\",\"lease\":\"", put->lease, "\"}") : status;
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

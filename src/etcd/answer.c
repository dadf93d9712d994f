/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/answer.h"

#include "base/base64.h"
#include "base/num.h"
#include <jansson.h>
#include <stdio.h>

/* A key or a value, decoded: what is longer is none of ours. */
#define TEXT_BYTES 2048

static struct cm_slice text_of(const json_t *text) {
    return cm_slice(json_string_value(text), json_string_length(text));
}

/* NULL if it is no object; the caller's to json_decref(). */
static json_t *parse(struct cm_slice json) {
    json_error_t error;
    json_t *root = json_loadb(json.data, json.len, 0, &error);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* Numbers of 64 bits are texts in etcd's JSON. */
static bool read_number(const json_t *object, const char *name, int64_t *out) {
    const json_t *text = json_object_get(object, name);
    return json_is_string(text) && cm_num_i64(text_of(text), out);
}

/* The bytes of a base64 text; 0: none. */
static size_t read_bytes(const json_t *object, const char *name, char *to, size_t room) {
    const json_t *text = json_object_get(object, name);
    return json_is_string(text) ? cm_base64_decode(text_of(text), to, room) : 0;
}

/* ---- members ---- */

static bool read_weight(struct cm_slice json, uint32_t *weight) {
    json_t *root = parse(json);
    const json_t *number = json_object_get(root, "weight");
    const json_int_t value = number == NULL ? 1 : json_integer_value(number);
    const bool is_good = root != NULL && (number == NULL || json_is_integer(number)) &&
                         value >= 1 && value <= CM_RING_WEIGHT_MAX;
    json_decref(root);
    *weight = is_good ? (uint32_t)value : 0;
    return is_good;
}

/* Whatever stands in etcd, `text` is shown without what a terminal might obey. */
static void show(char *to, size_t room, struct cm_slice text) {
    size_t i = 0;
    for (; i < text.len && i + 1 < room; i++)
        to[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? text.data[i] : '?';
    to[i] = '\0';
}

static void leave_out(struct cm_etcd_range *out, struct cm_slice name, const char *why) {
    char shown[64], reason[128];
    if (out->problem.text[0] != '\0')
        return;
    show(shown, sizeof shown, name);
    show(reason, sizeof reason, cm_slice(why, strlen(why)));
    snprintf(out->problem.text, sizeof out->problem.text, "\"%s\" in etcd is left out: %s", shown,
             reason);
}

static enum cm_status add_member(const json_t *entry, struct cm_slice prefix,
                                 struct cm_etcd_range *out) {
    char key[TEXT_BYTES], value[TEXT_BYTES];
    struct cm_cluster_error error;
    uint32_t weight;
    const size_t key_bytes = read_bytes(entry, "key", key, sizeof key);
    const size_t value_bytes = read_bytes(entry, "value", value, sizeof value);
    if (key_bytes < prefix.len || memcmp(key, prefix.data, prefix.len) != 0) {
        leave_out(out, cm_slice(key, key_bytes), "it is too long or another cluster's");
        return CM_OK;
    }
    const struct cm_slice name = cm_slice(key + prefix.len, key_bytes - prefix.len);
    if (!read_weight(cm_slice(value, value_bytes), &weight)) {
        leave_out(out, name, "its value is not like {\"weight\":1}");
        return CM_OK;
    }
    const enum cm_status status = cm_cluster_add_member(&out->cluster, name, weight, &error);
    if (status != CM_INVALID)
        return status;
    if (out->cluster.count == CM_RING_MEMBERS_MAX) {
        out->problem = error;
        return CM_INVALID;
    }
    leave_out(out, name, error.text);
    return CM_OK;
}

static enum cm_status read_members(const json_t *root, struct cm_slice prefix,
                                   struct cm_etcd_range *out) {
    const json_t *header = json_object_get(root, "header"), *list = json_object_get(root, "kvs");
    const json_t *etcd = json_object_get(header, "cluster_id");
    enum cm_status status = CM_OK;
    if (!read_number(header, "revision", &out->revision) || !json_is_string(etcd) ||
        !cm_num_u64(text_of(etcd), &out->etcd) || (list != NULL && !json_is_array(list)))
        return CM_BAD_ANSWER;
    for (size_t i = 0; i < json_array_size(list) && status == CM_OK; i++)
        status = add_member(json_array_get(list, i), prefix, out);
    return status;
}

enum cm_status cm_etcd_read_range(struct cm_slice json, struct cm_slice prefix,
                                  struct cm_etcd_range *out) {
    *out = (struct cm_etcd_range){0};
    json_t *root = parse(json);
    const enum cm_status status = root == NULL ? CM_BAD_ANSWER : read_members(root, prefix, out);
    json_decref(root);
    return status;
}

void cm_etcd_range_deinit(struct cm_etcd_range *range) {
    cm_cluster_deinit(&range->cluster);
}

/* ---- the rest ---- */

enum cm_status cm_etcd_read_lease(struct cm_slice json, int64_t *id) {
    json_t *root = parse(json);
    const bool is_good = read_number(root, "ID", id) && *id > 0;
    json_decref(root);
    return is_good ? CM_OK : CM_BAD_ANSWER;
}

enum cm_status cm_etcd_read_ttl(struct cm_slice json, int64_t *ttl_s) {
    int64_t id;
    json_t *root = parse(json);
    const json_t *result = json_object_get(root, "result");
    const bool is_good = read_number(result, "ID", &id);
    *ttl_s = 0;
    if (is_good && (!read_number(result, "TTL", ttl_s) || *ttl_s < 0))
        *ttl_s = 0;
    json_decref(root);
    return is_good ? CM_OK : CM_BAD_ANSWER;
}

/* It goes into a header line. */
static bool is_token(struct cm_slice text) {
    bool is_good = text.len > 0 && text.len < CM_ETCD_TOKEN_BYTES;
    for (size_t i = 0; i < text.len && is_good; i++)
        is_good = text.data[i] > ' ' && text.data[i] < 0x7f;
    return is_good;
}

enum cm_status cm_etcd_read_token(struct cm_slice json, char to[CM_ETCD_TOKEN_BYTES]) {
    json_t *root = parse(json);
    const json_t *token = json_object_get(root, "token");
    const bool is_good = json_is_string(token) && is_token(text_of(token));
    if (is_good)
        memcpy(to, json_string_value(token), json_string_length(token) + 1);
    json_decref(root);
    return is_good ? CM_OK : CM_BAD_ANSWER;
}

enum cm_status cm_etcd_read_watch(struct cm_slice json) {
    json_t *root = parse(json);
    const json_t *result = json_object_get(root, "result");
    enum cm_status status = CM_BAD_ANSWER;
    if (json_is_object(result) && !json_is_true(json_object_get(result, "canceled")))
        status = json_array_size(json_object_get(result, "events")) > 0 ? CM_CANCELLED : CM_OK;
    json_decref(root);
    return status;
}

void cm_etcd_read_error(struct cm_slice json, char *to, size_t room) {
    json_t *root = parse(json);
    const json_t *message = json_object_get(root, "error");
    if (!json_is_string(message))
        message = json_object_get(root, "message");
    if (json_is_string(message) && json_string_length(message) > 0)
        show(to, room, text_of(message));
    else
        snprintf(to, room, "an answer that makes no sense");
    json_decref(root);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/json.h"

#include "base/base64.h"
#include "base/num.h"
#include <inttypes.h>
#include <stdlib.h>

static void set_base64(json_t *object, const char *name, struct cm_slice bytes) {
    char encoding[128];
    char *text = malloc(CM_BASE64_CHARS(bytes.len) + 1);
    if (text == NULL)
        return;
    const size_t chars = cm_base64_encode(bytes, text);
    snprintf(encoding, sizeof encoding, "%.100s_encoding", name);
    (void)json_object_set_new(object, name, json_stringn(text, chars));
    (void)json_object_set_new(object, encoding, json_string("base64"));
    free(text);
}

void cm_json_set_bytes(json_t *object, const char *name, struct cm_slice bytes) {
    json_t *text = json_stringn(bytes.len == 0 ? "" : bytes.data, bytes.len);
    if (text != NULL)
        (void)json_object_set_new(object, name, text);
    else
        set_base64(object, name, bytes);
}

void cm_json_set_text(json_t *object, const char *name, const char *text) {
    cm_json_set_bytes(object, name, cm_slice(text, strlen(text)));
}

void cm_json_set_u64(json_t *object, const char *name, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    (void)json_object_set_new(
        object, name, number > INT64_MAX ? json_string(digits) : json_integer((json_int_t)number));
}

void cm_json_set_value(json_t *object, const char *name, struct cm_slice text) {
    uint64_t number;
    const bool is_plain = text.len == 1 || (text.len > 1 && text.data[0] != '0');
    if (is_plain && cm_num_u64(text, &number))
        cm_json_set_u64(object, name, number);
    else
        cm_json_set_bytes(object, name, text);
}

void cm_json_print_error(FILE *to, int status, const char *error) {
    json_t *object = json_object();
    cm_json_set_text(object, "error", error);
    (void)json_object_set_new(object, "status", json_integer(status));
    (void)json_dumpf(object, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(object);
}

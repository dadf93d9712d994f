/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/pages.h"

struct object {
    struct cm_stat_sink base;
    struct cm_buf *to;
    enum cm_status status; /* the first that was not OK */
    bool has_members;
};

static void append(struct object *object, struct cm_slice text) {
    if (object->status == CM_OK)
        object->status = cm_buf_append(object->to, text);
}

/* Digits, and a point among them perhaps, as JSON wants them. */
static bool is_number(struct cm_slice value) {
    size_t points = 0;
    for (size_t i = 0; i < value.len; i++) {
        bool is_point = value.data[i] == '.';
        points += is_point;
        if (is_point ? i == 0 || i + 1 == value.len : value.data[i] < '0' || value.data[i] > '9')
            return false;
    }
    bool leads_with_zero = value.len > 1 && value.data[0] == '0' && value.data[1] != '.';
    return value.len > 0 && points <= 1 && !leads_with_zero;
}

/* Names and texts are the server's own: nothing in them needs escaping. */
static void on_line(struct cm_stat_sink *sink, struct cm_slice name, struct cm_slice value) {
    struct object *object = (struct object *)sink;
    struct cm_slice quote = is_number(value) ? CM_SLICE("") : CM_SLICE("\"");
    append(object, object->has_members ? CM_SLICE(",\n  \"") : CM_SLICE("{\n  \""));
    append(object, name);
    append(object, CM_SLICE("\": "));
    append(object, quote);
    append(object, value);
    append(object, quote);
    object->has_members = true;
}

enum cm_status cm_admin_put_json(const struct cm_stats_readings *readings, struct cm_buf *to) {
    struct object object = {.base.line = on_line, .to = to};
    cm_stats_put(readings, &object.base);
    append(&object, CM_SLICE("\n}\n"));
    return object.status;
}

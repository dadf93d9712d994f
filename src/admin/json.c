/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/pages.h"
#include "command/latency.h"

#include <math.h>
#include <stdio.h>

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

static void append_text(struct object *object, const char *text) {
    append(object, cm_slice(text, strlen(text)));
}

static void append_latency(struct object *object, const char *command,
                           const struct cm_duration_sums *sums) {
    struct cm_latency_figure figures[CM_LATENCY_FIGURES];
    cm_latency_figures(sums, figures);
    append_text(object, "\"");
    append_text(object, command);
    for (size_t i = 0; i < CM_LATENCY_FIGURES; i++) {
        append_text(object, i == 0 ? "\": {\"" : ", \"");
        append_text(object, figures[i].name);
        append_text(object, "\": ");
        append_text(object, figures[i].text);
    }
    append_text(object, "}");
}

static void append_latencies(struct object *object, const struct cm_duration_sums *durations) {
    enum cm_command_kind command = CM_COMMAND_other;
    append_text(object, ",\n  \"latency\": {");
    do {
        append_text(object, command == CM_COMMAND_other ? "\n    " : ",\n    ");
        command = cm_latency_next(command);
        append_latency(object, cm_command_kind_name(command), &durations[command]);
    } while (command != CM_COMMAND_other);
    append_text(object, "\n  }");
}

/* Printable ASCII is as it is, but for what would mean something; the rest is %XX. */
static void append_key(struct object *object, struct cm_slice key) {
    char text[4];
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.data[i];
        bool is_plain = c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '%';
        int bytes = snprintf(text, sizeof text, is_plain ? "%c" : "%%%02X", c);
        append(object, cm_slice(text, (size_t)bytes));
    }
}

static void append_hot_key(struct object *object, const struct cm_hot_list *list, unsigned i) {
    const struct cm_hot_key *key = &list->keys[i];
    struct cm_hot_rates rates = cm_stats_hot_rates(list, key);
    char numbers[320];
    append(object, i == 0 ? CM_SLICE("\n    {\"key\": \"") : CM_SLICE(",\n    {\"key\": \""));
    append_key(object, cm_slice(key->key, key->key_bytes));
    int bytes = snprintf(numbers, sizeof numbers,
                         "\", \"requests\": %.0f, \"error\": %.0f, \"share\": %.6f, "
                         "\"requests_per_second\": %.2f, \"writes\": %.0f, \"misses\": %.0f, "
                         "\"value_bytes_per_second\": %.0f}",
                         key->requests, ceil(key->error), rates.share, rates.requests_per_s,
                         key->writes, key->misses, rates.value_bytes_per_s);
    append(object, cm_slice(numbers, (size_t)bytes));
}

static void append_hot_keys(struct object *object, const struct cm_hot_list *list) {
    append(object, CM_SLICE(",\n  \"hot_keys\": ["));
    for (unsigned i = 0; i < list->count; i++)
        append_hot_key(object, list, i);
    append(object, list->count > 0 ? CM_SLICE("\n  ]") : CM_SLICE("]"));
}

enum cm_status cm_admin_put_json(const struct cm_admin_readings *readings,
                                 const struct cm_hot_list *hot_keys, struct cm_buf *to) {
    struct object object = {.base.line = on_line, .to = to};
    cm_stats_put(&readings->stats, &object.base);
    append_latencies(&object, readings->durations);
    if (hot_keys != NULL)
        append_hot_keys(&object, hot_keys);
    append(&object, CM_SLICE("\n}\n"));
    return object.status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/check.h"
#include "base/os/os.h"
#include "base/text.h"
#include <inttypes.h>
#include <string.h>

/* Room for a line of any format: every byte of the message may need two. Pipes take as much whole. */
enum { LINE_BYTES = 4096 };

/* In the order of the levels, and as syslog counts them. */
static const struct {
    const char *name;
    char priority;
} levels[] = {{"error", '3'}, {"warning", '4'}, {"info", '6'}, {"debug", '7'}, {"trace", '7'}};

const char *cm_log_level_name(enum cm_log_level level) {
    return levels[level].name;
}

/* ---- the text ---- */

/* Makes what is no text, or steers a terminal, harmless. */
static void clean(char *text) {
    struct cm_slice left = cm_slice(text, strlen(text));
    while (left.len > 0) {
        size_t bytes = cm_text_character(left);
        if (bytes == 0) {
            *text = '?';
            bytes = 1;
        }
        text += bytes;
        left = cm_slice(text, left.len - bytes);
    }
}

/* ---- the line ---- */

struct line {
    char text[LINE_BYTES];
    size_t used;
};

CM_PRINTF(2, 3)
static void add(struct line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int added =
        vsnprintf(line->text + line->used, sizeof line->text - line->used, format, arguments);
    va_end(arguments);
    CM_CHECK(added >= 0 && (size_t)added < sizeof line->text - line->used);
    line->used += (size_t)added;
}

static void add_quoted(struct line *line, const char *text) {
    for (; *text != '\0'; text++) {
        CM_CHECK(line->used + 2 < sizeof line->text);
        if (*text == '"' || *text == '\\')
            line->text[line->used++] = '\\';
        line->text[line->used++] = *text;
    }
    line->text[line->used] = '\0';
}

/* UTC, by the days since 1970: gmtime() is not for several threads everywhere. */
static void add_time(struct line *line) {
    int64_t us = cm_os_wall_us();
    int64_t days = us / 86400000000, second = us / 1000000 % 86400;
    /* Years begin in March here: a leap day is then the last. */
    int64_t era_day = days + 719468, era = era_day / 146097, day = era_day % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    add(line,
        "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64
        ".%03" PRId64 "Z",
        year, month, day_of_month, second / 3600, second / 60 % 60, second % 60, us / 1000 % 1000);
}

/* What there is to be written beside the level. */
struct content {
    char *message;
    const struct cm_log_field *fields;
    size_t field_count;
};

static void add_json(struct line *line, const struct cm_log *log, enum cm_log_level level,
                     const struct content *content) {
    add(line, "{\"time\":\"");
    add_time(line);
    add(line, "\",\"level\":\"%s\",\"program\":\"%s\",\"message\":\"", levels[level].name,
        log->program);
    add_quoted(line, content->message);
    add(line, "\"");
    for (size_t i = 0; i < content->field_count; i++) {
        const struct cm_log_field *field = &content->fields[i];
        const char *quote = field->is_number ? "" : "\"";
        if (*field->text != '\0')
            add(line, ",\"%s\":%s%s%s", field->name, quote, field->text, quote);
    }
    add(line, "}");
}

static void add_text(struct line *line, const struct cm_log *log, const struct content *content) {
    const char *between = ": ";
    add(line, "%s: %s", log->program, content->message);
    for (size_t i = 0; i < content->field_count; i++) {
        const struct cm_log_field *field = &content->fields[i];
        if (*field->text != '\0') {
            add(line, "%s%s=%s", between, field->name, field->text);
            between = " ";
        }
    }
}

/* One call, and one write: standard error has no buffer to be emptied in between. */
static void write_content(struct cm_log *log, enum cm_log_level level,
                          const struct content *content) {
    struct line line = {.used = 0};
    clean(content->message);
    if (log->to_journal)
        add(&line, "<%c>", levels[level].priority);
    if (atomic_load_explicit(&log->format, memory_order_relaxed) == CM_LOG_JSON)
        add_json(&line, log, level, content);
    else
        add_text(&line, log, content);
    add(&line, "\n");
    (void)fwrite(line.text, 1, line.used, log->to);
    (void)fflush(log->to);
}

static void write_line(struct cm_log *log, enum cm_log_level level, char *message) {
    write_content(log, level, &(struct content){.message = message});
}

void cm_log_list(struct cm_log *log, enum cm_log_level level, const char *format,
                 va_list arguments) {
    char message[CM_LOG_MESSAGE_BYTES];
    if (!cm_log_wants(log, level))
        return;
    int bytes = vsnprintf(message, sizeof message, format, arguments);
    if (bytes >= 0)
        write_line(log, level, message);
}

void cm_log(struct cm_log *log, enum cm_log_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cm_log_list(log, level, format, arguments);
    va_end(arguments);
}

/* ---- not too many ---- */

/* Whether one more may be written now; *left_out: how many were not, before it. */
static bool admit(struct cm_log *log, const char *format, uint32_t *left_out) {
    /* Where the format lies says where in the code this is. */
    struct cm_log_slot *slot = &log->slots[((uintptr_t)format >> 4) % CM_LOG_SLOTS];
    uint64_t now = cm_os_monotonic_ns() / 1000000000;
    if (atomic_exchange(&slot->second, now) != now)
        atomic_store(&slot->count, 0);
    if (atomic_fetch_add(&slot->count, 1) >= CM_LOG_BURST) {
        atomic_fetch_add(&slot->left_out, 1);
        return false;
    }
    *left_out = atomic_exchange(&slot->left_out, 0);
    return true;
}

/* Whether a message that clients cause is to be written. */
static bool wants_often(struct cm_log *log, enum cm_log_level level, const char *format,
                        uint32_t *left_out) {
    *left_out = 0;
    return cm_log_wants(log, level) && (level >= CM_LOG_DEBUG || admit(log, format, left_out));
}

/* Cut where there is no room. */
static void add_left_out(char message[CM_LOG_MESSAGE_BYTES], uint32_t left_out) {
    size_t used = strlen(message);
    if (left_out > 0)
        snprintf(message + used, CM_LOG_MESSAGE_BYTES - used,
                 " (%" PRIu32 " more of these left out)", left_out);
}

void cm_log_often(struct cm_log *log, enum cm_log_level level, const char *format, ...) {
    char message[CM_LOG_MESSAGE_BYTES];
    uint32_t left_out;
    va_list arguments;
    if (!wants_often(log, level, format, &left_out))
        return;
    va_start(arguments, format);
    int bytes = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (bytes < 0)
        return;
    add_left_out(message, left_out);
    write_line(log, level, message);
}

void cm_log_event(struct cm_log *log, enum cm_log_level level, const struct cm_log_event *event) {
    char text[CM_LOG_MESSAGE_BYTES];
    uint32_t left_out;
    if (!wants_often(log, level, event->message, &left_out))
        return;
    snprintf(text, sizeof text, "%s", event->message);
    add_left_out(text, left_out);
    write_content(log, level, &(struct content){text, event->fields, event->field_count});
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/check.h"
#include <stdarg.h>

static const char *level_name(enum cm_log_level level) {
    switch (level) {
    case CM_LOG_ERROR:
        return "error";
    case CM_LOG_WARNING:
        return "warning";
    case CM_LOG_INFO:
        return "info";
    case CM_LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}

static void replace_controls(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            text[i] = '?';
    }
}

/* What snprintf() wrote, given what it answered. */
static size_t written(int answer, size_t room) {
    if (answer < 0)
        return 0;
    return (size_t)answer < room ? (size_t)answer : room - 1;
}

void cm_log(const struct cm_log *log, enum cm_log_level level, const char *format, ...) {
    if (!cm_log_wants(log, level))
        return;
    char line[CM_LOG_LINE_BYTES];
    size_t len = written(snprintf(line, sizeof line, "%s: %s: ", log->program, level_name(level)),
                         sizeof line);
    va_list arguments;
    va_start(arguments, format);
    len += written(vsnprintf(line + len, sizeof line - len, format, arguments), sizeof line - len);
    va_end(arguments);
    CM_CHECK(len < sizeof line);
    replace_controls(line, len);
    line[len++] = '\n';
    /* One call, so that lines of several threads do not mix. */
    (void)fwrite(line, 1, len, log->to);
    (void)fflush(log->to);
}

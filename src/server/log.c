/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/os/process.h"
#include "server/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What the server has to say: one log for the whole process. */

static struct cm_log server_log = {.program = "cachemand", .level_max = CM_LOG_INFO};

void cm_server_start_log(void) {
    server_log.to = stderr;
    server_log.to_journal = cm_os_is_journal(getenv("JOURNAL_STREAM"));
}

struct cm_log *cm_server_log(void) {
    return &server_log;
}

void cm_server_set_log(const struct cm_config *config, uint32_t verbosity) {
    static const enum cm_log_level asked[] = {CM_LOG_ERROR, CM_LOG_INFO, CM_LOG_DEBUG,
                                              CM_LOG_TRACE};
    enum { MOST = sizeof asked / sizeof asked[0] - 1 };
    int level = (int)asked[verbosity < MOST ? verbosity : MOST];
    if (level < (int)config->log_level) /* the words are in the order of the levels */
        level = (int)config->log_level;
    atomic_store(&server_log.level_max, level);
    atomic_store(&server_log.format, (int)config->log_format);
}

/* ---- saying ---- */

/* Who hears what this thread says, too. */
static _Thread_local struct cm_buf *hearer;

void cm_server_hear(struct cm_buf *to) {
    hearer = to;
}

CM_PRINTF(1, 0)
static void hear(const char *format, va_list arguments) {
    char line[CM_LOG_MESSAGE_BYTES];
    int bytes = vsnprintf(line, sizeof line - 1, format, arguments);
    if (bytes < 0)
        return;
    size_t used = strlen(line);
    line[used] = '\n';
    (void)!cm_buf_append(hearer, cm_slice(line, used + 1));
}

CM_PRINTF(2, 0)
static void say(enum cm_log_level level, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    cm_log_list(&server_log, level, format, arguments);
    if (hearer != NULL)
        hear(format, again);
    va_end(again);
}

void cm_server_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(CM_LOG_ERROR, format, arguments);
    va_end(arguments);
}

void cm_server_warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(CM_LOG_WARNING, format, arguments);
    va_end(arguments);
}

void cm_server_tell(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(CM_LOG_INFO, format, arguments);
    va_end(arguments);
}

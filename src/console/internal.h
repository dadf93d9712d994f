/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_INTERNAL_H
#define CM_CONSOLE_INTERNAL_H

/* What the files of console/ share. */

#include "base/buf.h"
#include "base/format.h"
#include "cli/exit.h"
#include "cli/json.h"
#include "cli/term.h"
#include "cli/where.h"
#include "console/commands.h"
#include "console/show.h"
#include <cacheman/client.h>

/* Where commands come from. */
enum cm_mode {
    CM_MODE_ONCE,   /* one, from the command line */
    CM_MODE_SCRIPT, /* lines of standard input */
    CM_MODE_PROMPT,
};

enum cm_times { CM_TIMES_AUTO, CM_TIMES_ON, CM_TIMES_OFF };

/* The last thing said of a command, held back until it is known how long it took. */
enum cm_said { CM_SAID_NOTHING, CM_SAID_ANSWER, CM_SAID_NOTE, CM_SAID_NO, CM_SAID_ERROR };

struct cm_console {
    cacheman *client;
    struct cm_cli_where where; /* the options; `servers` as of the last connect */
    char *servers;             /* what `where.servers` points to, once there was a connect */
    enum cm_mode mode;
    enum cm_times times;
    bool json_always; /* --json of the program */
    bool quits;
    size_t line;         /* of a script, from 1 */
    struct cm_term term; /* standard output */
    struct cm_seen *seen;
    struct cm_prompt *prompt; /* NULL: none */
    /* Of the command under way. */
    FILE *out;
    bool to_file; /* `out` is not standard output */
    json_t *json; /* NULL: people, or scripts, read */
    bool asks;    /* servers, and so it is told how long they took */
    enum cm_said said;
    char *text;
    uint64_t began_ns, idle_ns; /* idle: spent waiting for somebody to press a key */
};

/* ---- answers (answer.c) ---- */

/* Whether a person reads the answer: then it has units, colours, pages. */
bool cm_for_people(const struct cm_console *console);
/* What `out` is switched to; "" unless a person reads it. */
const char *cm_colour(const struct cm_console *console, enum cm_colour colour);

/* Around a command. cm_answer_end() prints what was held back, and how long it took, or the object of
 * JSON; returns the status to go on with. */
void cm_answer_begin(struct cm_console *console, const char *command, bool json);
int cm_answer_end(struct cm_console *console, int status);
/* In place of the end: nothing was said, and nothing is to be. */
void cm_answer_drop(struct cm_console *console);

/* Prints what is held back, before more is written to `out`. */
void cm_answer_flush(struct cm_console *console);
/* The answer, a line; JSON has it in members of its own. */
CM_PRINTF(2, 3) void cm_answer(struct cm_console *console, const char *format, ...);
/* Something beside the answer, for people only. */
CM_PRINTF(2, 3) void cm_note(struct cm_console *console, const char *format, ...);
/* The server said no. Returns CM_EXIT_NO. */
CM_PRINTF(2, 3) int cm_no(struct cm_console *console, const char *format, ...);
/* Something is wrong; returns `status`. */
CM_PRINTF(3, 4) int cm_error(struct cm_console *console, int status, const char *format, ...);
/* The same for a status of the client's; `server` and `why` may be NULL. */
struct cm_trouble {
    enum cm_status status;
    const char *server;
    const char *why;
    struct cm_slice key;
};
int cm_error_of(struct cm_console *console, const struct cm_trouble *trouble);
/* A status of what may be several keys or servers: errors come before a no. */
int cm_worse(int one, int other);

static inline struct cm_slice cm_of(struct cacheman_bytes bytes) {
    return cm_slice(bytes.data, bytes.bytes);
}

static inline struct cacheman_bytes cm_to(struct cm_slice slice) {
    return cacheman_bytes(slice.data, slice.len);
}

/* ---- running (run.c) ---- */

/* Runs a line; its exit status. */
int cm_run_text(struct cm_console *console, struct cm_slice text);
int cm_run_line(struct cm_console *console, const struct cm_line *line);
/* Says so, and which may be meant. */
int cm_unknown_command(struct cm_console *console, struct cm_slice name);
/* Whether Ctrl-C asks for the end of what is under way; as of cacheman_ask. */
bool cm_may_wait(void *console);
/* Opens what `where` says, in place of the client there is. Says what is wrong. */
int cm_connect(struct cm_console *console);

/* ---- a server's settings (settings.c) ---- */

/* Whether 'config' asks a server's --admin. Unless it is given, the client's servers say where. */
bool cm_settings_are_meant(const struct cm_args *args);
int cm_settings_run(struct cm_console *console, const struct cm_args *args);

/* ---- commands ---- */

#define X(name, function, operands, min, max, kind, options, text, more)                           \
    int cm_command_##function(struct cm_console *console, const struct cm_args *args);
#include "console/commands.def"
#undef X

#endif

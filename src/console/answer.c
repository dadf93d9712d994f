/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/internal.h"

#include "base/os/os.h"
#include "base/os/terminal.h"
#include "cli/units.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

enum { OUTPUT = 1, ERRORS = 2 };

bool cm_for_people(const struct cm_console *console) {
    return console->term.is_tty && !console->to_file && console->json == NULL;
}

const char *cm_colour(const struct cm_console *console, enum cm_colour colour) {
    return cm_for_people(console) ? cm_term_colour(&console->term, colour) : "";
}

int cm_worse(int one, int other) {
    if (one > CM_EXIT_NO)
        return one;
    return other > CM_EXIT_NO || one == CM_EXIT_OK ? other : one;
}

/* ---- what is held back ---- */

/* Scripts need to know who complains, and about which line. */
static void print_origin(const struct cm_console *console) {
    if (console->mode != CM_MODE_PROMPT)
        fputs("cacheman: ", stderr);
    if (console->mode == CM_MODE_SCRIPT)
        fprintf(stderr, "line %zu: ", console->line);
}

static void print_coloured(const struct cm_console *console, FILE *to, enum cm_colour colour) {
    const bool shows =
        console->term.has_colours && cm_os_terminal_is(to == stderr ? ERRORS : OUTPUT);
    fprintf(to, "%s%s%s", shows ? cm_term_colour(&console->term, colour) : "", console->text,
            shows ? cm_term_colour(&console->term, CM_PLAIN) : "");
}

/* Where it belongs; NULL: nobody reads it. */
static FILE *reader_of(const struct cm_console *console) {
    switch (console->said) {
    case CM_SAID_ANSWER:
        return console->out;
    case CM_SAID_NOTE:
        return console->term.is_tty ? stdout : NULL;
    case CM_SAID_NO:
        return console->term.is_tty && console->mode == CM_MODE_PROMPT ? stdout : stderr;
    case CM_SAID_ERROR:
        return stderr;
    case CM_SAID_NOTHING:
        break;
    }
    return NULL;
}

static void print_said(struct cm_console *console, FILE *to) {
    fflush(console->out);
    if (to == stderr)
        print_origin(console);
    if (console->said == CM_SAID_ERROR)
        print_coloured(console, to, CM_RED);
    else if (console->said == CM_SAID_NO)
        print_coloured(console, to, CM_YELLOW);
    else if (console->said == CM_SAID_NOTE)
        print_coloured(console, to, CM_DIM);
    else
        fputs(console->text, to);
}

/* Prints what is held back; `time` follows it if it is not NULL, but not into a file. */
static void release(struct cm_console *console, const char *time) {
    FILE *to = console->json == NULL && console->text != NULL ? reader_of(console) : NULL;
    const bool is_seen = to != NULL && (to != console->out || !console->to_file);
    if (to != NULL)
        print_said(console, to);
    if (to != NULL && (time == NULL || !is_seen))
        fputc('\n', to);
    if (time != NULL)
        fprintf(is_seen ? to : stdout, "%s%s(%s)%s\n", is_seen ? " " : "",
                cm_term_colour(&console->term, CM_DIM), time,
                cm_term_colour(&console->term, CM_PLAIN));
    free(console->text);
    console->text = NULL;
    console->said = CM_SAID_NOTHING;
}

void cm_answer_flush(struct cm_console *console) {
    release(console, NULL);
}

/* The first that is wrong is the `error`; if there are more, all are `errors`. */
static void explain(struct cm_console *console, const char *text) {
    json_t *first = json_object_get(console->json, "error");
    json_t *all = json_object_get(console->json, "errors");
    if (first == NULL) {
        cm_json_set_text(console->json, "error", text);
        return;
    }
    if (all == NULL) {
        (void)json_object_set_new(console->json, "errors", json_pack("[O]", first));
        all = json_object_get(console->json, "errors");
    }
    (void)json_array_append_new(all, json_string(text));
}

CM_PRINTF(3, 0)
static void say(struct cm_console *console, enum cm_said said, const char *format,
                va_list arguments) {
    release(console, NULL);
    if (vasprintf(&console->text, format, arguments) < 0)
        console->text = NULL;
    console->said = said;
    if (console->json != NULL && said >= CM_SAID_NO)
        explain(console, console->text == NULL ? "out of memory" : console->text);
}

void cm_answer(struct cm_console *console, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(console, CM_SAID_ANSWER, format, arguments);
    va_end(arguments);
}

void cm_note(struct cm_console *console, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(console, CM_SAID_NOTE, format, arguments);
    va_end(arguments);
}

int cm_no(struct cm_console *console, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(console, CM_SAID_NO, format, arguments);
    va_end(arguments);
    return CM_EXIT_NO;
}

int cm_error(struct cm_console *console, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(console, CM_SAID_ERROR, format, arguments);
    va_end(arguments);
    return status;
}

/* ---- statuses ---- */

static int unreachable(struct cm_console *console, const char *server, const char *why) {
    const char *hint = "";
    if (console->mode == CM_MODE_PROMPT)
        hint = "; 'connect HOST:PORT' talks to another";
    else if (console->where.servers == NULL)
        hint = "; -s HOST:PORT names another";
    return cm_error(console, CM_EXIT_UNAVAILABLE, "%s cannot be reached%s%s%s", server,
                    *why == '\0' ? "" : ": ", why, hint);
}

/* Of a call to all servers it is not told which failed; one that is down may be it. */
static const char *find_culprit(struct cm_console *console, struct cm_shown *shown) {
    struct cacheman_server *servers = NULL;
    size_t count = 0;
    const char *name = "a server";
    if (console->client == NULL || cacheman_servers(console->client, &servers, &count) != CM_OK)
        return name;
    for (size_t i = 0; i < count; i++) {
        if (count == 1 || servers[i].health == CACHEMAN_DOWN) {
            name = cm_show_text(shown, servers[i].name);
            break;
        }
    }
    free(servers);
    return name;
}

/* A server that is left out for want of a login can be reached. NULL: the first that is left out. */
static bool is_locked_out(const struct cm_console *console, const char *name) {
    struct cacheman_server *servers = NULL;
    size_t count = 0, i = 0;
    if (console->client == NULL || cacheman_servers(console->client, &servers, &count) != CM_OK)
        return false;
    while (i < count && (servers[i].health != CACHEMAN_DOWN ||
                         (name != NULL && strcmp(name, servers[i].name) != 0)))
        i++;
    const bool is_so = i < count && servers[i].cause == CM_NOT_AUTHENTICATED;
    free(servers);
    return is_so;
}

static int about_server(struct cm_console *console, const struct cm_trouble *trouble) {
    struct cm_shown name;
    struct cm_told reason;
    const char *why = "", *server = trouble->server == NULL ? find_culprit(console, &name)
                                                            : cm_show_text(&name, trouble->server);
    if (trouble->why != NULL)
        why = cm_tell(&reason, trouble->why);
    enum cm_status status = trouble->status;
    if (status == CM_UNREACHABLE && is_locked_out(console, trouble->server))
        status = CM_NOT_AUTHENTICATED;
    switch (status) {
    case CM_UNREACHABLE:
        return unreachable(console, server, why);
    case CM_TIMEOUT:
        return cm_error(console, CM_EXIT_UNAVAILABLE,
                        "%s did not answer in time; the option timeout gives it longer", server);
    case CM_NOT_AUTHENTICATED:
        return cm_error(console, CM_EXIT_DENIED,
                        "%s did not accept the login; --user and --password-file say who you are",
                        server);
    default:
        return cm_error(console, CM_EXIT_PROTOCOL, "%s: %s", server,
                        *why == '\0' ? cm_status_text(trouble->status) : why);
    }
}

int cm_error_of(struct cm_console *console, const struct cm_trouble *trouble) {
    struct cm_shown shown;
    const char *key = cm_show(&shown, trouble->key);
    switch (trouble->status) {
    case CM_BAD_KEY:
        return cm_error(console, CM_EXIT_USAGE,
                        "\"%s\" cannot be a key: 1 to %d bytes without spaces and control "
                        "characters, or connect with '?keys=base64' or '?keys=hash'",
                        key, CACHEMAN_KEY_BYTES_MAX);
    case CM_TOO_LARGE:
        return cm_error(console, CM_EXIT_PROTOCOL,
                        "%s: the value is larger than the server takes; its option -I says how "
                        "large",
                        key);
    case CM_NOT_NUMERIC:
        return cm_error(console, CM_EXIT_PROTOCOL, "%s: the value is not a number", key);
    case CM_NO_MEMORY:
        return cm_error(console, CM_EXIT_PROTOCOL, "%s: there is no memory for it", key);
    default:
        return about_server(console, trouble);
    }
}

/* ---- the beginning and the end ---- */

void cm_answer_begin(struct cm_console *console, const char *command, bool json) {
    cm_term_look(&console->term);
    console->asks = false;
    console->said = CM_SAID_NOTHING;
    console->idle_ns = 0;
    console->began_ns = cm_os_monotonic_ns();
    console->json = json || console->json_always ? json_object() : NULL;
    if (console->json != NULL)
        cm_json_set_text(console->json, "command", command);
}

static void end_json(struct cm_console *console, int status, uint64_t took_ns) {
    json_t *json = console->json;
    (void)json_object_set_new(json, "ok", json_boolean(status == CM_EXIT_OK));
    (void)json_object_set_new(json, "status", json_integer(status));
    (void)json_object_set_new(json, "ms", json_real((double)took_ns / 1e6));
    (void)json_dumpf(json, console->out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
    fputc('\n', console->out);
    release(console, NULL);
    json_decref(json);
    console->json = NULL;
}

void cm_answer_drop(struct cm_console *console) {
    json_decref(console->json);
    console->json = NULL;
}

int cm_answer_end(struct cm_console *console, int status) {
    char time[CM_UNITS_BYTES];
    const uint64_t took_ns = cm_os_monotonic_ns() - console->began_ns - console->idle_ns;
    const bool inline_time =
        console->term.is_tty && console->times != CM_TIMES_OFF && console->asks;
    cm_units_duration(time, took_ns);
    if (console->json != NULL) {
        end_json(console, status, took_ns);
    } else {
        release(console, inline_time ? time : NULL);
        if (!inline_time && console->times == CM_TIMES_ON && console->asks)
            fprintf(stderr, "time: %s\n", time);
    }
    errno = 0;
    if (fflush(console->out) == 0 && !ferror(console->out))
        return status;
    fprintf(stderr, "cacheman: cannot write the answer: %s\n",
            errno == 0 ? "an error before" : strerror(errno));
    clearerr(console->out);
    return cm_worse(CM_EXIT_OUTPUT, status);
}

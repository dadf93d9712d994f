/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/os.h"
#include "cli/safe.h"
#include "console/servers.h"
#include <inttypes.h>
#include <stdlib.h>

enum { LINE_BYTES = 500 };
#define NS_PER_S ((uint64_t)1000000000)

struct watching {
    struct cm_console *console;
    const struct cm_args *args;
    bool names_servers; /* there are several */
    bool shows_errors;  /* a server's own are lines like any other */
    bool interrupted;
    bool gone; /* a server, as it was asked to */
    uint64_t seen;
    uint64_t until_ns; /* 0: for as long as nobody ends it */
    struct cacheman_error error;
    int status; /* of the servers that do not tell; each has been complained of */
};

/* "ts=... gid=... type=... key=..." as members; anything else as one text. */
static void print_json(const struct watching *watching, const struct cacheman_line *from) {
    FILE *to = watching->console->out;
    json_t *event = json_object();
    struct cm_slice rest = cm_of(from->text);
    cm_json_set_text(event, "server", from->server);
    cm_json_set_bytes(event, "line", rest);
    while (rest.len > 0) {
        const char *space = memchr(rest.data, ' ', rest.len);
        const size_t length = space == NULL ? rest.len : (size_t)(space - rest.data);
        const char *equals = memchr(rest.data, '=', length);
        char name[32];
        const size_t name_bytes = equals == NULL ? 0 : (size_t)(equals - rest.data);
        if (name_bytes > 0 && name_bytes < sizeof name) {
            memcpy(name, rest.data, name_bytes);
            name[name_bytes] = '\0';
            const struct cm_slice value = cm_slice(equals + 1, length - name_bytes - 1);
            if (json_object_get(event, name) == NULL && strcmp(name, "key") == 0)
                cm_json_set_bytes(event, name, value); /* a text, of digits too */
            else if (json_object_get(event, name) == NULL)
                cm_json_set_value(event, name, value);
        }
        rest = cm_slice(rest.data + length + (space != NULL), rest.len - length - (space != NULL));
    }
    (void)json_dumpf(event, to, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', to);
    json_decref(event);
}

static void print_name(const struct cm_console *console, const char *server) {
    fputs(cm_colour(console, CM_CYAN), console->out);
    (void)cm_safe_print(console->out, cm_slice(server, strlen(server)), 0);
    fprintf(console->out, "%s ", cm_colour(console, CM_PLAIN));
}

static bool on_line(void *context, const struct cacheman_line *line) {
    struct watching *watching = context;
    struct cm_console *console = watching->console;
    const int64_t limit = watching->args->given.limit;
    if (console->json != NULL) {
        print_json(watching, line);
    } else {
        if (watching->names_servers)
            print_name(console, line->server);
        (void)cm_safe_print(console->out, cm_of(line->text), 0);
        fputc('\n', console->out);
    }
    watching->seen++;
    return fflush(console->out) == 0 && (limit == 0 || watching->seen < (uint64_t)limit);
}

static bool may_wait(void *context) {
    struct watching *watching = context;
    const bool is_over = watching->until_ns != 0 && cm_os_monotonic_ns() >= watching->until_ns;
    watching->interrupted = watching->interrupted || !cm_may_wait(watching->console);
    return !is_over && !watching->interrupted && !ferror(watching->console->out);
}

/* The operands with spaces between; false if one has a byte that is refused, or they are too long. */
static bool join_words(const struct cm_args *args, const char *refused, char *to) {
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < args->count; i++) {
        const struct cm_slice word = args->operands[i];
        if (word.len == 0 || strlen(word.data) != word.len ||
            strcspn(word.data, refused) != word.len || at + word.len + 2 > LINE_BYTES)
            return false;
        at += (size_t)snprintf(to + at, LINE_BYTES - at, "%s%s", i == 0 ? "" : " ", word.data);
    }
    return true;
}

/* Whether the answer of 'send' to these words is that the connection ends. */
static bool is_farewell(const struct watching *watching) {
    if (!watching->shows_errors)
        return false;
    const struct cm_slice first = watching->args->operands[0];
    const struct cm_slice word = cm_slice(first.data, strcspn(first.data, " "));
    return cm_slice_equal(word, CM_SLICE("shutdown")) || cm_slice_equal(word, CM_SLICE("quit"));
}

/* At once: the others may go on for long. The next server's reason then finds an empty place. */
static void on_finish(void *context, const char *server, enum cm_status status) {
    struct watching *watching = context;
    struct cacheman_error *error = &watching->error;
    const bool is_away = status == CM_UNREACHABLE || status == CM_TIMEOUT;
    if (status == CM_OK)
        return;
    if (watching->shows_errors && !is_away && watching->console->json == NULL) {
        watching->status = cm_worse(
            watching->status, status == CM_NOT_AUTHENTICATED ? CM_EXIT_DENIED : CM_EXIT_PROTOCOL);
        error->text[0] = '\0';
        return;
    }
    if (status == CM_UNREACHABLE && error->text[0] == '\0' && is_farewell(watching)) {
        struct cm_shown shown;
        watching->gone = true;
        cm_note(watching->console, "%s has closed the connection", cm_show_text(&shown, server));
        return;
    }
    if (status == CM_REFUSED && !watching->shows_errors && strcmp(error->text, "ERROR") == 0)
        snprintf(error->text, sizeof error->text,
                 "knows no such stream, or does not let anybody watch");
    const int one =
        cm_error_of(watching->console, &(struct cm_trouble){status, server, error->text, {0}});
    watching->status = cm_worse(watching->status, one);
    error->text[0] = '\0';
    cm_answer_flush(watching->console);
}

static int end(const struct watching *watching, enum cm_status status) {
    struct cm_console *console = watching->console;
    if (console->json != NULL)
        cm_json_set_u64(console->json, "count", watching->seen);
    if (watching->gone)
        return watching->status;
    if (status != CM_OK && watching->status == CM_EXIT_OK)
        return cm_error_of(
            console,
            &(struct cm_trouble){status, watching->args->given.server, watching->error.text, {0}});
    cm_note(console, "%" PRIu64 " line%s", watching->seen, watching->seen == 1 ? "" : "s");
    return watching->status;
}

int cm_command_watch(struct cm_console *console, const struct cm_args *args) {
    struct watching watching = {.console = console, .args = args};
    struct cm_targets targets;
    char streams[LINE_BYTES];
    if (!join_words(args, " \t\r\n", streams))
        return cm_error(console, CM_EXIT_USAGE, "watch: that is no name of a stream");
    const int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    watching.names_servers = targets.count > 1;
    cm_targets_deinit(&targets);
    if (args->given.lasting > 0)
        watching.until_ns = cm_os_monotonic_ns() + (uint64_t)args->given.lasting * NS_PER_S;
    else if (cm_for_people(console) && args->given.limit == 0)
        fprintf(console->out, "%sCtrl-C ends this%s\n", cm_colour(console, CM_DIM),
                cm_colour(console, CM_PLAIN));
    fflush(console->out);
    const struct cacheman_ask ask = {.server = args->given.server,
                                     .visit = on_line,
                                     .context = &watching,
                                     .timeout_ms = UINT32_MAX,
                                     .finish = on_finish,
                                     .may_wait = may_wait,
                                     .error = &watching.error};
    return end(&watching, cacheman_watch(console->client, streams, &ask));
}

int cm_command_send(struct cm_console *console, const struct cm_args *args) {
    struct watching watching = {.console = console, .args = args, .shows_errors = true};
    struct cm_targets targets;
    char line[LINE_BYTES];
    if (!join_words(args, "\r\n", line))
        return cm_error(console, CM_EXIT_USAGE,
                        "send: one line of less than %d bytes can be sent, without zero bytes",
                        LINE_BYTES);
    const int status = cm_targets_init(console, args->given.server, &targets);
    if (status != CM_EXIT_OK)
        return status;
    watching.names_servers = targets.count > 1;
    cm_targets_deinit(&targets);
    const struct cacheman_ask ask = {.server = args->given.server,
                                     .visit = on_line,
                                     .context = &watching,
                                     .finish = on_finish,
                                     .may_wait = may_wait,
                                     .error = &watching.error};
    return end(&watching, cacheman_command(console->client, line, &ask));
}

/* SPDX-License-Identifier: BSD-3-Clause */

/* Calls to servers: one line is sent, and lines come back. */

#include "base/base64.h"
#include "client/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMAND_BYTES 512
#define NAP_MS        100 /* between two questions whether the caller may wait */

struct asking {
    const struct cacheman_ask *ask;
    bool endless;     /* watch: no line is the last */
    bool keeps_going; /* each line renews the deadline */
    bool gives_last;  /* the line that ends the answer is handed over too */
    bool one_line;    /* the first line is the answer */
    bool stopped;     /* by the visitor */
    bool unsure;      /* an answer has ended with a line that need not be its last */
    size_t left;
    struct cm_flight *flight;
    uint64_t patience_ns;
};

/* One server's share. */
struct asked {
    struct cm_attempt attempt;
    struct asking *asking;
    enum cm_status status;
    bool begun;        /* has answered something */
    bool is_meta;      /* the value ends the answer */
    size_t value_left; /* of a value among the lines, its end included */
};

static bool begins(struct cm_slice line, const char *text) {
    const size_t length = strlen(text);
    return line.len >= length && memcmp(line.data, text, length) == 0;
}

/* Lines of which more follow, until END. Any other first line is the whole answer. */
static bool has_more(struct cm_slice line) {
    static const char *const rows[] = {"STAT ", "ITEM ", "PREFIX ", "key=", "CONFIG "};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (begins(line, rows[i]))
            return true;
    }
    return false;
}

/* The size of the value that follows such a line, its end included; 0: none does. */
static size_t value_after(struct cm_slice line) {
    const size_t at = begins(line, "VA ") ? 1 : begins(line, "VALUE ") ? 3 : 0;
    size_t start = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < at; i++) {
        const char *space = memchr(line.data + start, ' ', line.len - start);
        if (space == NULL)
            return 0;
        start = (size_t)(space - line.data) + 1;
    }
    size_t end = start;
    while (end < line.len && line.data[end] != ' ')
        end++;
    const bool good = at > 0 && cm_num_u64(cm_slice(line.data + start, end - start), &bytes);
    return good && bytes <= CM_WIRE_VALUE_MAX ? (size_t)bytes + 2 : 0;
}

/* Whether a line is within a value, and then, at *last, the end of the answer. Behind the line in its
 * buffer is its end, which belongs to the value too. */
static bool is_value(struct asked *asked, struct cm_slice line, bool *last) {
    const bool was_value = asked->value_left > 0;
    if (was_value) {
        const size_t bytes = line.len + (line.data[line.len] == '\r' ? 2 : 1);
        asked->value_left -= bytes < asked->value_left ? bytes : asked->value_left;
        *last = asked->value_left == 0 && asked->is_meta;
        return true;
    }
    asked->value_left = asked->asking->gives_last ? value_after(line) : 0;
    asked->is_meta = begins(line, "VA ");
    *last = false;
    return asked->value_left > 0;
}

static bool is_last(const struct asked *asked, struct cm_slice line) {
    if (asked->asking->endless)
        return false;
    return asked->asking->one_line || cm_slice_equal(line, CM_SLICE("END")) ||
           (!asked->begun && !has_more(line));
}

static bool visit(struct asked *asked, struct cm_slice line) {
    const struct cacheman_ask *ask = asked->asking->ask;
    const struct cacheman_line given = {asked->attempt.server->name,
                                        cacheman_bytes(line.data, line.len)};
    return ask->visit == NULL || ask->visit(ask->context, &given);
}

/* "Error ..." is of refresh_certs. */
static bool is_refusal(struct cm_slice line, struct cm_answer *answer) {
    if (begins(line, "BUSY ") || begins(line, "WATCHER_TOO_MANY") || begins(line, "Error ")) {
        answer->result.status = CM_REFUSED;
        return true;
    }
    return cm_wire_read_error(line, answer);
}

/* The first of the servers that failed is the one to tell about. */
static void explain(const struct asking *asking, struct cm_slice text) {
    struct cacheman_error *error = asking->ask->error;
    if (error != NULL && error->text[0] == '\0')
        snprintf(error->text, sizeof error->text, "%.*s", (int)(text.len < 200 ? text.len : 200),
                 text.data);
}

static bool on_line(struct cm_attempt *attempt, struct cm_slice line) {
    struct asked *asked = attempt->context;
    struct asking *asking = asked->asking;
    struct cm_answer answer = {0};
    const bool first = !asked->begun;
    if (first && is_refusal(line, &answer)) {
        asked->status = answer.result.status;
        asking->unsure = true;
        explain(asking, line);
        cm_server_note(attempt->server, "%.*s", (int)(line.len < 100 ? line.len : 100), line.data);
        if (asking->gives_last)
            (void)visit(asked, line);
        return true;
    }
    bool last;
    if (!is_value(asked, line, &last))
        last = is_last(asked, line);
    if (last && !cm_slice_equal(line, CM_SLICE("END")))
        asking->unsure = true;
    asked->begun = true;
    if (asking->endless && first && cm_slice_equal(line, CM_SLICE("OK")))
        return false;
    if ((!last || asking->gives_last || asking->one_line) && !asking->stopped)
        asking->stopped = !visit(asked, line);
    if (asking->keeps_going) /* after the visitor, who may have taken his time */
        asking->flight->deadline_ns = cm_os_monotonic_ns() + asking->patience_ns;
    return last;
}

static void explain_failure(const struct asked *asked) {
    struct cm_server *server = asked->attempt.server;
    cm_os_mutex_lock(&server->lock);
    explain(asked->asking, cm_slice(server->note, strlen(server->note)));
    cm_os_mutex_unlock(&server->lock);
}

static void on_done(struct cm_attempt *attempt) {
    struct asked *asked = attempt->context;
    const struct cacheman_ask *ask = asked->asking->ask;
    if (attempt->answer.result.status != CM_OK) {
        asked->status = attempt->answer.result.status;
        explain_failure(asked);
    }
    asked->asking->left--;
    if (ask->finish != NULL)
        ask->finish(ask->context, attempt->server->name, asked->status);
}

static bool is_wanted(const struct cacheman_ask *ask, const struct cm_server *server) {
    return ask->server == NULL || strcmp(ask->server, server->name) == 0;
}

static void push_all(struct asking *asking, struct cm_view *view, struct asked *asked,
                     struct cm_slice line) {
    for (size_t i = 0; i < view->server_count; i++) {
        struct cm_server *server = view->servers[i];
        if (!is_wanted(asking->ask, server) ||
            (asking->ask->server == NULL && i >= view->member_count))
            continue;
        asked[i] = (struct asked){.asking = asking};
        asked[i].attempt = (struct cm_attempt){.server = server,
                                               .line = line,
                                               .done = on_done,
                                               .on_line = on_line,
                                               .context = &asked[i]};
        asking->left++;
        if (cm_server_health(server) == CACHEMAN_DOWN)
            cm_attempt_fail(&asked[i].attempt, CM_UNREACHABLE);
        else
            asking->flight->engine.push(&asking->flight->engine, &asked[i].attempt);
    }
}

/* A watch that has lasted as long as it was to, and a call that the visitor has ended, leave their
 * connections in the middle of an answer, and of an answer without END it is not known for sure where
 * it ends: no other call may meet the rest of it. Broken, but the server has not failed. */
static void hang_up(struct asking *asking) {
    struct cm_flight *flight = asking->flight;
    for (size_t i = 0; i < flight->count; i++) {
        struct cm_conn *conn = flight->flown[i].conn;
        struct cm_attempt *attempt = cm_conn_take(conn);
        cm_conn_break(conn, CM_CANCELLED);
        while (attempt != NULL) {
            struct cm_attempt *next = attempt->next;
            attempt->answer = (struct cm_answer){0};
            attempt->done(attempt);
            attempt = next;
        }
    }
}

static void carry(struct asking *asking) {
    struct cm_flight *flight = asking->flight;
    while (asking->left > 0) {
        if (asking->ask->may_wait != NULL && !asking->ask->may_wait(asking->ask->context))
            asking->stopped = true;
        const bool enough =
            asking->stopped || (asking->endless && cm_os_monotonic_ns() >= flight->deadline_ns);
        if (enough)
            hang_up(asking);
        else
            cm_flight_step(flight);
    }
    if (!asking->one_line && asking->unsure)
        hang_up(asking);
}

static enum cm_status status_of(const struct asked *asked, size_t count) {
    enum cm_status status = CM_INVALID; /* no such server */
    for (size_t i = 0; i < count; i++) {
        if (asked[i].asking == NULL)
            continue;
        if (asked[i].status != CM_OK)
            return asked[i].status;
        status = CM_OK;
    }
    return status;
}

static enum cm_status run(struct cacheman *client, struct asking *asking, struct cm_slice line) {
    struct cm_flight flight;
    struct cm_view *view = cm_client_view(client);
    struct asked *asked = calloc(view->server_count, sizeof *asked);
    enum cm_status status = CM_NO_MEMORY;
    if (asked != NULL) {
        cm_flight_init(&flight, client, &view->settings, asking->ask->timeout_ms);
        flight.is_endless = asking->endless;
        flight.nap_ms = asking->ask->may_wait == NULL ? 0 : NAP_MS;
        if (asking->ask->error != NULL)
            *asking->ask->error = (struct cacheman_error){0};
        asking->flight = &flight;
        asking->patience_ns = flight.deadline_ns - cm_os_monotonic_ns();
        push_all(asking, view, asked, line);
        carry(asking);
        cm_flight_deinit(&flight);
        asking->flight = NULL;
        status = status_of(asked, view->server_count);
    }
    free(asked);
    cm_view_release(view);
    return status;
}

/* A line's end or a zero within would be another command. */
static enum cm_status ask_line(struct cacheman *client, struct asking *asking, const char *words,
                               const char *more) {
    char line[COMMAND_BYTES];
    const int length =
        snprintf(line, sizeof line, "%s%s%s\r\n", words, more[0] == '\0' ? "" : " ", more);
    if (length < 3 || (size_t)length >= sizeof line || strcspn(line, "\r\n") != (size_t)length - 2)
        return CM_INVALID;
    return run(client, asking, cm_slice(line, (size_t)length));
}

enum cm_status cacheman_stats(cacheman *client, const char *group, const struct cacheman_ask *ask) {
    struct asking asking = {.ask = ask};
    return ask_line(client, &asking, "stats", group == NULL ? "" : group);
}

/* As it goes over the wire: KEY, or in base64 with a b behind. */
static void print_key(const struct cm_wire_key *key, char *to, size_t room) {
    char encoded[CM_BASE64_CHARS(CACHEMAN_KEY_BYTES_MAX)];
    if (key->encoded)
        snprintf(to, room, "%.*s b", (int)cm_base64_encode(key->key, encoded), encoded);
    else
        snprintf(to, room, "%.*s%.*s", (int)key->prefix.len, key->prefix.data, (int)key->key.len,
                 key->key.data);
}

/* NULL: nobody. Good as long as the view is. */
static const char *holder_of(const struct cm_view *view, struct cacheman_bytes key) {
    uint32_t first;
    return cm_ring_order(view->ring, cm_slice(key.data, key.bytes), &first, 1) == 1
               ? view->servers[first]->name
               : NULL;
}

enum cm_status cacheman_why(cacheman *client, struct cacheman_bytes key,
                            const struct cacheman_ask *ask) {
    const struct cacheman_request request = {.key = key};
    struct cm_view *view = cm_client_view(client);
    struct cm_task task = {.request = &request};
    struct cacheman_ask one = *ask;
    struct asking asking = {.ask = &one};
    char words[COMMAND_BYTES];
    enum cm_status status = cm_key_make(&task, &view->settings);
    if (one.server == NULL)
        one.server = holder_of(view, key);
    if (status == CM_OK && one.server == NULL)
        status = CM_UNREACHABLE;
    if (status == CM_OK) {
        print_key(&task.key, words, sizeof words);
        status = ask_line(client, &asking, "stats why", words);
    }
    free(task.made_key);
    cm_view_release(view);
    return status;
}

enum cm_status cacheman_version(cacheman *client, const struct cacheman_ask *ask) {
    struct asking asking = {.ask = ask, .one_line = true};
    return ask_line(client, &asking, "version", "");
}

enum cm_status cacheman_dump(cacheman *client, const struct cacheman_ask *ask) {
    struct asking asking = {.ask = ask, .keeps_going = true};
    return ask_line(client, &asking, "lru_crawler metadump all", "");
}

enum cm_status cacheman_watch(cacheman *client, const char *streams,
                              const struct cacheman_ask *ask) {
    struct asking asking = {.ask = ask, .endless = true};
    return ask_line(client, &asking, "watch", streams);
}

enum cm_status cacheman_flush(cacheman *client, uint32_t delay_s, const struct cacheman_ask *ask) {
    char delay[16];
    const struct cacheman_ask all = {0};
    struct asking asking = {.ask = ask == NULL ? &all : ask, .one_line = true};
    snprintf(delay, sizeof delay, "%u", (unsigned)delay_s);
    return ask_line(client, &asking, "flush_all", delay_s == 0 ? "" : delay);
}

enum cm_status cacheman_command(cacheman *client, const char *line,
                                const struct cacheman_ask *ask) {
    struct asking asking = {.ask = ask, .gives_last = true};
    return ask_line(client, &asking, line, "");
}

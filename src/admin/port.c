/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/port.h"
#include "admin/client_cert.h"
#include "admin/history.h"
#include "admin/internal.h"
#include "admin/origin.h"
#include "admin/page.h"
#include "admin/pages.h"
#include "base/check.h"
#include "base/os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
    MHD_socket socket;
    uint64_t since_ns;
    bool in_use;
};

/* Renewed so often within the life of a connection. */
enum { ENDING_MAX = 8, CLIENTS_MAX = (1 + ENDING_MAX) * CM_ADMIN_CONNECTIONS };

struct cm_admin_port {
    struct cm_admin_port_options options;
    struct cm_admin_http http;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon
        *ending[ENDING_MAX]; /* with certificates of before, until nobody is connected */
    struct cm_admin_gnutls gnutls;
    bool asks_certs;
    struct cm_history *history;
    struct cm_os_mutex lock; /* guards `clients` */
    struct client clients[CLIENTS_MAX];
};

/* ---- the time that connections have ---- */

static struct client *take_place(struct cm_admin_port *port) {
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (!port->clients[i].in_use)
            return &port->clients[i];
    }
    return NULL;
}

/* The library closes a socket after it has told of its end: a socket in the table is still ours. */
static void on_connection(void *context, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode what) {
    struct cm_admin_port *port = context;
    const union MHD_ConnectionInfo *info =
        port->http.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    cm_os_mutex_lock(&port->lock);
    struct client *client = what == MHD_CONNECTION_NOTIFY_STARTED ? take_place(port) : *place;
    if (client != NULL)
        *client = (struct client){
            .socket = info->connect_fd,
            .since_ns = cm_os_monotonic_ns(),
            .in_use = what == MHD_CONNECTION_NOTIFY_STARTED,
        };
    cm_os_mutex_unlock(&port->lock);
    *place = client;
}

static void end_old_clients(struct cm_admin_port *port) {
    const uint64_t second_ns = 1000000000, now_ns = cm_os_monotonic_ns();
    size_t taken = 0;
    cm_os_mutex_lock(&port->lock);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        taken += port->clients[i].in_use;
    bool is_crowded = taken >= CM_ADMIN_CONNECTIONS * 3 / 4;
    uint64_t life_ns = (is_crowded ? CM_ADMIN_CROWDED_S : CM_ADMIN_LIFE_S) * second_ns;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &port->clients[i];
        if (client->in_use && now_ns - client->since_ns >= life_ns)
            (void)shutdown(client->socket, SHUT_RDWR); /* the library finds it at its end */
    }
    cm_os_mutex_unlock(&port->lock);
}

static void add_durations(struct cm_duration_sums *to, const struct cm_duration_sums *more) {
    to->sum_ns += more->sum_ns;
    for (size_t i = 0; i < CM_DURATION_BUCKETS; i++)
        to->buckets[i] += more->buckets[i];
}

/* Stops those that nobody is connected to; the place of one, NULL: all are in use. */
static struct MHD_Daemon **end_old_daemons(struct cm_admin_port *port) {
    struct MHD_Daemon **free_place = NULL;
    for (size_t i = 0; i < ENDING_MAX; i++) {
        struct MHD_Daemon **at = &port->ending[i];
        if (*at != NULL &&
            port->http.get_daemon_info(*at, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections ==
                0) {
            port->http.stop_daemon(*at);
            *at = NULL;
        }
        if (*at == NULL)
            free_place = at;
    }
    return free_place;
}

static void remember_second(struct cm_admin_port *port) {
    const struct cm_history_time now = {cm_os_monotonic_ns(), cm_os_wall_s()};
    struct cm_duration_sums by_command[CM_COMMANDS];
    struct cm_history_reading reading = {0};
    cm_stats_read(port->options.stats, &reading.stats);
    cm_stats_read_durations(port->options.stats, by_command);
    for (size_t i = 0; i < CM_COMMANDS; i++)
        add_durations(&reading.durations, &by_command[i]);
    cm_history_take(port->history, &reading, &now);
}

void cm_admin_port_tick(struct cm_admin_port *port) {
    end_old_clients(port);
    (void)end_old_daemons(port);
    remember_second(port);
}

/* ---- answers ---- */

struct answer {
    unsigned code;
    const char *type;
    struct cm_buf body;
    const char *lasting;  /* the body, if it is not NULL: it is never freed */
    struct cm_buf policy; /* the value of Content-Security-Policy, ended by a zero; or empty */
    const char *allow;    /* methods, with METHOD_NOT_ALLOWED; NULL: those of pages */
};

static const char plain[] = "text/plain; charset=utf-8";

/* CM_OK, always: what cannot be said is left out. */
static void say(struct answer *answer, unsigned code, const char *text) {
    answer->code = code;
    answer->type = plain;
    answer->lasting = NULL;
    cm_buf_clear(&answer->body);
    (void)!cm_buf_append(&answer->body, cm_slice(text, strlen(text)));
}

static void say_no_memory(struct answer *answer) {
    say(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

static const char *header(const struct cm_admin_http *http, struct MHD_Connection *connection,
                          const char *name) {
    return http->lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Whose pages may read the answer (admin/origin.h): where a token is asked for, anybody's, who must
 * have it; else those of this machine. NULL: none but our own. */
static const char *readers_of(struct cm_admin_port *port, struct MHD_Connection *connection) {
    const char *origin = header(&port->http, connection, "Origin");
    if (port->options.token != NULL)
        return "*";
    if (port->asks_certs) /* a browser shows its own for any page */
        return NULL;
    return origin != NULL && cm_admin_is_local_origin(origin) ? origin : NULL;
}

struct named_header {
    const char *name, *value; /* NULL: it is left out */
};

static bool add_headers(const struct cm_admin_http *http, struct MHD_Response *response,
                        const struct named_header *headers, size_t count) {
    bool complete = true;
    for (size_t i = 0; i < count; i++)
        complete = complete && (headers[i].value == NULL ||
                                http->add_response_header(response, headers[i].name,
                                                          headers[i].value) == MHD_YES);
    return complete;
}

static bool describe(struct cm_admin_port *port, struct MHD_Connection *connection,
                     struct MHD_Response *response, const struct answer *answer) {
    const char *readers = readers_of(port, connection);
    bool is_preflight = answer->code == MHD_HTTP_NO_CONTENT;
    const char *allowed = answer->allow != NULL ? answer->allow : "GET, HEAD";
    const struct named_header headers[] = {
        {"Content-Type", is_preflight ? NULL : answer->type},
        {"Connection", "close"}, /* H2 */
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy", cm_buf_len(&answer->policy) > 0 ? answer->policy.data : NULL},
        {"Access-Control-Allow-Origin", readers},
        {"Vary", "Origin"},
        {"Access-Control-Allow-Methods", is_preflight ? "GET, HEAD" : NULL},
        {"Access-Control-Allow-Headers", is_preflight ? "Authorization" : NULL},
        {"Access-Control-Max-Age", is_preflight ? "600" : NULL},
        {"Allow", answer->code == MHD_HTTP_METHOD_NOT_ALLOWED ? allowed : NULL},
        {"WWW-Authenticate",
         answer->code == MHD_HTTP_UNAUTHORIZED ? "Bearer realm=\"cacheman\"" : NULL},
    };
    return add_headers(&port->http, response, headers, sizeof headers / sizeof headers[0]);
}

static struct MHD_Response *create_response(const struct cm_admin_http *http,
                                            struct answer *answer) {
    struct cm_buf *body = &answer->body;
    struct MHD_Response *response;
    if (answer->lasting != NULL)
        return http->create_response_from_buffer(cm_admin_page.bytes, (void *)answer->lasting,
                                                 MHD_RESPMEM_PERSISTENT);
    response = http->create_response_from_buffer(
        cm_buf_len(body), body->data, MHD_RESPMEM_MUST_FREE); /* nothing was consumed: data is it */
    if (response == NULL)
        cm_buf_deinit(body);
    return response;
}

static enum MHD_Result send_answer(struct cm_admin_port *port, struct MHD_Connection *connection,
                                   struct answer *answer) {
    const struct cm_admin_http *http = &port->http;
    struct MHD_Response *response = create_response(http, answer);
    enum MHD_Result result = MHD_NO;
    if (response != NULL) {
        if (describe(port, connection, response, answer))
            result = http->queue_response(connection, answer->code, response);
        http->destroy_response(response);
    }
    cm_buf_deinit(&answer->policy);
    return result;
}

enum MHD_Result cm_admin_reply(struct cm_admin_port *port, struct MHD_Connection *connection,
                               const struct cm_admin_reply *reply) {
    struct answer answer = {
        .code = reply->code,
        .type = reply->json ? "application/json" : plain,
        .body = reply->body,
        .allow = reply->allow,
    };
    if (reply->text != NULL)
        say(&answer, reply->code, reply->text);
    return send_answer(port, connection, &answer);
}

/* ---- pages ---- */

static void read_all(const struct cm_admin_port *port, struct cm_admin_readings *readings) {
    cm_stats_read(port->options.stats, &readings->stats);
    cm_stats_read_durations(port->options.stats, readings->durations);
}

static void make_metrics(struct cm_admin_port *port, struct MHD_Connection *connection,
                         struct answer *answer) {
    bool open_metrics = cm_admin_wants_open_metrics(header(&port->http, connection, "Accept"));
    struct cm_admin_readings readings;
    read_all(port, &readings);
    answer->type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8";
    if (cm_admin_put_metrics(&readings, open_metrics, &answer->body) != CM_OK)
        say_no_memory(answer);
}

static void make_json(struct cm_admin_port *port, struct MHD_Connection *connection,
                      struct answer *answer) {
    struct cm_admin_readings readings;
    struct cm_hot_list *hot_keys;
    (void)connection;
    read_all(port, &readings);
    enum cm_status status =
        cm_stats_read_hot_keys(port->options.stats, CM_ADMIN_HOT_KEYS, &hot_keys);
    answer->type = "application/json";
    if (status == CM_OK)
        status = cm_admin_put_json(&readings, hot_keys, &answer->body);
    if (status != CM_OK)
        say_no_memory(answer);
    cm_hot_list_destroy(hot_keys);
}

static const char *parameter(struct cm_admin_port *port, struct MHD_Connection *connection,
                             const char *name) {
    return port->http.lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static void make_history(struct cm_admin_port *port, struct MHD_Connection *connection,
                         struct answer *answer) {
    struct cm_admin_history_query asked = {.now_s = cm_os_wall_s()};
    const char *wrong = cm_admin_parse_history(parameter(port, connection, "step"),
                                               parameter(port, connection, "since"), &asked);
    answer->type = "application/json";
    if (wrong != NULL)
        say(answer, MHD_HTTP_BAD_REQUEST, wrong);
    else if (cm_admin_put_history(port->history, &asked, &answer->body) != CM_OK)
        say_no_memory(answer);
}

/* Nothing but what is in the page itself runs there, and nothing but this server and those of
 * ?servers= is asked. */
static enum cm_status put_policy(const char *servers, struct cm_buf *to,
                                 struct cm_admin_servers_error *error) {
    char text[512];
    int bytes = snprintf(text, sizeof text,
                         "default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; "
                         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                         "connect-src 'self'",
                         cm_admin_page.style_hash, cm_admin_page.script_hash);
    enum cm_status status = cm_buf_append(to, cm_slice(text, (size_t)bytes));
    if (status == CM_OK && servers != NULL)
        status = cm_admin_put_servers(servers, to, error);
    return status == CM_OK ? cm_buf_append(to, cm_slice("", 1)) : status;
}

static void make_page(struct cm_admin_port *port, struct MHD_Connection *connection,
                      struct answer *answer) {
    struct cm_admin_servers_error error;
    switch (put_policy(parameter(port, connection, "servers"), &answer->policy, &error)) {
    case CM_OK:
        answer->type = "text/html; charset=utf-8";
        answer->lasting = (const char *)cm_admin_page.text;
        return;
    case CM_INVALID:
        say(answer, MHD_HTTP_BAD_REQUEST, error.text);
        (void)!cm_buf_append(&answer->body, CM_SLICE("\n"));
        break;
    default:
        say_no_memory(answer);
        break;
    }
    cm_buf_deinit(&answer->policy);
}

static void put_config(struct cm_admin_port *port, bool json, struct answer *answer) {
    answer->type = json ? "application/json" : plain;
    if (port->options.put_config(port->options.context, json, &answer->body) != CM_OK)
        say_no_memory(answer);
}

static void make_config(struct cm_admin_port *port, struct MHD_Connection *connection,
                        struct answer *answer) {
    (void)connection;
    put_config(port, false, answer);
}

static void make_config_json(struct cm_admin_port *port, struct MHD_Connection *connection,
                             struct answer *answer) {
    (void)connection;
    put_config(port, true, answer);
}

static void make_health(struct cm_admin_port *port, struct MHD_Connection *connection,
                        struct answer *answer) {
    (void)port;
    (void)connection;
    say(answer, MHD_HTTP_OK, "alive\n");
}

static void make_readiness(struct cm_admin_port *port, struct MHD_Connection *connection,
                           struct answer *answer) {
    (void)connection;
    if (port->options.is_ready(port->options.context))
        say(answer, MHD_HTTP_OK, "ready\n");
    else
        say(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping\n");
}

/* Who may have a page. Probes tell nothing that whoever connects does not know, and seldom can have a
 * token; the page asks for one itself. */
enum access { FOR_PROBES, FOR_BROWSERS, FOR_READERS };

static const struct page {
    const char *path;
    enum access access;
    void (*make)(struct cm_admin_port *port, struct MHD_Connection *connection,
                 struct answer *answer);
} pages[] = {
    {"/", FOR_BROWSERS, make_page},          {"/metrics", FOR_READERS, make_metrics},
    {"/stats.json", FOR_READERS, make_json}, {"/history.json", FOR_READERS, make_history},
    {"/config", FOR_READERS, make_config},   {"/config.json", FOR_READERS, make_config_json},
    {"/healthz", FOR_PROBES, make_health},   {"/readyz", FOR_PROBES, make_readiness},
};

static const struct page *find_page(const char *path) {
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    }
    return NULL;
}

const struct cm_admin_http *cm_admin_http_of(struct cm_admin_port *port) {
    return &port->http;
}

const struct cm_admin_port_options *cm_admin_options_of(struct cm_admin_port *port) {
    return &port->options;
}

const char *cm_admin_header(struct cm_admin_port *port, struct MHD_Connection *connection,
                            const char *name) {
    return header(&port->http, connection, name);
}

enum cm_admin_right cm_admin_right_of(struct cm_admin_port *port,
                                      struct MHD_Connection *connection) {
    struct cm_admin_token *token = port->options.token;
    return token == NULL
               ? CM_ADMIN_MAY_NOTHING
               : cm_admin_token_right(token, header(&port->http, connection, "Authorization"));
}

bool cm_admin_has_cert(struct cm_admin_port *port, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        port->asks_certs
            ? port->http.get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
            : NULL;
    return info != NULL && cm_admin_gnutls_admits(&port->gnutls, info->tls_session);
}

bool cm_admin_asks_who(struct cm_admin_port *port) {
    return port->options.token != NULL || port->asks_certs;
}

const char *cm_admin_refuse(struct cm_admin_port *port, struct MHD_Connection *connection) {
    char client[CM_ADMIN_CLIENT_BYTES];
    bool shows_token = header(&port->http, connection, "Authorization") != NULL;
    cm_log_often(port->options.log, CM_LOG_WARNING, "--admin refused %s: %s",
                 cm_admin_client_text(port, connection, client),
                 shows_token            ? "a wrong token"
                 : !port->asks_certs    ? "no token"
                 : !port->options.token ? "no certificate"
                                        : "neither a token nor a certificate");
    if (!port->asks_certs)
        return "this needs the token of --admin-token-file: Authorization: Bearer TOKEN\n";
    return port->options.token != NULL
               ? "this needs a certificate that --admin-client-ca has signed, or the token of "
                 "--admin-token-file: Authorization: Bearer TOKEN\n"
               : "this needs a certificate that --admin-client-ca has signed\n";
}

bool cm_admin_is_known(struct cm_admin_port *port, struct MHD_Connection *connection) {
    return cm_admin_right_of(port, connection) != CM_ADMIN_MAY_NOTHING ||
           cm_admin_has_cert(port, connection);
}

/* Where there is no token, what keeps strangers' pages out; see admin/origin.h. */
static bool is_of_this_machine(struct cm_admin_port *port, struct MHD_Connection *connection,
                               struct answer *answer) {
    const char *host = header(&port->http, connection, "Host");
    const char *origin = header(&port->http, connection, "Origin");
    if (host != NULL && !cm_admin_is_known_host(host, port->options.host))
        say(answer, MHD_HTTP_MISDIRECTED_REQUEST,
            "without --admin-token-file this answers to addresses and to localhost alone: the name "
            "in Host could be somebody else's\n");
    else if (origin != NULL && !cm_admin_is_local_origin(origin))
        say(answer, MHD_HTTP_FORBIDDEN,
            "without --admin-token-file pages of other machines may not read this\n");
    else
        return true;
    return false;
}

/* Whoever has no token does not learn which pages there are. */
static bool may_have(struct cm_admin_port *port, struct MHD_Connection *connection,
                     const struct page *page, struct answer *answer) {
    if (page != NULL && page->access == FOR_PROBES)
        return true;
    if (!cm_admin_asks_who(port))
        return is_of_this_machine(port, connection, answer);
    if ((page != NULL && page->access == FOR_BROWSERS) || cm_admin_is_known(port, connection))
        return true;
    say(answer, MHD_HTTP_UNAUTHORIZED, cm_admin_refuse(port, connection));
    return false;
}

static void make_answer(struct cm_admin_port *port, struct MHD_Connection *connection,
                        const char *path, struct answer *answer) {
    const struct page *page = find_page(path);
    if (!may_have(port, connection, page, answer))
        return;
    if (page == NULL)
        say(answer, MHD_HTTP_NOT_FOUND,
            "there are /, /metrics, /stats.json, /history.json, /config, /config.json, "
            "/healthz and /readyz here\n");
    else
        page->make(port, connection, answer);
}

/* What a browser asks before it lets a page of another origin send a token. */
static bool is_preflight(struct cm_admin_port *port, struct MHD_Connection *connection,
                         const char *method) {
    return strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 &&
           header(&port->http, connection, "Access-Control-Request-Method") != NULL &&
           readers_of(port, connection) != NULL;
}

/* The library would take what there is room for beside the answer, and hang up where there is none. */
static bool is_too_long(struct cm_admin_port *port, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        port->http.get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info != NULL && info->header_size > CM_ADMIN_REQUEST_BYTES;
}

static enum MHD_Result answer_page(struct cm_admin_port *port,
                                   const struct cm_admin_request *request) {
    const char *method = request->method;
    struct answer answer = {.code = MHD_HTTP_OK};
    if (is_too_long(port, request->connection))
        say(&answer,
            strlen(request->path) > CM_ADMIN_REQUEST_BYTES / 2
                ? MHD_HTTP_URI_TOO_LONG
                : MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
            "a request is at most 8192 bytes\n");
    else if (is_preflight(port, request->connection, method))
        say(&answer, MHD_HTTP_NO_CONTENT, "");
    else if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        say(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "pages can only be read: GET or HEAD\n");
    else
        make_answer(port, request->connection, request->path, &answer);
    return send_answer(port, request->connection, &answer);
}

/* libmicrohttpd's signature. Called when the headers are there; the answer is the last word, but for
 * a change, whose body comes then. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *body, size_t *body_bytes, void **state) {
    struct cm_admin_port *port = context;
    const struct cm_admin_request request = {.connection = connection,
                                             .path = path,
                                             .method = method,
                                             .body = cm_slice(body, *body_bytes),
                                             .state = state};
    (void)version;
    if (*state == NULL &&
        (is_too_long(port, connection) || is_preflight(port, connection, method) ||
         !cm_admin_is_of_change(&request)))
        return answer_page(port, &request);
    *body_bytes = 0; /* all of it is taken */
    return cm_admin_take_change(port, &request);
}

static void on_end(void *context, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode why) {
    (void)context;
    (void)connection;
    (void)why;
    cm_admin_forget_change(state);
}

/* Paths are compared as they came: no page has anything in its name that needs escaping. */
static size_t on_escapes(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

/* ---- from beginning to end ---- */

/* NULL: plain HTTP. */
static struct MHD_Daemon *start_daemon(struct cm_admin_port *port, const struct cm_admin_tls *tls) {
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    const struct cm_admin_tls none = {0}, *of = tls != NULL ? tls : &none;
    const enum MHD_OPTION last = of->ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    const struct MHD_OptionItem secure[] = {
        {tls != NULL ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)of->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)of->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)versions[of->only_1_3]},
        {last, 0, (void *)(uintptr_t)of->ca},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem settings[] = {
        {MHD_OPTION_LISTEN_SOCKET, (intptr_t)port->options.socket, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CM_ADMIN_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CM_ADMIN_REQUEST_BYTES + CM_ADMIN_ANSWER_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CM_ADMIN_IDLE_S, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_escapes, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, port},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_end, port},
        {MHD_OPTION_END, 0, NULL},
    };
    if (tls != NULL)
        flags |= MHD_USE_TLS;
    return port->http.start_daemon(flags, 0, NULL, NULL, on_request, port, MHD_OPTION_ARRAY,
                                   settings, MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
}

static void destroy(struct cm_admin_port *port) {
    cm_os_mutex_deinit(&port->lock);
    cm_history_destroy(port->history);
    free(port);
}

bool cm_admin_port_load(bool with_tls) {
    struct cm_admin_http http;
    struct cm_admin_gnutls gnutls;
    return cm_admin_http_load(&http) && (!with_tls || cm_admin_gnutls_load(&gnutls));
}

enum cm_status cm_admin_port_start(const struct cm_admin_port_options *options,
                                   struct cm_admin_port **out) {
    struct cm_admin_port *port = calloc(1, sizeof *port);
    if (port == NULL || cm_history_create(&port->history) != CM_OK ||
        cm_os_mutex_init(&port->lock) != CM_OK) {
        if (port != NULL)
            cm_history_destroy(port->history);
        free(port);
        cm_os_socket_close(options->socket);
        return CM_NO_MEMORY;
    }
    port->options = *options;
    remember_second(port);
    port->asks_certs = options->tls != NULL && options->tls->ca != NULL;
    port->options.tls = NULL;
    bool is_loaded = cm_admin_http_load(&port->http) &&
                     (options->tls == NULL || cm_admin_gnutls_load(&port->gnutls));
    port->daemon = is_loaded ? start_daemon(port, options->tls) : NULL;
    if (port->daemon == NULL) {
        destroy(port);
        return CM_SYSTEM;
    }
    *out = port;
    return CM_OK;
}

/* A second one takes the socket over, which is open throughout. */
enum cm_status cm_admin_port_renew(struct cm_admin_port *port, const struct cm_admin_tls *tls) {
    struct MHD_Daemon **place = end_old_daemons(port);
    struct MHD_Daemon *daemon = place != NULL ? start_daemon(port, tls) : NULL;
    if (daemon == NULL)
        return CM_SYSTEM;
    (void)port->http.quiesce_daemon(port->daemon);
    *place = port->daemon;
    port->daemon = daemon;
    return CM_OK;
}

void cm_admin_port_stop(struct cm_admin_port *port) {
    if (port != NULL) {
        for (size_t i = 0; i < ENDING_MAX; i++) {
            if (port->ending[i] != NULL)
                port->http.stop_daemon(port->ending[i]);
        }
        port->http.stop_daemon(port->daemon);
        destroy(port);
    }
}

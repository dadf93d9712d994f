/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/port.h"
#include "admin/http.h"
#include "admin/pages.h"
#include "base/check.h"
#include "base/os/os.h"

#include <stdlib.h>
#include <string.h>

struct client {
    MHD_socket socket;
    uint64_t since_ns;
    bool in_use;
};

struct cm_admin_port {
    struct cm_admin_port_options options;
    struct cm_admin_http http;
    struct MHD_Daemon *daemon;
    struct cm_os_mutex lock; /* guards `clients` */
    struct client clients[CM_ADMIN_CONNECTIONS];
};

/* ---- the time that connections have ---- */

static struct client *take_place(struct cm_admin_port *port) {
    for (size_t i = 0; i < CM_ADMIN_CONNECTIONS; i++) {
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

void cm_admin_port_tick(struct cm_admin_port *port) {
    const uint64_t second_ns = 1000000000, now_ns = cm_os_monotonic_ns();
    size_t taken = 0;
    cm_os_mutex_lock(&port->lock);
    for (size_t i = 0; i < CM_ADMIN_CONNECTIONS; i++)
        taken += port->clients[i].in_use;
    bool is_crowded = taken >= CM_ADMIN_CONNECTIONS * 3 / 4;
    uint64_t life_ns = (is_crowded ? CM_ADMIN_CROWDED_S : CM_ADMIN_LIFE_S) * second_ns;
    for (size_t i = 0; i < CM_ADMIN_CONNECTIONS; i++) {
        const struct client *client = &port->clients[i];
        if (client->in_use && now_ns - client->since_ns >= life_ns)
            (void)shutdown(client->socket, SHUT_RDWR); /* the library finds it at its end */
    }
    cm_os_mutex_unlock(&port->lock);
}

/* ---- answers ---- */

struct answer {
    unsigned code;
    const char *type;
    struct cm_buf body;
};

static const char plain[] = "text/plain; charset=utf-8";

/* CM_OK, always: what cannot be said is left out. */
static void say(struct answer *answer, unsigned code, const char *text) {
    answer->code = code;
    answer->type = plain;
    cm_buf_clear(&answer->body);
    (void)!cm_buf_append(&answer->body, cm_slice(text, strlen(text)));
}

static const char *header(const struct cm_admin_http *http, struct MHD_Connection *connection,
                          const char *name) {
    return http->lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result send_answer(const struct cm_admin_http *http,
                                   struct MHD_Connection *connection, struct answer *answer) {
    struct cm_buf *body = &answer->body;
    struct MHD_Response *response = http->create_response_from_buffer(
        cm_buf_len(body), body->data, MHD_RESPMEM_MUST_FREE); /* nothing was consumed: data is it */
    if (response == NULL) {
        cm_buf_deinit(body);
        return MHD_NO;
    }
    bool complete =
        http->add_response_header(response, "Content-Type", answer->type) == MHD_YES &&
        http->add_response_header(response, "Connection", "close") == MHD_YES && /* H2 */
        http->add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        http->add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    if (complete && answer->code == MHD_HTTP_METHOD_NOT_ALLOWED)
        complete = http->add_response_header(response, "Allow", "GET, HEAD") == MHD_YES;
    if (complete && answer->code == MHD_HTTP_UNAUTHORIZED)
        complete = http->add_response_header(response, "WWW-Authenticate",
                                             "Bearer realm=\"cacheman\"") == MHD_YES;
    enum MHD_Result result =
        complete ? http->queue_response(connection, answer->code, response) : MHD_NO;
    http->destroy_response(response);
    return result;
}

/* ---- pages ---- */

static void make_metrics(struct cm_admin_port *port, struct MHD_Connection *connection,
                         struct answer *answer) {
    bool open_metrics = cm_admin_wants_open_metrics(header(&port->http, connection, "Accept"));
    struct cm_stats_readings readings;
    cm_stats_read(port->options.stats, &readings);
    answer->type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8";
    if (cm_admin_put_metrics(&readings, open_metrics, &answer->body) != CM_OK)
        say(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

static void make_json(struct cm_admin_port *port, struct MHD_Connection *connection,
                      struct answer *answer) {
    struct cm_stats_readings readings;
    (void)connection;
    cm_stats_read(port->options.stats, &readings);
    answer->type = "application/json";
    if (cm_admin_put_json(&readings, &answer->body) != CM_OK)
        say(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

static void put_config(struct cm_admin_port *port, bool json, struct answer *answer) {
    answer->type = json ? "application/json" : plain;
    if (port->options.put_config(port->options.context, json, &answer->body) != CM_OK)
        say(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
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

/* Probes tell nothing that whoever connects does not know, and seldom can have a token. */
static const struct page {
    const char *path;
    bool is_open; /* without the token */
    void (*make)(struct cm_admin_port *port, struct MHD_Connection *connection,
                 struct answer *answer);
} pages[] = {
    {"/metrics", false, make_metrics}, {"/stats.json", false, make_json},
    {"/config", false, make_config},   {"/config.json", false, make_config_json},
    {"/healthz", true, make_health},   {"/readyz", true, make_readiness},
};

static const struct page *find_page(const char *path) {
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    }
    return NULL;
}

static bool is_admitted(struct cm_admin_port *port, struct MHD_Connection *connection) {
    struct cm_admin_token *token = port->options.token;
    return token == NULL ||
           cm_admin_token_admits(token, header(&port->http, connection, "Authorization"));
}

/* Whoever has no token does not learn which pages there are. */
static void make_answer(struct cm_admin_port *port, struct MHD_Connection *connection,
                        const char *path, struct answer *answer) {
    const struct page *page = find_page(path);
    if ((page == NULL || !page->is_open) && !is_admitted(port, connection))
        say(answer, MHD_HTTP_UNAUTHORIZED,
            "this needs the token of --admin-token-file: Authorization: Bearer TOKEN\n");
    else if (page == NULL)
        say(answer, MHD_HTTP_NOT_FOUND,
            "there are /metrics, /stats.json, /config, /config.json, /healthz and /readyz here\n");
    else
        page->make(port, connection, answer);
}

/* libmicrohttpd's signature. Called when the headers are there; the answer is the last word. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *body, size_t *body_bytes, void **state) {
    struct cm_admin_port *port = context;
    struct answer answer = {.code = MHD_HTTP_OK};
    (void)version;
    (void)body;
    (void)body_bytes;
    (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        say(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "pages can only be read: GET or HEAD\n");
    else
        make_answer(port, connection, path, &answer);
    return send_answer(&port->http, connection, &answer);
}

/* Paths are compared as they came: no page has anything in its name that needs escaping. */
static size_t on_escapes(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

/* ---- from beginning to end ---- */

static struct MHD_Daemon *start_daemon(struct cm_admin_port *port) {
    const struct MHD_OptionItem settings[] = {
        {MHD_OPTION_LISTEN_SOCKET, (intptr_t)port->options.socket, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CM_ADMIN_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CM_ADMIN_REQUEST_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CM_ADMIN_IDLE_S, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_escapes, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, port},
        {MHD_OPTION_END, 0, NULL},
    };
    return port->http.start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, port,
                                   MHD_OPTION_ARRAY, settings, MHD_OPTION_END);
}

bool cm_admin_port_load(void) {
    struct cm_admin_http http;
    return cm_admin_http_load(&http);
}

enum cm_status cm_admin_port_start(const struct cm_admin_port_options *options,
                                   struct cm_admin_port **out) {
    struct cm_admin_port *port = calloc(1, sizeof *port);
    if (port == NULL || cm_os_mutex_init(&port->lock) != CM_OK) {
        free(port);
        cm_os_socket_close(options->socket);
        return CM_NO_MEMORY;
    }
    port->options = *options;
    port->daemon = cm_admin_http_load(&port->http) ? start_daemon(port) : NULL;
    if (port->daemon == NULL) {
        cm_os_mutex_deinit(&port->lock);
        free(port);
        return CM_SYSTEM;
    }
    *out = port;
    return CM_OK;
}

void cm_admin_port_stop(struct cm_admin_port *port) {
    if (port != NULL) {
        port->http.stop_daemon(port->daemon);
        cm_os_mutex_deinit(&port->lock);
        free(port);
    }
}

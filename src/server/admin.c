/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "server/admin.h"
#include "base/check.h"
#include "config/change.h"
#include "server/internal.h"

#include <stdlib.h>

/* The pages of --admin. */

enum { DEFAULT_PORT = 16181, BACKLOG = 128 };

/* ---- the token ---- */

enum cm_exit cm_server_load_token(struct cm_server *server) {
    const struct cm_config *config = server->config;
    struct cm_admin_token_error error;
    char title[CM_CONFIG_TITLE_BYTES];
    if (config->admin == NULL || config->admin_token_file == NULL)
        return CM_EXIT_OK;
    if (cm_admin_token_create(&server->pages.token) != CM_OK) {
        cm_server_complain("cannot start: out of memory");
        return CM_EXIT_SYSTEM;
    }
    if (cm_admin_token_load(server->pages.token, config->admin_token_file, &error) == CM_OK)
        return CM_EXIT_OK;
    cm_server_complain("%s: %s", cm_config_title(config, CM_OPTION_INDEX_admin_token_file, title),
                       error.text);
    return CM_EXIT_CONFIG;
}

void cm_server_reload_token(struct cm_server *server) {
    const struct cm_config *config = server->config;
    struct cm_admin_token_error error;
    char title[CM_CONFIG_TITLE_BYTES];
    if (server->pages.token == NULL)
        return;
    if (cm_admin_token_load(server->pages.token, config->admin_token_file, &error) != CM_OK)
        cm_server_complain("%s: %s; the token stays as it was",
                           cm_config_title(config, CM_OPTION_INDEX_admin_token_file, title),
                           error.text);
    else
        cm_server_tell("token read again");
}

/* ---- the socket ---- */

static enum cm_exit refuse_reach(const struct cm_config *config, const char *address) {
    char title[CM_CONFIG_TITLE_BYTES];
    cm_server_complain("%s: %s is not loopback: give --admin-token-file FILE",
                       cm_config_title(config, CM_OPTION_INDEX_admin, title), address);
    return config->places[CM_OPTION_INDEX_admin].origin == CM_CONFIG_FROM_FILE ? CM_EXIT_CONFIG
                                                                               : CM_EXIT_USAGE;
}

/* Whoever can connect can read, and by HTTP everything that is sent can be read on the way. */
static enum cm_exit check_reach(const struct cm_server *server) {
    const struct cm_config *config = server->config;
    if (server->pages.opened.loopback)
        return CM_EXIT_OK;
    if (config->admin_tls && (server->pages.token != NULL || config->admin_client_ca != NULL))
        return CM_EXIT_OK;
    if (server->pages.token != NULL) {
        cm_server_warn("the token sent to %s can be read on the way: --admin has no TLS",
                       server->pages.opened.text);
        return CM_EXIT_OK;
    }
    return refuse_reach(config, server->pages.opened.text);
}

enum cm_exit cm_server_check_reach(const struct cm_config *config) {
    struct cm_config_address address;
    struct cm_config_error fault;
    if (config->admin == NULL || config->admin_token_file != NULL ||
        (config->admin_tls && config->admin_client_ca != NULL))
        return CM_EXIT_OK;
    enum cm_status status = cm_config_parse_admin(config->admin, &address, &fault);
    CM_CHECK(status == CM_OK); /* it has been, when the options were read */
    return cm_net_is_beyond_loopback(address.host) ? refuse_reach(config, config->admin)
                                                   : CM_EXIT_OK;
}

enum cm_exit cm_server_open_admin(struct cm_server *server) {
    const struct cm_config *config = server->config;
    struct cm_config_address address;
    struct cm_config_error fault;
    struct cm_net_error error;
    char title[CM_CONFIG_TITLE_BYTES];
    if (config->admin == NULL)
        return CM_EXIT_OK;
    if (!cm_admin_port_load(config->admin_tls)) { /* now: the sandbox would not let it */
        cm_server_complain("%s: needs libmicrohttpd, which is not installed",
                           cm_config_title(config, CM_OPTION_INDEX_admin, title));
        return CM_EXIT_SYSTEM;
    }
    enum cm_status status = cm_config_parse_admin(config->admin, &address, &fault);
    CM_CHECK(status == CM_OK); /* it has been, when the options were read */
    snprintf(server->pages.host, sizeof server->pages.host, "%s", address.host);
    const struct cm_config_list one = {.entries = &address, .count = 1};
    const struct cm_net_listen options = {
        .addresses = &one,
        .port = address.port == CM_CONFIG_PORT_FREE ? 0 : DEFAULT_PORT,
        .backlog = BACKLOG,
    };
    if (cm_net_open(&options, &server->pages.opened, &error) != CM_OK) {
        cm_server_complain("%s: %s", cm_config_title(config, CM_OPTION_INDEX_admin, title),
                           error.text);
        return CM_EXIT_SYSTEM;
    }
    return check_reach(server);
}

/* ---- the pages ---- */

static bool is_ready(void *context) {
    struct cm_server *server = context;
    return atomic_load(&server->serves);
}

static enum cm_status print_config(const struct cm_config *config, struct cm_buf *to) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    if (file == NULL)
        return CM_NO_MEMORY;
    cm_config_print(file, config);
    bool whole = ferror(file) == 0;
    whole = fclose(file) == 0 && whole;
    enum cm_status status = whole ? cm_buf_append(to, cm_slice(text, bytes)) : CM_NO_MEMORY;
    free(text);
    return status;
}

static enum cm_status put_config(void *context, bool json, struct cm_buf *to) {
    struct cm_server *server = context;
    uv_mutex_lock(&server->config_lock);
    enum cm_status status =
        json ? cm_config_put_json(to, server->config) : print_config(server->config, to);
    uv_mutex_unlock(&server->config_lock);
    return status;
}

static void change(void *context, struct cm_admin_change *change) {
    cm_server_take_change(context, change);
}

/* Who has neither token nor password learns no key here that the cache itself would not tell. */
static bool are_keys_hidden(const struct cm_server *server) {
    return server->config->disable_dump || (server->auth != NULL && server->pages.token == NULL &&
                                            server->config->admin_client_ca == NULL);
}

enum cm_exit cm_server_start_admin(struct cm_server *server) {
    if (server->config->admin == NULL)
        return CM_EXIT_OK;
    server->pages.stats = (struct cm_stats_source){
        .store = server->store,
        .admin = server->admin,
        .control = &server->control,
        .keys_hidden = are_keys_hidden(server),
    };
    const struct cm_admin_tls tls = cm_server_admin_tls_of(server);
    const struct cm_admin_port_options options = {
        .socket = server->pages.opened.socket,
        .stats = &server->pages.stats,
        .token = server->pages.token,
        .tls = server->config->admin_tls ? &tls : NULL,
        .log = cm_server_log(),
        .host = server->pages.host,
        .is_ready = is_ready,
        .put_config = put_config,
        .change = change,
        .context = server,
    };
    server->pages.opened.socket = CM_OS_SOCKET_NONE;
    enum cm_status status = cm_admin_port_start(&options, &server->pages.port);
    if (status == CM_OK)
        return CM_EXIT_OK;
    cm_server_complain("cannot start --admin: %s", cm_status_text(status));
    return CM_EXIT_SYSTEM;
}

void cm_server_tick_admin(struct cm_server *server) {
    uv_mutex_lock(&server->pages.lock);
    if (server->pages.port != NULL)
        cm_admin_port_tick(server->pages.port);
    uv_mutex_unlock(&server->pages.lock);
}

void cm_server_stop_admin(struct cm_server *server) {
    uv_mutex_lock(&server->pages.lock);
    cm_admin_port_stop(server->pages.port);
    server->pages.port = NULL;
    uv_mutex_unlock(&server->pages.lock);
    if (server->pages.opened.socket != CM_OS_SOCKET_NONE)
        cm_os_socket_close(server->pages.opened.socket);
    server->pages.opened.socket = CM_OS_SOCKET_NONE;
    cm_server_drop_admin_tls(&server->pages.tls);
    cm_admin_token_destroy(server->pages.token);
    server->pages.token = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <stdlib.h>
#include <string.h>

/* --join: this server as a member of a cluster in etcd. */

/* From taking the entry back to closing the port: clients that watch have moved away by then. */
enum { FAREWELL_MS = 1000, NAME_BYTES = CM_CLUSTER_HOST_BYTES + 16 };

/* ---- how it is called ---- */

struct finding {
    char first[NAME_BYTES]; /* what it listens on, as members are called */
    size_t count;
    bool all_loopback, any_wildcard;
};

/* Others are led to a Unix socket by an absolute path without what needs escaping. */
static bool can_be_named(const char *path) {
    const size_t plain = strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789/._+-");
    return path[0] == '/' && path[plain] == '\0' && plain <= CM_CLUSTER_PATH_BYTES_MAX;
}

static void find_listener(void *context, const struct cm_net_listening *listening) {
    struct finding *found = context;
    const char *address = listening->address;
    if (listening->udp)
        return;
    if (listening->port != 0)
        address = strchr(address, ':') + 1; /* "tcp:" */
    else if (!can_be_named(address + sizeof "unix:" - 1))
        found->any_wildcard = true;
    if (found->count++ == 0)
        snprintf(found->first, sizeof found->first, "%s", address);
    found->all_loopback = found->all_loopback && listening->loopback;
    found->any_wildcard = found->any_wildcard || strncmp(address, "0.0.0.0:", 8) == 0 ||
                          strncmp(address, "[::]:", 5) == 0;
}

/* Whether it is clear what to connect to; loopback's two addresses are the same place. */
static bool is_clear(const struct finding *found) {
    return found->count > 0 && !found->any_wildcard && (found->count == 1 || found->all_loopback);
}

static bool has_port(const char *name) {
    const char *close = strchr(name, ']');
    if (name[0] == '[')
        return close != NULL && close[1] == ':';
    const char *colon = strchr(name, ':');
    return colon != NULL && (strncmp(name, "unix:", 5) == 0 || strchr(colon + 1, ':') == NULL);
}

/* Without one it would follow the cluster unseen. */
static enum cm_exit named(const struct cm_server *server) {
    if (server->place.name != NULL)
        return CM_EXIT_OK;
    cm_server_complain("cannot start: %s", cm_status_text(CM_NO_MEMORY));
    return CM_EXIT_SYSTEM;
}

static enum cm_exit refuse(const struct cm_config *config, enum cm_config_index option,
                           const char *why) {
    char title[CM_CONFIG_TITLE_BYTES];
    cm_server_complain("%s: %s", cm_config_title(config, option, title), why);
    return config->places[option].origin == CM_CONFIG_FROM_FILE ? CM_EXIT_CONFIG : CM_EXIT_USAGE;
}

/* As it was given, with the port if it has none. */
static enum cm_exit take_advertised(struct cm_server *server, const char *given) {
    struct cm_cluster self = {0};
    struct cm_cluster_error error;
    char name[NAME_BYTES], why[192];
    const bool is_bare = strchr(given, ':') != NULL && given[0] != '[';
    if (has_port(given) || server->port == 0)
        snprintf(name, sizeof name, "%s", given);
    else
        snprintf(name, sizeof name, is_bare ? "[%s]:%u" : "%s:%u", given, (unsigned)server->port);
    if (strlen(given) >= CM_CLUSTER_HOST_BYTES ||
        cm_cluster_add_member(&self, cm_slice(name, strlen(name)), 1, &error) != CM_OK) {
        snprintf(why, sizeof why, "\"%.100s\" is not HOST, HOST:PORT, [IPV6]:PORT or unix:PATH",
                 given);
        cm_cluster_deinit(&self);
        return refuse(server->config, CM_OPTION_INDEX_advertise, why);
    }
    server->place.name = strdup(self.members[0].name);
    cm_cluster_deinit(&self);
    return named(server);
}

enum cm_exit cm_server_find_place(struct cm_server *server) {
    const struct cm_config *config = server->config;
    struct cm_cluster_error error;
    struct finding found = {.all_loopback = true};
    if (config->join != NULL && !cm_etcd_load(&error)) { /* now: the sandbox would not let it */
        (void)refuse(config, CM_OPTION_INDEX_join, error.text);
        return CM_EXIT_SYSTEM;
    }
    if (config->advertise != NULL)
        return take_advertised(server, config->advertise);
    cm_net_visit_listeners(server->net, find_listener, &found);
    if (is_clear(&found)) {
        server->place.name = strdup(found.first);
        return named(server);
    }
    return config->join == NULL ? CM_EXIT_OK
                                : refuse(config, CM_OPTION_INDEX_join,
                                         "which of the addresses clients are to use is not clear; "
                                         "give --advertise HOST:PORT");
}

void cm_server_find_place_anew(struct cm_server *server) {
    struct cm_cluster_place *place = &server->place;
    char *before = place->name;
    if (server->config->advertise != NULL)
        return;
    place->name = NULL;
    (void)!cm_server_find_place(server);
    free(before);
    cm_server_renew_listing(server);
}

/* ---- news ---- */

/* A second cm_net_stop() would cut the connections that the first one lets finish. */
static void on_farewell(uv_timer_t *timer) {
    struct cm_server *server = timer->data;
    server->place.is_stopping = true;
    cm_net_stop(server->net);
}

static void see_left(struct cm_server *server, const struct cm_etcd_state *state) {
    struct cm_cluster_place *place = &server->place;
    if (!place->is_leaving || !state->has_left || place->is_stopping ||
        uv_is_active((uv_handle_t *)&place->farewell))
        return;
    uv_timer_start(&place->farewell, on_farewell, place->was_registered ? FAREWELL_MS : 0, 0);
}

/* People hear of a change, not of every attempt. */
static void tell(struct cm_server *server, const struct cm_etcd_state *state) {
    struct cm_cluster_place *place = &server->place;
    const bool is_wrong = state->problem.text[0] != '\0';
    if (is_wrong && !place->was_wrong)
        cm_server_warn("%s; it is tried again", state->problem.text);
    if (state->is_registered && !place->was_registered)
        cm_server_tell("joined the cluster as %s", place->name);
    else if (place->was_wrong && !is_wrong && state->is_registered)
        cm_server_tell("etcd is as it should be again");
    place->was_wrong = is_wrong;
    place->was_registered = state->is_registered;
}

static void on_news(uv_async_t *async) {
    struct cm_server *server = async->data;
    struct cm_etcd_state state;
    cm_etcd_read_state(server->place.etcd, &state);
    see_left(server, &state);
    if (!server->place.is_leaving)
        tell(server, &state);
    cm_server_renew_listing(server);
}

static void on_change(void *context) {
    struct cm_server *server = context;
    uv_async_send(&server->place.news);
}

/* ---- joining and leaving ---- */

/* Options of a connection string that are for clients would have no effect. */
static bool are_for_etcd(struct cm_slice options) {
    static const char word[] = "etcd_";
    const size_t length = sizeof word - 1;
    while (options.len > 0) {
        if (options.len < length || memcmp(options.data, word, length) != 0)
            return false;
        const char *next = memchr(options.data, '&', options.len);
        if (next == NULL)
            break;
        options = cm_slice(next + 1, options.len - (size_t)(next + 1 - options.data));
    }
    return true;
}

/* --join in its parts; of the cluster its settings and endpoints. */
static enum cm_status read_join(const char *join, struct cm_where *where,
                                struct cm_cluster *cluster, struct cm_cluster_error *error) {
    char name[CM_CLUSTER_NAME_BYTES];
    cm_where_split(join, where);
    if (where->kind != CM_WHERE_ETCD)
        snprintf(error->text, sizeof error->text, "write etcd://HOST:PORT/CLUSTER");
    else if (!are_for_etcd(where->options))
        snprintf(error->text, sizeof error->text, "only options that begin with etcd_ are for it");
    else if (cm_cluster_add_endpoints(cluster, where, error) == CM_OK &&
             cm_where_name(where, name, error) == CM_OK)
        return cm_cluster_add_options(cluster, where, error);
    return CM_INVALID;
}

enum cm_exit cm_server_check_cluster(const struct cm_config *config) {
    struct cm_cluster_error error = {0};
    struct cm_cluster cluster;
    struct cm_where where;
    enum cm_exit result = CM_EXIT_OK;
    cm_cluster_init(&cluster);
    if (config->join != NULL && read_join(config->join, &where, &cluster, &error) != CM_OK)
        result = refuse(config, CM_OPTION_INDEX_join, error.text);
    cm_cluster_deinit(&cluster);
    cm_cluster_init(&cluster);
    if (result == CM_EXIT_OK && config->cluster != NULL &&
        cm_cluster_read_file(&cluster, config->cluster, &error) != CM_OK)
        result = refuse(config, CM_OPTION_INDEX_cluster, error.text);
    cm_cluster_deinit(&cluster);
    return result;
}

static enum cm_status open_etcd(struct cm_server *server, struct cm_cluster_error *error) {
    struct cm_where where;
    struct cm_cluster cluster;
    cm_cluster_init(&cluster);
    enum cm_status status = read_join(server->config->join, &where, &cluster, error);
    const struct cm_etcd_options options = {
        .where = &where,
        .settings = &cluster.settings,
        .advertise = server->place.name,
        .weight = (uint32_t)server->config->weight,
        .on_change = on_change,
        .context = server,
    };
    if (status == CM_OK)
        status = cm_etcd_open(&options, &server->place.etcd, error);
    cm_cluster_deinit(&cluster);
    return status;
}

enum cm_exit cm_server_join(struct cm_server *server) {
    struct cm_cluster_place *place = &server->place;
    struct cm_cluster_error error = {0};
    if (server->config->join == NULL)
        return CM_EXIT_OK;
    if (uv_async_init(&server->loop, &place->news, on_news) != 0)
        return CM_EXIT_SYSTEM;
    uv_timer_init(&server->loop, &place->farewell);
    place->news.data = place->farewell.data = server;
    place->has_handles = true;
    const enum cm_status status = open_etcd(server, &error);
    if (status == CM_OK)
        return CM_EXIT_OK;
    const enum cm_exit refused = refuse(server->config, CM_OPTION_INDEX_join, error.text);
    return status == CM_INVALID ? refused : CM_EXIT_SYSTEM;
}

void cm_server_stop(struct cm_server *server) {
    struct cm_cluster_place *place = &server->place;
    atomic_store(&server->serves, false);
    if (place->etcd == NULL || place->is_leaving) {
        if (place->has_handles)
            uv_timer_stop(&place->farewell);
        place->is_stopping = true;
        cm_net_stop(server->net);
        return;
    }
    place->is_leaving = true;
    cm_etcd_leave(place->etcd);
}

void cm_server_close_place(struct cm_server *server) {
    struct cm_cluster_place *place = &server->place;
    cm_etcd_close(place->etcd); /* no news from here on */
    place->etcd = NULL;
    if (place->has_handles) {
        uv_close((uv_handle_t *)&place->news, NULL);
        uv_close((uv_handle_t *)&place->farewell, NULL);
        place->has_handles = false;
    }
    free(place->name);
    place->name = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/orders.h"

#include "base/log.h"
#include "config/change.h"
#include "server/internal.h"

#include <string.h>

enum { VALUE_BYTES = 256 };

/* ---- settings ---- */

static const enum cm_config_index indexes[] = {
    [CM_SERVER_ORDER_MEMORY] = CM_OPTION_INDEX_memory_mb,
    [CM_SERVER_ORDER_POLICY] = CM_OPTION_INDEX_policy,
    [CM_SERVER_ORDER_VERBOSITY] = CM_OPTION_INDEX_verbosity,
};

/* What is in force becomes what is configured. The policy's name is static. */
static void set_value(struct cm_server *server, enum cm_server_order order) {
    struct cmstore_counters counters;
    switch (order) {
    case CM_SERVER_ORDER_MEMORY:
        cmstore_read_counters(server->store, &counters);
        server->config->memory_mb = (int64_t)(counters.memory_limit >> 20);
        break;
    case CM_SERVER_ORDER_POLICY:
        server->config->policy = cmstore_policy(server->store);
        break;
    default:
        server->config->verbosity = atomic_load(&server->verbosity);
        break;
    }
}

static void note(struct cm_server *server, enum cm_server_order order, const char *by) {
    enum cm_config_index index = indexes[order];
    struct cm_config_place place = {.origin = CM_CONFIG_FROM_RUN};
    char before[VALUE_BYTES], after[VALUE_BYTES];
    snprintf(place.by, sizeof place.by, "%s", by);
    uv_mutex_lock(&server->config_lock);
    cm_config_value(server->config, index, before, sizeof before);
    set_value(server, order);
    cm_config_value(server->config, index, after, sizeof after);
    bool differs = strcmp(before, after) != 0;
    if (differs)
        server->config->places[index] = place;
    uv_mutex_unlock(&server->config_lock);
    if (differs)
        cm_log_often(cm_server_log(), CM_LOG_INFO, "%s: %s -> %s, by %s", cm_config_name(index),
                     before, after, by);
}

/* ---- from thread to thread ---- */

void cm_server_order(struct cm_server *server, enum cm_server_order order, int64_t client) {
    static const char *const commands[] = {
        [CM_SERVER_ORDER_MEMORY] = "cache_memlimit of",
        [CM_SERVER_ORDER_POLICY] = "lru policy of",
        [CM_SERVER_ORDER_VERBOSITY] = "verbosity of",
        [CM_SERVER_ORDER_STOP] = "shutdown by",
    };
    struct cm_server_orders *orders = &server->orders;
    char text[CM_NET_CLIENT_BYTES];
    cm_net_client_text(client, text);
    uv_mutex_lock(&server->config_lock);
    snprintf(orders->by[order], sizeof orders->by[order], "%s %s", commands[order], text);
    uv_mutex_unlock(&server->config_lock);
    (void)uv_async_send(&orders->wake);
}

/* Whose it was, taken away; false: there is none. */
static bool take(struct cm_server *server, enum cm_server_order order,
                 char by[CM_CONFIG_BY_BYTES]) {
    struct cm_server_orders *orders = &server->orders;
    uv_mutex_lock(&server->config_lock);
    memcpy(by, orders->by[order], CM_CONFIG_BY_BYTES);
    orders->by[order][0] = '\0';
    uv_mutex_unlock(&server->config_lock);
    return by[0] != '\0';
}

void cm_server_take_orders(struct cm_server *server) {
    char by[CM_CONFIG_BY_BYTES];
    for (int i = 0; i < CM_SERVER_ORDER_STOP; i++) {
        enum cm_server_order order = (enum cm_server_order)i;
        if (take(server, order, by))
            note(server, order, by);
    }
}

static void on_wake(uv_async_t *wake) {
    struct cm_server *server = wake->data;
    char by[CM_CONFIG_BY_BYTES];
    cm_server_take_orders(server);
    if (!take(server, CM_SERVER_ORDER_STOP, by))
        return;
    cm_server_tell("stopping: %s", by);
    cm_server_stop(server);
}

bool cm_server_open_orders(struct cm_server *server) {
    struct cm_server_orders *orders = &server->orders;
    orders->wake.data = server;
    return uv_async_init(&server->loop, &orders->wake, on_wake) == 0;
}

void cm_server_close_orders(struct cm_server *server) {
    uv_close((uv_handle_t *)&server->orders.wake, NULL);
}

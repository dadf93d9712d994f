/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"

#include <errno.h>
#include <stdlib.h>

enum {
    ACCEPTS_PER_TURN = 64,
    ACCEPTS_AT_LAST = 65536, /* more than can wait, but not without an end */
    RETRY_MS = 100,
    FREE_PORT_ATTEMPTS = 16, /* until one is free for every address */
};

static const char too_many[] = "ERROR Too many open connections\r\n";

/* ---- opening ---- */

void cm_listener_destroy(struct cm_listener *listener) {
    if (listener->local)
        cm_os_socket_remove_path(&listener->path);
    cm_os_socket_close(listener->socket);
    free(listener);
}

/* Takes the listener. */
static enum cm_status append_listener(struct cm_net *net, struct cm_listener *listener) {
    void *grown = realloc(net->listeners, (net->listener_count + 1) * sizeof *net->listeners);
    if (grown == NULL) {
        cm_listener_destroy(listener);
        return CM_NO_MEMORY;
    }
    listener->net = net;
    net->listeners = grown;
    net->listeners[net->listener_count++] = listener;
    return CM_OK;
}

static enum cm_status add_listener(struct cm_net *net, cm_os_socket socket,
                                   const struct cm_address *address) {
    struct cm_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        cm_os_socket_close(socket);
        return CM_NO_MEMORY;
    }
    listener->socket = socket;
    listener->v6 = address->socket.any.sa_family == AF_INET6;
    listener->loopback = cm_address_is_loopback(address);
    listener->plain = address->plain;
    cm_address_text(&address->socket.any, listener->address, sizeof listener->address);
    return append_listener(net, listener);
}

static enum cm_status open_path(struct cm_net *net, const struct cm_net_listen *options,
                                struct cm_net_error *error) {
    int code;
    struct cm_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return CM_NO_MEMORY;
    listener->path =
        (struct cm_os_socket_path){.path = options->unix_path, .mask = options->unix_mask};
    listener->socket = cm_os_socket_listen_path(&listener->path, options->backlog, &code);
    if (listener->socket == CM_OS_SOCKET_NONE) {
        free(listener);
        snprintf(error->text, sizeof error->text, "cannot listen on unix:%s: %s",
                 options->unix_path,
                 code == EEXIST ? "there is something else than a socket"
                                : cm_os_socket_error_text(code));
        return CM_SYSTEM;
    }
    listener->local = listener->plain = listener->loopback =
        true; /* nobody listens in on the way */
    snprintf(listener->address, sizeof listener->address, "unix:%s", options->unix_path);
    return append_listener(net, listener);
}

static void set_port(struct cm_address *address, uint16_t port) {
    if (address->socket.any.sa_family == AF_INET6)
        address->socket.v6.sin6_port = htons(port);
    else
        address->socket.v4.sin_port = htons(port);
}

/* An attempt to open all listeners. */
struct opening {
    struct cm_net *net;
    int backlog;
    bool udp;
    uint16_t free_port; /* for the addresses that leave theirs open; 0: not found yet */
    int code;           /* the system's error, 0 if there was none */
    bool taken;         /* the free port was not free for every address */
};

static void fail(struct cm_net_error *error, const struct opening *opening,
                 const struct cm_address *address) {
    char text[CM_NET_ADDRESS_BYTES];
    cm_address_text(&address->socket.any, text, sizeof text);
    snprintf(error->text, sizeof error->text, "cannot listen on %s%s: %s",
             opening->udp ? "udp:" : "", strchr(text, ':') + 1,
             cm_os_socket_error_text(opening->code));
}

static enum cm_status open_address(struct opening *opening, struct cm_address address) {
    bool wants_free = cm_address_port(&address) == 0;
    bool had_free = opening->free_port != 0;
    if (wants_free)
        set_port(&address, opening->free_port);
    const struct sockaddr *any = &address.socket.any;
    size_t bytes = cm_address_bytes(&address);
    cm_os_socket socket = opening->udp
                              ? cm_os_socket_bind(any, bytes, false, &opening->code)
                              : cm_os_socket_listen(any, bytes, opening->backlog, &opening->code);
    if (socket == CM_OS_SOCKET_NONE) {
        opening->taken = wants_free && had_free && opening->code == EADDRINUSE;
        bool lacks_family = opening->code != EADDRINUSE && opening->code != EACCES;
        return address.optional && lacks_family ? CM_OK : CM_SYSTEM;
    }
    uint16_t port = cm_os_socket_port(socket);
    if (wants_free)
        opening->free_port = port;
    set_port(&address, port);
    return opening->udp ? cm_udp_add_listener(opening->net, socket, &address, &opening->code)
                        : add_listener(opening->net, socket, &address);
}

/* Those from the number `first` on. */
static void drop_listeners(struct cm_net *net, size_t first) {
    for (size_t i = first; i < net->listener_count; i++) {
        cm_listener_destroy(net->listeners[i]);
    }
    net->listener_count = first;
}

static enum cm_status open_all(struct opening *opening, const struct cm_addresses *addresses,
                               struct cm_net_error *error) {
    for (size_t i = 0; i < addresses->count; i++) {
        enum cm_status status = open_address(opening, addresses->entries[i]);
        if (status == CM_SYSTEM)
            fail(error, opening, &addresses->entries[i]);
        if (status != CM_OK) {
            if (opening->udp)
                cm_udp_drop_listeners(opening->net);
            else
                drop_listeners(opening->net, 0);
            return status;
        }
    }
    return CM_OK;
}

/* On all addresses, at `port` where they have none of their own. */
static enum cm_status open_network(struct opening *opening, const struct cm_net_listen *options,
                                   struct cm_net_error *error) {
    struct cm_addresses addresses;
    const struct opening fresh = *opening;
    enum cm_status status = cm_addresses_resolve(&addresses, options, error);
    if (status != CM_OK)
        return status;
    int attempts = 0;
    do {
        *opening = fresh;
        status = open_all(opening, &addresses, error);
    } while (opening->taken && ++attempts < FREE_PORT_ATTEMPTS);
    free(addresses.entries);
    return status;
}

enum cm_status cm_listeners_open(struct cm_net *net, const struct cm_net_listen *options,
                                 struct cm_net_error *error) {
    enum cm_status status = CM_OK;
    snprintf(error->text, sizeof error->text, "out of memory");
    if (options->unix_path != NULL)
        return open_path(net, options, error);
    if (options->port != 0) {
        struct opening tcp = {.net = net, .backlog = options->backlog};
        status = open_network(&tcp, options, error);
        net->free_port = tcp.free_port;
    }
    if (status == CM_OK && options->udp_port != 0) {
        struct opening udp = {.net = net, .udp = true};
        struct cm_net_listen udp_options = *options;
        udp_options.port = options->udp_port;
        status = open_network(&udp, &udp_options, error);
    }
    return status;
}

/* ---- accepting ---- */

static struct cm_worker *least_busy(struct cm_net *net) {
    unsigned count = net->options.thread_count;
    struct cm_worker *best = NULL;
    uint32_t best_load = UINT32_MAX;
    CM_CHECK(count > 0); /* nobody accepts before the workers run */
    for (unsigned i = 0; i < count; i++) {
        struct cm_worker *worker = &net->workers[(net->next_worker + i) % count];
        uint32_t load = atomic_load_explicit(&worker->conn_count, memory_order_relaxed);
        if (load < best_load) {
            best = worker;
            best_load = load;
        }
    }
    net->next_worker = (net->next_worker + 1) % count;
    return best;
}

static bool is_full(struct cm_net *net) {
    return atomic_load_explicit(&net->connections, memory_order_relaxed) >=
           atomic_load_explicit(&net->connections_max, memory_order_relaxed);
}

static void take(struct cm_listener *listener, cm_os_socket socket) {
    struct cm_net *net = listener->net;
    const struct cm_arrival arrival = {
        .socket = socket, .local = listener->local, .plain = listener->plain};
    if (is_full(net)) {
        cm_net_count(&net->rejected);
        CM_NET_LOG(net, CM_LOG_WARNING, "too many open connections");
        /* A client of TLS could make nothing of the text. */
        bool plain = net->options.tls == NULL || listener->plain || listener->local;
        cm_os_socket_refuse(socket, too_many, plain ? sizeof too_many - 1 : 0);
        return;
    }
    cm_net_count(&net->connections);
    cm_net_count(&net->connections_total);
    if (cm_worker_give(least_busy(net), arrival) != CM_OK) {
        atomic_fetch_sub_explicit(&net->connections, 1, memory_order_relaxed);
        cm_os_socket_close(socket);
    }
}

/* False: nobody waits any more, or there is no room. */
static bool accept_one(struct cm_listener *listener) {
    struct cm_net *net = listener->net;
    cm_os_socket socket;
    if (net->options.connections_wait && is_full(net)) {
        cm_listeners_pause(net, "too many open connections");
        return false;
    }
    switch (cm_os_socket_accept(listener->socket, &socket)) {
    case CM_OS_ACCEPTED:
        take(listener, socket);
        return true;
    case CM_OS_ACCEPT_NONE:
        break;
    case CM_OS_ACCEPT_EXHAUSTED:
        cm_listeners_pause(net, "out of descriptors");
        break;
    }
    return false;
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTS_PER_TURN; i++) {
        if (!accept_one(poll->data))
            return;
    }
}

static void on_retry(uv_timer_t *timer) {
    cm_listeners_start(timer->data);
}

void cm_listeners_start(struct cm_net *net) {
    if (net->options.connections_wait && is_full(net)) {
        uv_timer_start(&net->retry, on_retry, RETRY_MS, 0);
        return;
    }
    if (atomic_exchange(&net->accept_paused, false)) {
        uint64_t us = (uv_hrtime() - net->paused_ns) / 1000;
        atomic_fetch_add_explicit(&net->accept_paused_us, us, memory_order_relaxed);
    }
    uv_timer_stop(&net->retry);
    for (size_t i = 0; i < net->listener_count; i++)
        uv_poll_start(&net->listeners[i]->poll, UV_READABLE, on_acceptable);
}

void cm_listeners_pause(struct cm_net *net, const char *why) {
    CM_NET_LOG(net, CM_LOG_WARNING, "%s: accepting no connections for now", why);
    for (size_t i = 0; i < net->listener_count; i++)
        uv_poll_stop(&net->listeners[i]->poll);
    net->paused_ns = uv_hrtime();
    cm_net_count(&net->accept_pauses);
    atomic_store(&net->accept_paused, true);
    uv_timer_start(&net->retry, on_retry, RETRY_MS, 0);
}

static void on_listener_closed(uv_handle_t *handle) {
    cm_listener_destroy(handle->data);
}

/* From `first` on; all or none. */
static enum cm_status init_from(struct cm_net *net, size_t first) {
    for (size_t i = first; i < net->listener_count; i++) {
        struct cm_listener *listener = net->listeners[i];
        if (uv_poll_init_socket(net->options.loop, &listener->poll,
                                (uv_os_sock_t)listener->socket) != 0) {
            drop_listeners(net, i);
            while (net->listener_count > first) {
                struct cm_listener *last = net->listeners[--net->listener_count];
                uv_close((uv_handle_t *)&last->poll, on_listener_closed);
            }
            return CM_SYSTEM;
        }
        listener->poll.data = listener;
    }
    return CM_OK;
}

enum cm_status cm_listeners_init(struct cm_net *net) {
    return init_from(net, 0);
}

/* Clients count on those that the system has let in: what they have sent is to be answered. */
void cm_listeners_take_last(struct cm_net *net) {
    for (size_t i = 0; i < net->listener_count; i++) {
        int left = ACCEPTS_AT_LAST;
        while (!atomic_load(&net->accept_paused) && left-- > 0 && accept_one(net->listeners[i]))
            ;
    }
}

void cm_listeners_close(struct cm_net *net) {
    uv_mutex_lock(&net->lock);
    net->listens = false;
    uv_mutex_unlock(&net->lock);
    for (size_t i = 0; i < net->listener_count; i++)
        uv_close((uv_handle_t *)&net->listeners[i]->poll, on_listener_closed);
    net->listener_count = 0;
}

/* ---- changing ---- */

static bool is_at(const struct cm_listener *listener, const struct cm_address *address) {
    char text[CM_NET_ADDRESS_BYTES];
    cm_address_text(&address->socket.any, text, sizeof text);
    return strcmp(listener->address, text) == 0;
}

static struct cm_listener *find(const struct cm_net *net, const struct cm_address *address) {
    for (size_t i = 0; i < net->listener_count; i++) {
        if (is_at(net->listeners[i], address))
            return net->listeners[i];
    }
    return NULL;
}

static bool is_wanted(const struct cm_listener *listener, const struct cm_addresses *addresses) {
    for (size_t i = 0; i < addresses->count; i++) {
        if (is_at(listener, &addresses->entries[i]))
            return true;
    }
    return false;
}

/* Caller holds the lock. Opens those that are missing, behind the others. */
static enum cm_status open_missing_locked(struct cm_net *net, const struct cm_addresses *addresses,
                                          int backlog, struct cm_net_error *error) {
    struct opening opening = {.net = net, .backlog = backlog};
    for (size_t i = 0; i < addresses->count; i++) {
        const struct cm_address *address = &addresses->entries[i];
        struct cm_listener *there = find(net, address);
        if (there != NULL && there->plain != address->plain) {
            snprintf(error->text, sizeof error->text,
                     "%s: whether it speaks TLS can only change with a restart", there->address);
            return CM_SYSTEM;
        }
        enum cm_status status = there == NULL ? open_address(&opening, *address) : CM_OK;
        if (status == CM_SYSTEM)
            fail(error, &opening, address);
        if (status != CM_OK)
            return status;
    }
    return CM_OK;
}

/* Caller holds the lock. */
static void close_unwanted_locked(struct cm_net *net, const struct cm_addresses *addresses) {
    size_t kept = 0;
    for (size_t i = 0; i < net->listener_count; i++) {
        struct cm_listener *listener = net->listeners[i];
        if (is_wanted(listener, addresses))
            net->listeners[kept++] = listener;
        else
            uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    }
    net->listener_count = kept;
}

enum cm_status cm_listeners_change(struct cm_net *net, const struct cm_net_listen *options,
                                   struct cm_net_error *error) {
    struct cm_addresses addresses;
    struct cm_net_listen wanted = *options;
    if (wanted.port < 0)
        wanted.port = net->free_port;
    snprintf(error->text, sizeof error->text, "out of memory");
    enum cm_status status = cm_addresses_resolve(&addresses, &wanted, error);
    if (status != CM_OK)
        return status;
    uv_mutex_lock(&net->lock);
    size_t before = net->listener_count;
    status = open_missing_locked(net, &addresses, options->backlog, error);
    if (status != CM_OK)
        drop_listeners(net, before);
    else if (init_from(net, before) != CM_OK)
        status = CM_SYSTEM;
    if (status == CM_OK)
        close_unwanted_locked(net, &addresses);
    uv_mutex_unlock(&net->lock);
    if (status == CM_OK && !atomic_load(&net->accept_paused))
        cm_listeners_start(net);
    free(addresses.entries);
    return status;
}

/* ---- looking in ---- */

/* What visiting them takes along. */
struct visiting {
    cm_net_connection_visitor *visitor;
    void *context;
    struct cm_net_connection entry;
};

static void visit(struct visiting *visiting, cm_os_socket socket, const char *address) {
    visiting->entry.descriptor = (int64_t)socket;
    visiting->entry.address = address;
    visiting->visitor(visiting->context, &visiting->entry);
}

/* Caller holds the lock. */
static void visit_udp_locked(const struct cm_net *net, struct visiting *visiting) {
    visiting->entry.state = "conn_read";
    visiting->entry.udp = true;
    for (size_t i = 0; i < net->udp_listener_count; i++) {
        const struct cm_udp_listener *listener = &net->udp_listeners[i];
        for (size_t j = 0; j < listener->taken; j++)
            visit(visiting, listener->sockets[j], listener->address);
    }
}

void cm_listeners_visit(struct cm_net *net, cm_net_connection_visitor *visitor, void *context) {
    struct visiting visiting = {visitor, context, {.state = "conn_listening"}};
    uv_mutex_lock(&net->lock);
    if (net->listens) {
        visiting.entry.idle_s = (uint32_t)((uv_hrtime() - net->start_ns) / 1000000000);
        for (size_t i = 0; i < net->listener_count; i++)
            visit(&visiting, net->listeners[i]->socket, net->listeners[i]->address);
        visit_udp_locked(net, &visiting);
    }
    uv_mutex_unlock(&net->lock);
}

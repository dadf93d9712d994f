/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/net.h"

#include "base/os/process.h"
#include "metrics/metrics.h"
#include "net/conn.h"
#include "net/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory (N1, N2) ---- */

static void follow_charge(struct cm_net *net, int64_t held) {
    int64_t wanted = held > CM_NET_HELD_FREE ? held - CM_NET_HELD_FREE : 0;
    int64_t charged = atomic_load_explicit(&net->charged_bytes, memory_order_relaxed);
    int64_t change = wanted - charged;
    if (change < CM_NET_CHARGE_STEP && change > -CM_NET_CHARGE_STEP)
        return;
    /* Of several threads one moves the charge; the others' bytes are in `held` and follow with
     * the next step. */
    if (!atomic_compare_exchange_strong(&net->charged_bytes, &charged, wanted))
        return;
    /* What the allocator keeps free is not ours any more once the store has the room back. */
    if (change < 0)
        cm_os_process_trim();
    cmstore_charge(net->options.env->store, change);
}

void cm_net_hold(struct cm_net *net, int64_t bytes) {
    follow_charge(net, atomic_fetch_add(&net->held_bytes, bytes) + bytes);
}

void cm_net_pin(struct cm_net *net, int64_t bytes) {
    if (bytes != 0)
        atomic_fetch_add_explicit(&net->pinned_bytes, bytes, memory_order_relaxed);
}

bool cm_net_is_short(struct cm_net *net, int part) {
    int64_t memory = (int64_t)atomic_load_explicit(&net->memory_bytes, memory_order_relaxed);
    int64_t held = atomic_load_explicit(&net->held_bytes, memory_order_relaxed);
    int64_t pinned = atomic_load_explicit(&net->pinned_bytes, memory_order_relaxed);
    int64_t held_max = CM_NET_HELD_FREE + memory / CM_NET_HELD_SHARE;
    return held > held_max / part || pinned > memory / CM_NET_PINNED_SHARE / part;
}

void cm_net_set_memory(struct cm_net *net, uint64_t bytes) {
    atomic_store_explicit(&net->memory_bytes, bytes, memory_order_relaxed);
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle) {
    struct cm_net *net = handle->data;
    if (--net->open_handles == 0 && net->started)
        net->options.on_stopped(net->options.context);
}

static void close_handles(struct cm_net *net) {
    uv_close((uv_handle_t *)&net->wake, on_handle_closed);
    uv_close((uv_handle_t *)&net->retry, on_handle_closed);
}

static void join_workers(struct cm_net *net) {
    for (unsigned i = 0; i < net->workers_running; i++)
        uv_thread_join(&net->workers[i].thread);
    net->workers_running = 0;
}

/* A worker has ended, or a descriptor is free again. */
static void on_wake(uv_async_t *async) {
    struct cm_net *net = async->data;
    if (net->stopping) {
        if (net->workers_running > 0 && atomic_load(&net->workers_ended) == net->workers_running) {
            join_workers(net);
            close_handles(net);
        }
    } else if (atomic_load_explicit(&net->accept_paused, memory_order_relaxed)) {
        cm_listeners_start(net);
    }
}

void cm_net_stop(struct cm_net *net) {
    if (!net->started)
        return;
    if (!net->stopping) {
        cm_listeners_take_last(net);
        uv_timer_stop(&net->retry);
        cm_listeners_close(net);
    }
    enum cm_worker_stop how = net->stopping ? CM_WORKER_QUITS : CM_WORKER_DRAINS;
    net->stopping = true;
    for (unsigned i = 0; i < net->workers_running; i++)
        cm_worker_stop(&net->workers[i], how);
}

/* ---- the beginning ---- */

static enum cm_status init_workers(struct cm_net *net) {
    unsigned count = net->options.thread_count;
    net->workers = aligned_alloc(_Alignof(struct cm_worker), count * sizeof *net->workers);
    if (net->workers == NULL)
        return CM_NO_MEMORY;
    for (; net->workers_ready < count; net->workers_ready++) {
        struct cm_metrics *metrics = cm_metrics_of_thread(net->options.metrics, net->workers_ready);
        enum cm_status status = cm_worker_init(&net->workers[net->workers_ready], net, metrics);
        if (status != CM_OK)
            return status;
    }
    return CM_OK;
}

enum cm_status cm_net_create(const struct cm_net_options *options, struct cm_net **out) {
    struct cm_net *net = calloc(1, sizeof *net);
    if (net == NULL)
        return CM_NO_MEMORY;
    if (uv_mutex_init(&net->lock) != 0) {
        free(net);
        return CM_NO_MEMORY;
    }
    net->options = *options;
    atomic_store(&net->connections_max, options->connections_max);
    atomic_store(&net->idle_timeout_s, options->idle_timeout_s);
    atomic_store(&net->slow_ns, options->slow_ns);
    *out = net;
    return CM_OK;
}

void cm_net_destroy(struct cm_net *net) {
    if (net == NULL)
        return;
    for (size_t i = 0; i < net->listener_count; i++) { /* opened, but never started */
        cm_listener_destroy(net->listeners[i]);
    }
    cm_udp_drop_listeners(net);
    for (unsigned i = 0; i < net->workers_ready; i++)
        cm_worker_deinit(&net->workers[i]);
    follow_charge(net, 0);
    uv_mutex_destroy(&net->lock);
    free(net->workers);
    free(net->listeners);
    free(net);
}

enum cm_status cm_net_listen(struct cm_net *net, const struct cm_net_listen *options,
                             struct cm_net_error *error) {
    return cm_listeners_open(net, options, error);
}

enum cm_status cm_net_listen_anew(struct cm_net *net, const struct cm_net_listen *options,
                                  struct cm_net_error *error) {
    if (net->stopping) { /* nobody would close them */
        snprintf(error->text, sizeof error->text, "the server is stopping");
        return CM_SYSTEM;
    }
    return cm_listeners_change(net, options, error);
}

/* All or none. */
static enum cm_status init_handles(struct cm_net *net) {
    uv_loop_t *loop = net->options.loop;
    if (uv_async_init(loop, &net->wake, on_wake) != 0)
        return CM_SYSTEM;
    uv_timer_init(loop, &net->retry);
    net->wake.data = net->retry.data = net;
    net->open_handles = 2;
    enum cm_status status = cm_listeners_init(net);
    if (status != CM_OK)
        close_handles(net);
    return status;
}

static enum cm_status start_workers(struct cm_net *net) {
    for (; net->workers_running < net->workers_ready; net->workers_running++) {
        enum cm_status status = cm_worker_start(&net->workers[net->workers_running]);
        if (status != CM_OK)
            return status;
    }
    return CM_OK;
}

enum cm_status cm_net_start(struct cm_net *net) {
    enum cm_status status = init_workers(net);
    if (status == CM_OK)
        status = init_handles(net);
    if (status != CM_OK)
        return status;
    status = start_workers(net);
    if (status == CM_OK) {
        net->started = true;
        uv_mutex_lock(&net->lock);
        net->start_ns = uv_hrtime();
        net->listens = true;
        uv_mutex_unlock(&net->lock);
        cm_listeners_start(net);
        return CM_OK;
    }
    for (unsigned i = 0; i < net->workers_running; i++)
        cm_worker_stop(&net->workers[i], CM_WORKER_QUITS);
    join_workers(net);
    cm_listeners_close(net);
    close_handles(net);
    return status;
}

/* ---- looking in ---- */

void cm_net_set_connections_max(struct cm_net *net, uint32_t count) {
    atomic_store_explicit(&net->connections_max, count, memory_order_relaxed);
}

void cm_net_set_slow(struct cm_net *net, uint64_t ns) {
    atomic_store_explicit(&net->slow_ns, ns, memory_order_relaxed);
}

void cm_net_set_idle_timeout(struct cm_net *net, uint32_t seconds) {
    atomic_store_explicit(&net->idle_timeout_s, seconds, memory_order_relaxed);
    for (unsigned i = 0; i < net->workers_running; i++)
        cm_worker_wake(&net->workers[i]);
}

static uint64_t get(_Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void cm_net_read_counts(struct cm_net *net, struct cm_net_counts *counts) {
    int64_t held = atomic_load_explicit(&net->held_bytes, memory_order_relaxed);
    *counts = (struct cm_net_counts){
        .connections = get(&net->connections),
        .connections_total = get(&net->connections_total),
        .rejected = get(&net->rejected),
        .idle_kicks = get(&net->idle_kicks),
        .stalled_kicks = get(&net->stalled_kicks),
        .accept_pauses = get(&net->accept_pauses),
        .accept_paused_us = get(&net->accept_paused_us),
        .new_sessions = get(&net->new_sessions),
        .resumed_sessions = get(&net->resumed_sessions),
        .kernel_sessions = get(&net->kernel_sessions),
        .handshake_errors = get(&net->handshake_errors),
        .accepting = !atomic_load_explicit(&net->accept_paused, memory_order_relaxed),
        .held_bytes = held > 0 ? (uint64_t)held : 0,
    };
}

void cm_net_visit_listeners(struct cm_net *net, cm_net_listener_visitor *visitor, void *context) {
    for (size_t i = 0; i < net->listener_count; i++) {
        struct cm_listener *listener = net->listeners[i];
        const struct cm_net_listening listening = {
            .address = listener->address,
            .port = cm_os_socket_port(listener->socket),
            .v6 = listener->v6,
            .loopback = listener->loopback,
            .plain = listener->plain,
        };
        visitor(context, &listening);
    }
    for (size_t i = 0; i < net->udp_listener_count; i++) {
        const struct cm_udp_listener *listener = &net->udp_listeners[i];
        const struct cm_net_listening listening = {
            .address = listener->address,
            .port = listener->port,
            .v6 = listener->v6,
            .udp = true,
            .loopback = listener->loopback,
            .plain = true,
        };
        visitor(context, &listening);
    }
}

/* Both texts are of CM_NET_ADDRESS_BYTES. */
static void describe_ends(struct cm_conn *conn, char *peer, char *own) {
    struct sockaddr_storage storage;
    int bytes = sizeof storage;
    char path[CM_NET_ADDRESS_BYTES - sizeof "unix:"] = "";
    size_t path_bytes = sizeof path;
    snprintf(peer, CM_NET_ADDRESS_BYTES, "?");
    snprintf(own, CM_NET_ADDRESS_BYTES, "?");
    if (conn->handle.type == UV_NAMED_PIPE) {
        if (uv_pipe_getsockname(&conn->pipe, path, &path_bytes) != 0)
            path[0] = '\0';
        snprintf(own, CM_NET_ADDRESS_BYTES, "unix:%s", path);
        memcpy(peer, own, CM_NET_ADDRESS_BYTES); /* a client has no name of its own */
        return;
    }
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&storage, &bytes) == 0)
        cm_address_text((struct sockaddr *)&storage, peer, CM_NET_ADDRESS_BYTES);
    bytes = sizeof storage;
    if (uv_tcp_getsockname(&conn->tcp, (struct sockaddr *)&storage, &bytes) == 0)
        cm_address_text((struct sockaddr *)&storage, own, CM_NET_ADDRESS_BYTES);
}

static void visit(struct cm_conn *conn, cm_net_connection_visitor *visitor, void *context) {
    char address[CM_NET_ADDRESS_BYTES], listen_address[CM_NET_ADDRESS_BYTES];
    uv_os_fd_t descriptor;
    if (uv_fileno(&conn->handle, &descriptor) != 0)
        return;
    describe_ends(conn, address, listen_address);
    uint32_t active = atomic_load_explicit(&conn->active_s, memory_order_relaxed);
    uint32_t now = (uint32_t)(uv_hrtime() / 1000000000);
    const struct cm_net_connection connection = {
        .descriptor = (int64_t)descriptor,
        .address = address,
        .listen_address = listen_address,
        .state = atomic_load_explicit(&conn->state_name, memory_order_relaxed),
        .idle_s = now > active ? now - active : 0,
    };
    visitor(context, &connection);
}

void cm_net_visit_connections(struct cm_net *net, cm_net_connection_visitor *visitor,
                              void *context) {
    cm_listeners_visit(net, visitor, context);
    for (unsigned i = 0; i < net->workers_ready; i++) {
        struct cm_worker *worker = &net->workers[i];
        uv_mutex_lock(&worker->lock);
        for (struct cm_link *link = worker->conns.next; link != &worker->conns; link = link->next)
            visit(CM_LINKED(link, struct cm_conn, all), visitor, context);
        uv_mutex_unlock(&worker->lock);
    }
}

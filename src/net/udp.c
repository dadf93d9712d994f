/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/internal.h"
#include "net/sending.h"
#include "net/timing.h"
#include "session/datagram.h"

#include <stdlib.h>
#include <string.h>

/* Datagrams: each is answered at once or not at all, and nothing is kept of it. What the socket does
 * not take is lost, as on the way. */

enum { PIECES_MAX = 8 };

struct cm_udp {
    uv_udp_t handle;
    struct cm_worker *worker;
};

/* ---- answering ---- */

/* Points `pieces` at the next `bytes` of the answer. */
static unsigned gather(const struct cm_sending *sending, uv_buf_t *pieces, size_t bytes) {
    unsigned count = cm_sending_gather(sending, pieces, PIECES_MAX, bytes);
    size_t before = 0;
    for (unsigned i = 0; i + 1 < count; i++)
        before += pieces[i].len;
    if (count > 0 && before + pieces[count - 1].len > bytes)
        pieces[count - 1].len = bytes - before;
    return count;
}

static size_t sum(const uv_buf_t *pieces, unsigned count) {
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += pieces[i].len;
    return bytes;
}

static void send_answer(struct cm_udp *udp, uint16_t id, const struct sockaddr *to) {
    struct cm_out *out = &udp->worker->out;
    struct cm_sending sending = cm_sending_of(out);
    unsigned total = cm_datagram_count(out->len + out->held_bytes);
    for (unsigned sequence = 0; sequence < total; sequence++) {
        char header[CM_DATAGRAM_HEADER_BYTES];
        uv_buf_t pieces[PIECES_MAX + 1] = {uv_buf_init(header, sizeof header)};
        cm_datagram_write(header, id, sequence, total);
        unsigned count = gather(&sending, pieces + 1, CM_DATAGRAM_PAYLOAD_BYTES);
        if (uv_udp_try_send(&udp->handle, pieces, count + 1, to) < 0)
            break;
        cm_sending_advance(&sending, sum(pieces + 1, count));
    }
    cm_sending_abandon(&sending);
    cm_session_out_clear(out);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    const struct cm_udp *udp = handle->data;
    (void)suggested;
    cm_timing_read(udp->worker);
    *buffer = uv_buf_init(udp->worker->input, CM_WORKER_INPUT_BYTES);
}

static void on_datagram(uv_udp_t *handle, ssize_t count, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags) {
    struct cm_udp *udp = handle->data;
    struct cm_worker *worker = udp->worker;
    struct cm_datagram datagram;
    if (count <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0)
        return;
    CM_NET_LOG(worker->net, CM_LOG_TRACE, "received a datagram of %zd bytes", count);
    if (!cm_datagram_read(cm_slice(buffer->base, (size_t)count), &datagram))
        return;
    worker->turn_bytes += (size_t)count;
    cm_worker_enter_store(worker);
    cm_timing_prepare(worker);
    cm_session_answer_datagram(worker->sessions, datagram.request, &worker->out);
    send_answer(udp, datagram.id, from);
    cm_timing_answered(worker, worker->turn_ns, &(struct cm_timing_client){.from = from});
}

/* ---- a worker's sockets ---- */

enum cm_status cm_udp_init(struct cm_worker *worker) {
    struct cm_net *net = worker->net;
    size_t index = (size_t)(worker - net->workers);
    if (net->udp_listener_count == 0)
        return CM_OK;
    worker->udp = calloc(net->udp_listener_count, sizeof *worker->udp);
    if (worker->udp == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < net->udp_listener_count; i++) {
        struct cm_udp *udp = &worker->udp[i];
        struct cm_udp_listener *listener = &net->udp_listeners[i];
        udp->worker = worker;
        if (uv_udp_init(&worker->loop, &udp->handle) != 0)
            return CM_SYSTEM;
        worker->udp_count++;
        udp->handle.data = udp;
        if (uv_udp_open(&udp->handle, (uv_os_sock_t)listener->sockets[index]) != 0)
            return CM_SYSTEM;
        listener->taken = index + 1; /* workers come one after the other */
        if (uv_udp_recv_start(&udp->handle, on_buffer, on_datagram) != 0)
            return CM_SYSTEM;
    }
    return CM_OK;
}

void cm_udp_close(struct cm_worker *worker) {
    for (size_t i = 0; i < worker->udp_count; i++) {
        if (!uv_is_closing((uv_handle_t *)&worker->udp[i].handle))
            uv_close((uv_handle_t *)&worker->udp[i].handle, NULL);
    }
}

/* ---- listening ---- */

static void close_sockets(const struct cm_udp_listener *listener, size_t count) {
    for (size_t i = listener->taken; i < count; i++)
        cm_os_socket_close(listener->sockets[i]);
    free(listener->sockets);
}

/* The first socket has shown that nobody else has the address; only ours may share it. */
static enum cm_status open_sockets(struct cm_udp_listener *listener, size_t count,
                                   const struct cm_address *address, int *code) {
    listener->sockets = calloc(count, sizeof *listener->sockets);
    if (listener->sockets == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        listener->sockets[i] =
            cm_os_socket_bind(&address->socket.any, cm_address_bytes(address), count > 1, code);
        if (listener->sockets[i] == CM_OS_SOCKET_NONE) {
            close_sockets(listener, i);
            return CM_SYSTEM;
        }
    }
    return CM_OK;
}

enum cm_status cm_udp_add_listener(struct cm_net *net, cm_os_socket first,
                                   const struct cm_address *address, int *code) {
    struct cm_udp_listener listener = {
        .port = cm_address_port(address),
        .v6 = address->socket.any.sa_family == AF_INET6,
        .loopback = cm_address_is_loopback(address),
    };
    char text[CM_NET_ADDRESS_BYTES];
    cm_address_text(&address->socket.any, text, sizeof text);
    snprintf(listener.address, sizeof listener.address, "udp%s", text + strlen("tcp"));
    cm_os_socket_close(first);
    void *grown =
        realloc(net->udp_listeners, (net->udp_listener_count + 1) * sizeof *net->udp_listeners);
    if (grown == NULL)
        return CM_NO_MEMORY;
    net->udp_listeners = grown;
    enum cm_status status = open_sockets(&listener, net->options.thread_count, address, code);
    if (status == CM_OK)
        net->udp_listeners[net->udp_listener_count++] = listener;
    return status;
}

void cm_udp_drop_listeners(struct cm_net *net) {
    for (size_t i = 0; i < net->udp_listener_count; i++)
        close_sockets(&net->udp_listeners[i], net->options.thread_count);
    free(net->udp_listeners);
    net->udp_listeners = NULL;
    net->udp_listener_count = 0;
}

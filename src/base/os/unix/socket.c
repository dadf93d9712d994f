/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_flag(int descriptor, int level, int name) {
    int one = 1;
    (void)setsockopt(descriptor, level, name, &one, sizeof one);
}

cm_os_socket cm_os_socket_listen(const struct sockaddr *address, size_t address_bytes, int backlog,
                                 int *error) {
    int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        *error = errno;
        return CM_OS_SOCKET_NONE;
    }
    set_flag(descriptor, SOL_SOCKET, SO_REUSEADDR);
    if (address->sa_family == AF_INET6)
        set_flag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    if (bind(descriptor, address, (socklen_t)address_bytes) != 0 ||
        listen(descriptor, backlog) != 0) {
        *error = errno;
        close(descriptor);
        return CM_OS_SOCKET_NONE;
    }
    return descriptor;
}

uint16_t cm_os_socket_port(cm_os_socket listener) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t bytes = sizeof address;
    if (getsockname((int)listener, &address.any, &bytes) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum cm_os_accept cm_os_socket_accept(cm_os_socket listener, cm_os_socket *out) {
    for (;;) {
        int descriptor = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            set_flag(descriptor, IPPROTO_TCP, TCP_NODELAY);
            set_flag(descriptor, SOL_SOCKET, SO_KEEPALIVE); /* or vanished peers stay for ever */
            *out = descriptor;
            return CM_OS_ACCEPTED;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return CM_OS_ACCEPT_NONE;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return CM_OS_ACCEPT_EXHAUSTED;
    }
}

void cm_os_socket_refuse(cm_os_socket socket, const void *data, size_t bytes) {
    char drain[4096];
    (void)send((int)socket, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown((int)socket, SHUT_WR);
    /* Closing with unread bytes resets the connection, and a reset may overtake the message. */
    (void)recv((int)socket, drain, sizeof drain, MSG_DONTWAIT);
    close((int)socket);
}

void cm_os_socket_close(cm_os_socket socket) {
    close((int)socket);
}

const char *cm_os_socket_error_text(int error) {
    return strerror(error);
}

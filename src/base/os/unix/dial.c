/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* As many are waited for in one go on the stack. */
#define POLL_MAX 1024

_Static_assert(sizeof(struct sockaddr_un) <= CM_OS_ADDRESS_BYTES, "every address fits");

bool cm_os_address_path(const char *path, struct cm_os_address *out) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, length + 1);
    memcpy(out->bytes, &address, sizeof address);
    out->length = sizeof address;
    return true;
}

size_t cm_os_address_host(const struct cm_os_host *host, struct cm_os_address *out, size_t room) {
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    size_t count = 0;
    snprintf(port, sizeof port, "%u", (unsigned)host->port);
    hints.ai_flags = AI_NUMERICSERV | (host->look_up ? AI_ADDRCONFIG : AI_NUMERICHOST);
    if (getaddrinfo(host->name, port, &hints, &list) != 0)
        return 0;
    for (struct addrinfo *at = list; at != NULL && count < room; at = at->ai_next) {
        if (at->ai_addrlen > CM_OS_ADDRESS_BYTES)
            continue;
        memcpy(out[count].bytes, at->ai_addr, at->ai_addrlen);
        out[count++].length = (uint32_t)at->ai_addrlen;
    }
    freeaddrinfo(list);
    return count;
}

static void set_flag(int descriptor, int level, int name) {
    int one = 1;
    (void)setsockopt(descriptor, level, name, &one, sizeof one);
}

cm_os_socket cm_os_dial(const struct cm_os_address *address, int *error) {
    const struct sockaddr *to = (const struct sockaddr *)(const void *)address->bytes;
    int descriptor = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        *error = errno;
        return CM_OS_SOCKET_NONE;
    }
    if (to->sa_family != AF_UNIX) {
        set_flag(descriptor, IPPROTO_TCP, TCP_NODELAY);
        set_flag(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    }
    int result;
    do {
        result = connect(descriptor, to, (socklen_t)address->length);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno != EINPROGRESS) {
        *error = errno; /* on a Unix socket EAGAIN: its queue is full */
        cm_os_socket_close(descriptor);
        return CM_OS_SOCKET_NONE;
    }
    return descriptor;
}

int cm_os_dial_end(cm_os_socket socket) {
    int error = 0;
    socklen_t bytes = sizeof error;
    if (getsockopt((int)socket, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        return errno;
    const int flags = fcntl((int)socket, F_GETFL);
    if (error == 0 && (flags < 0 || fcntl((int)socket, F_SETFL, flags & ~O_NONBLOCK) != 0))
        return errno;
    return error;
}

static enum cm_os_io io_result(ssize_t result, size_t *done) {
    *done = result > 0 ? (size_t)result : 0;
    if (result > 0)
        return CM_OS_IO_OK;
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return CM_OS_IO_WAIT;
    return CM_OS_IO_ENDED;
}

enum cm_os_io cm_os_send(cm_os_socket socket, const void *data, size_t bytes, size_t *done) {
    return io_result(send((int)socket, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT), done);
}

enum cm_os_io cm_os_receive(cm_os_socket socket, void *to, size_t room, size_t *done) {
    return io_result(recv((int)socket, to, room, MSG_DONTWAIT), done);
}

enum cm_os_io cm_os_receive_wait(cm_os_socket socket, void *to, size_t room, size_t *done) {
    return io_result(recv((int)socket, to, room, 0), done);
}

void cm_os_set_patience(cm_os_socket socket, uint32_t timeout_ms) {
    const struct timeval patience = {.tv_sec = timeout_ms / 1000,
                                     .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    (void)setsockopt((int)socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

bool cm_os_is_quiet(cm_os_socket socket) {
    char byte;
    return recv((int)socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool cm_os_wait(struct cm_os_wait *waits, size_t count, uint32_t timeout_ms) {
    struct pollfd polls[POLL_MAX];
    if (count > POLL_MAX)
        count = POLL_MAX;
    for (size_t i = 0; i < count; i++) {
        polls[i] = (struct pollfd){.fd = (int)waits[i].socket};
        polls[i].events = (short)((waits[i].read ? POLLIN : 0) | (waits[i].write ? POLLOUT : 0));
        waits[i].read = waits[i].write = false;
    }
    const int timeout = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    if (poll(polls, count, timeout) <= 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const bool over = (polls[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        waits[i].read = over || (polls[i].revents & POLLIN) != 0;
        waits[i].write = over || (polls[i].revents & POLLOUT) != 0;
    }
    return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(SO_MEMINFO)
#include <linux/sock_diag.h>
#endif

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

cm_os_socket cm_os_socket_bind(const struct sockaddr *address, size_t address_bytes, bool shared,
                               int *error) {
    int descriptor = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        *error = errno;
        return CM_OS_SOCKET_NONE;
    }
    if (shared)
        set_flag(descriptor, SOL_SOCKET, SO_REUSEPORT);
    if (address->sa_family == AF_INET6)
        set_flag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    if (bind(descriptor, address, (socklen_t)address_bytes) != 0) {
        *error = errno;
        close(descriptor);
        return CM_OS_SOCKET_NONE;
    }
    return descriptor;
}

/* ---- Unix sockets ---- */

static int open_local(void) {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* 0 if nobody listens on the socket at `address`, else why it must stay. */
static int try_to_connect(const struct sockaddr_un *address) {
    int descriptor = open_local();
    if (descriptor < 0)
        return errno;
    int result = connect(descriptor, (const struct sockaddr *)address, sizeof *address);
    int error = result == 0 || errno == EAGAIN || errno == EPROTOTYPE ? EADDRINUSE : errno;
    close(descriptor);
    return error == ECONNREFUSED || error == ENOENT ? 0 : error;
}

/* Removes a socket that a server left behind. 0, or why the path cannot be used. */
static int clear_path(const struct sockaddr_un *address) {
    struct stat there;
    if (lstat(address->sun_path, &there) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(there.st_mode))
        return EEXIST;
    int error = try_to_connect(address);
    if (error == 0 && unlink(address->sun_path) != 0 && errno != ENOENT)
        error = errno;
    return error;
}

static int bind_local(int descriptor, const struct sockaddr_un *address,
                      struct cm_os_socket_path *path) {
    struct stat made;
    mode_t before = umask((mode_t)(~path->mask & 0777));
    int result = bind(descriptor, (const struct sockaddr *)address, sizeof *address);
    int error = result == 0 ? 0 : errno;
    (void)umask(before);
    if (error != 0)
        return error;
    if (lstat(address->sun_path, &made) != 0)
        return errno;
    path->device = (uint64_t)made.st_dev;
    path->file = (uint64_t)made.st_ino;
    return 0;
}

cm_os_socket cm_os_socket_listen_path(struct cm_os_socket_path *path, int backlog, int *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _Static_assert(sizeof address.sun_path == CM_OS_SOCKET_PATH_MAX + 1, "of Linux and Windows");
    memcpy(address.sun_path, path->path, strlen(path->path) + 1);
    *error = clear_path(&address);
    int descriptor = *error == 0 ? open_local() : -1;
    if (*error == 0 && descriptor < 0)
        *error = errno;
    if (*error == 0)
        *error = bind_local(descriptor, &address, path);
    if (*error == 0 && listen(descriptor, backlog) != 0) {
        *error = errno;
        cm_os_socket_remove_path(path);
    }
    if (*error != 0 && descriptor >= 0)
        close(descriptor);
    return *error == 0 ? descriptor : CM_OS_SOCKET_NONE;
}

void cm_os_socket_remove_path(const struct cm_os_socket_path *path) {
    struct stat there;
    if (lstat(path->path, &there) == 0 && (uint64_t)there.st_dev == path->device &&
        (uint64_t)there.st_ino == path->file)
        (void)unlink(path->path);
}

/* ---- any socket ---- */

uint16_t cm_os_socket_port(cm_os_socket listener) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t bytes = sizeof address;
    if (getsockname((int)listener, &address.any, &bytes) != 0 || address.any.sa_family == AF_UNIX)
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

/* Small pieces take several times their bytes, which Linux tells. */
static uint32_t memory_of_unsent(int descriptor, uint32_t bytes) {
#if defined(SO_MEMINFO)
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;
    if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, info, &length) == 0 &&
        info[SK_MEMINFO_WMEM_QUEUED] > bytes)
        return info[SK_MEMINFO_WMEM_QUEUED];
#else
    (void)descriptor;
#endif
    return bytes;
}

bool cm_os_socket_sending(cm_os_socket socket, size_t *bytes, size_t *room) {
    struct pollfd broken = {.fd = (int)socket}; /* it keeps its count of bytes */
    int queued, limit;
    socklen_t length = sizeof limit;
    if (poll(&broken, 1, 0) != 0 || ioctl((int)socket, TIOCOUTQ, &queued) != 0 || queued < 0 ||
        getsockopt((int)socket, SOL_SOCKET, SO_SNDBUF, &limit, &length) != 0 || limit < 0)
        return false;
    const uint32_t used = memory_of_unsent((int)socket, (uint32_t)queued);
    *bytes = (size_t)queued;
    *room = used < (uint32_t)limit ? (uint32_t)limit - used : 0;
    return true;
}

/* A socket that is not connected has no use for it, which the kernel only says if it has it. */
bool cm_os_socket_has_tls(void) {
    bool known = false;
#if defined(TCP_ULP)
    static const char name[] = "tls";
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    known =
        descriptor >= 0 &&
        (setsockopt(descriptor, IPPROTO_TCP, TCP_ULP, name, sizeof name) == 0 || errno == ENOTCONN);
    if (descriptor >= 0)
        close(descriptor);
#endif
    return known;
}

const char *cm_os_socket_error_text(int error) {
    return strerror(error);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_DIAL_H
#define CM_BASE_OS_DIAL_H

/* The operating-system seam for connecting, sending and receiving. Nothing here waits unless it
 * says so, and nothing raises a signal. */

#include "base/os/socket.h"

#define CM_OS_ADDRESS_BYTES 128

/* Where to connect to, as the system has it. */
struct cm_os_address {
    _Alignas(8) unsigned char bytes[CM_OS_ADDRESS_BYTES];
    uint32_t length;
};

struct cm_os_host {
    const char *name;
    uint16_t port;
    bool look_up;
};

/* The address of a socket's path; false if it does not fit. */
bool cm_os_address_path(const char *path, struct cm_os_address *out);
/* The addresses of a host, at most `room`; returns how many. With `look_up` a name server may be
 * asked, which may take many seconds; without it only numbers are understood. */
size_t cm_os_address_host(const struct cm_os_host *host, struct cm_os_address *out, size_t room);

/* Begins to connect. CM_OS_SOCKET_NONE and *error if that failed at once; otherwise the socket
 * becomes writable when it is done. */
cm_os_socket cm_os_dial(const struct cm_os_address *address, int *error);
/* How connecting ended: 0, or the system's error code. From now on the socket may be waited on. */
int cm_os_dial_end(cm_os_socket socket);

enum cm_os_io {
    CM_OS_IO_OK,
    CM_OS_IO_WAIT,  /* nothing could be done now, or, if asked to wait, within the timeout */
    CM_OS_IO_ENDED, /* the connection is over */
};

enum cm_os_io cm_os_send(cm_os_socket socket, const void *data, size_t bytes, size_t *done);
enum cm_os_io cm_os_receive(cm_os_socket socket, void *to, size_t room, size_t *done);
/* The same, waiting at most as long as cm_os_set_patience() said. */
enum cm_os_io cm_os_receive_wait(cm_os_socket socket, void *to, size_t room, size_t *done);
void cm_os_set_patience(cm_os_socket socket, uint32_t timeout_ms);
/* Whether nothing has arrived and the peer has not gone. */
bool cm_os_is_quiet(cm_os_socket socket);

struct cm_os_wait {
    cm_os_socket socket;
    bool read, write; /* in: what for; out: what is ready. An error or an end is both. */
};
/* Waits for any of `count` sockets, at most `timeout_ms`; false if nothing has happened. */
bool cm_os_wait(struct cm_os_wait *waits, size_t count, uint32_t timeout_ms);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_SOCKET_H
#define CM_BASE_OS_SOCKET_H

/* The operating-system seam for listening and accepting. What is accepted here is a plain socket
 * that no event loop knows yet, so that it can be handed to any thread's loop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

typedef intptr_t cm_os_socket; /* wide enough for both systems' handles */

#define CM_OS_SOCKET_NONE ((cm_os_socket)-1)

/* The longest path of a Unix socket. */
#define CM_OS_SOCKET_PATH_MAX 107

enum cm_os_accept {
    CM_OS_ACCEPTED,
    CM_OS_ACCEPT_NONE,      /* nobody is waiting */
    CM_OS_ACCEPT_EXHAUSTED, /* out of descriptors or memory; somebody is still waiting */
};

/* A non-blocking socket that listens on `address`; for IPv6 on IPv6 alone. CM_OS_SOCKET_NONE and
 * the system's error code in *error if it cannot be had. */
cm_os_socket cm_os_socket_listen(const struct sockaddr *address, size_t address_bytes, int backlog,
                                 int *error);
/* A non-blocking datagram socket that is bound to `address`. `shared`: several may have it, among
 * whom the system spreads the senders; to be asked for once the address is known to be free. */
cm_os_socket cm_os_socket_bind(const struct sockaddr *address, size_t address_bytes, bool shared,
                               int *error);

/* A Unix socket's place in the file system. */
struct cm_os_socket_path {
    const char *path; /* at most CM_OS_SOCKET_PATH_MAX bytes */
    unsigned mask;    /* its permissions */
    uint64_t device;  /* set by listening; tells the file from another of the same name */
    uint64_t file;
};
/* As above, on a Unix socket. Another one that nobody listens on is replaced; EEXIST: something
 * that is no socket is in the way. Not while other threads make files. */
cm_os_socket cm_os_socket_listen_path(struct cm_os_socket_path *path, int backlog, int *error);
/* Removes the socket's file, unless it is not the same any more. */
void cm_os_socket_remove_path(const struct cm_os_socket_path *path);
/* The port that a socket is bound to, 0 if the system does not tell. */
uint16_t cm_os_socket_port(cm_os_socket listener);
/* Takes one connection: non-blocking, not inherited by child processes, without Nagle's delay.
 * Connections that broke while they waited are passed over. */
enum cm_os_accept cm_os_socket_accept(cm_os_socket listener, cm_os_socket *out);
/* Sends what goes out without waiting, and ends the connection in such a way that the peer can
 * read it. Takes the socket. */
void cm_os_socket_refuse(cm_os_socket socket, const void *data, size_t bytes);
void cm_os_socket_close(cm_os_socket socket);
/* How many bytes a TCP socket has under way, and how much memory is left for more. False: nothing
 * will leave it any more. */
bool cm_os_socket_sending(cm_os_socket socket, size_t *bytes, size_t *room);
/* Whether the kernel can encrypt what is sent by TCP; tries to load what it needs for that. */
bool cm_os_socket_has_tls(void);
/* The text of an error code from above; static or thread-local. */
const char *cm_os_socket_error_text(int error);

#endif

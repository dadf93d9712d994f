/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_POLLER_H
#define CM_BASE_OS_POLLER_H

/* The operating-system seam for waiting on many sockets with a clock finer than milliseconds. */

#include "base/os/socket.h"
#include <cacheman/status.h>

struct cm_os_poller {
    intptr_t impl;
};

/* What is waited for, until it is changed; an error or an end is told in any case. */
struct cm_os_interest {
    void *context; /* comes back with what has happened */
    bool read, write;
};

struct cm_os_event {
    void *context;
    bool read, write; /* an error or an end is both */
};

CM_MUST_CHECK enum cm_status cm_os_poller_open(struct cm_os_poller *poller);
void cm_os_poller_close(struct cm_os_poller *poller);
/* SYSTEM: out of descriptors or memory. Closing the socket takes it out. */
CM_MUST_CHECK enum cm_status cm_os_poller_add(const struct cm_os_poller *poller,
                                              cm_os_socket socket,
                                              const struct cm_os_interest *interest);
void cm_os_poller_change(const struct cm_os_poller *poller, cm_os_socket socket,
                         const struct cm_os_interest *interest);
/* Waits at most `timeout_ns`; returns how many events there are, at most `room`. */
size_t cm_os_poller_wait(const struct cm_os_poller *poller, struct cm_os_event *events, size_t room,
                         uint64_t timeout_ns);

#endif

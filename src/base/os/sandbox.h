/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_SANDBOX_H
#define CM_BASE_OS_SANDBOX_H

#include <stdbool.h>

/* The operating-system seam for giving up what a running server has no use for.
 *
 * Allowed afterwards: memory that is not executable, threads, the clock, sockets that are open or
 * accepted from those, files opened for reading, files removed, signals to oneself.
 * Whatever runs a program, makes a process or looks into another one ends the process at once:
 * nothing of the server or its libraries ever does, so it is somebody else. Everything else that is
 * not allowed fails as not permitted: libraries may try what they can do without. */

/* Enters the sandbox, with all threads and for good. With `may_connect` sockets of the Internet may
 * be opened and connected, which says nothing about where to: a filter cannot look. False if there
 * is none here, *why tells, in words that live as long as the process; nothing has changed then.
 * Once at most. */
bool cm_os_sandbox_enter(bool may_connect, const char **why);

#endif

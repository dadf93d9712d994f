/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_PROCESS_H
#define CM_BASE_OS_PROCESS_H

/* The operating-system seam for a server process: its limits, its user, the background. */

#include <cacheman/status.h>
#include <stdbool.h>
#include <stdint.h>

/* Raises the limit of open files to `count` and, where that is allowed anyway, to what may be wanted
 * later, or as far as allowed; returns what it is now. */
uint64_t cm_os_raise_open_files(uint64_t count);

/* Lets the process write core files, as large as it may. SYSTEM: it may write none. */
CM_MUST_CHECK enum cm_status cm_os_allow_core_files(void);
/* To be called again once the user has changed: then the system forbids core files by itself. */
void cm_os_keep_core_files(void);

/* Keeps all memory, now and later, from being swapped out. SYSTEM: not permitted, or not so much. */
CM_MUST_CHECK enum cm_status cm_os_lock_memory(void);

/* Makes a file the user's, whose name was checked. SYSTEM. */
CM_MUST_CHECK enum cm_status cm_os_give_file(const char *path, const char *user);

/* Whether the process, as it is now, may remove this file of its own. */
bool cm_os_may_remove_file(const char *path);

/* CPU time so far of all threads of a process, user and system, in nanoseconds; 0 if there is no such
 * process or the system does not tell. */
uint64_t cm_os_process_cpu_ns(int64_t process_id);

/* Whether standard error leads to systemd's journal, given what its variable JOURNAL_STREAM says;
 * NULL: it is not set. */
bool cm_os_is_journal(const char *stream);

/* Whether the process may do everything. */
bool cm_os_is_root(void);

/* Sets the C library's allocator up to return memory early and to keep few arenas, and turns the
 * signals off that a broken connection or a closed terminal sends. */
void cm_os_process_prepare(void);

/* Gives memory that the allocator holds free back to the system. */
void cm_os_process_trim(void);

enum cm_os_user {
    CM_OS_USER_OK,
    CM_OS_USER_UNKNOWN,
    CM_OS_USER_NOT_PERMITTED,
};
/* Becomes `name` for good, groups included. To be that user already is OK. */
enum cm_os_user cm_os_become_user(const char *name);

/* A process that was started in the background: where its parent waits. */
struct cm_os_background {
    intptr_t impl;
    intptr_t null; /* what the standard streams become, opened while files may be written */
};

/* Leaves the terminal: the rest of the program runs in a child process, while the parent waits for
 * cm_os_background_ready() or for the child's end, and exits accordingly with 0 or the child's
 * exit status. Before any thread is started. SYSTEM if the child cannot be made. */
CM_MUST_CHECK enum cm_status cm_os_background_start(struct cm_os_background *background);
/* The child is ready: the parent exits with 0, the standard streams are closed. */
void cm_os_background_ready(struct cm_os_background *background);

#endif

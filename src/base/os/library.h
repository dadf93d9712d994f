/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_LIBRARY_H
#define CM_BASE_OS_LIBRARY_H

/* Shared libraries that a program loads only when it needs them: what a large one and those under
 * it occupy is otherwise paid for by everybody. */

/* NULL if the system finds no library of that name. One that is loaded stays so; loading it again
 * is cheap and gives the same. Safe from any thread. */
void *cm_os_library_load(const char *name);

typedef void cm_os_function(void); /* to be cast to what it is */
/* NULL if the library has no such function. */
cm_os_function *cm_os_library_function(void *library, const char *name);

#endif

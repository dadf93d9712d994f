/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/library.h"

#include <dlfcn.h>
#include <string.h>

void *cm_os_library_load(const char *name) {
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

cm_os_function *cm_os_library_function(void *library, const char *name) {
    void *found = dlsym(library, name);
    cm_os_function *function = NULL;
    memcpy(&function, &found, sizeof function); /* POSIX has them alike, ISO C has no cast */
    return function;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/http.h"

#include "base/os/library.h"
#include <stddef.h>

bool cm_admin_http_load(struct cm_admin_http *http) {
    void *library = cm_os_library_load(CM_ADMIN_HTTP_LIBRARY);
    if (library == NULL)
        return false;
#define LOAD_FUNCTION(name)                                                                        \
    http->name = (__typeof__(MHD_##name) *)cm_os_library_function(library, "MHD_" #name);          \
    if (http->name == NULL)                                                                        \
        return false;
    CM_ADMIN_HTTP_FUNCTIONS(LOAD_FUNCTION)
#undef LOAD_FUNCTION
    return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "web/curl.h"

#include "base/os/library.h"
#include "base/os/socket.h"
#include <stddef.h>

bool cm_curl_load(struct cm_curl *curl) {
    void *library = cm_os_library_load(CM_CURL_LIBRARY);
    if (library == NULL)
        return false;
#define LOAD_FUNCTION(name)                                                                        \
    curl->name = (__typeof__(curl_##name) *)cm_os_library_function(library, "curl_" #name);        \
    if (curl->name == NULL)                                                                        \
        return false;
    CM_CURL_FUNCTIONS(LOAD_FUNCTION)
#undef LOAD_FUNCTION
    return true;
}

const char *cm_curl_reason(const struct cm_curl *curl, CURL *easy, CURLcode result,
                           const char *said) {
    long error = 0;
    if (result == CURLE_COULDNT_CONNECT)
        (void)curl->easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    if (error != 0)
        return cm_os_socket_error_text((int)error);
    return said[0] != '\0' ? said : curl->easy_strerror(result);
}

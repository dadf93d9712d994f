/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_WEB_CURL_H
#define CM_WEB_CURL_H

#include <curl/curl.h>
#include <stdbool.h>

/* libcurl, loaded when somebody is to be asked by HTTP: with the thirty libraries it stands on it
 * takes 4 MB of every process that is linked with it. */

#define CM_CURL_LIBRARY "libcurl.so.4"

#define CM_CURL_FUNCTIONS(X)                                                                       \
    X(global_init)                                                                                 \
    X(global_cleanup)                                                                              \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_perform)                                                                                \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_strerror)                                                                               \
    X(multi_init)                                                                                  \
    X(multi_cleanup)                                                                               \
    X(multi_setopt)                                                                                \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_wakeup)                                                                                \
    X(multi_info_read)                                                                             \
    X(slist_append)                                                                                \
    X(slist_free_all)

/* Each as curl_ and its name. */
struct cm_curl {
#define CM_CURL_MEMBER(name) __typeof__(curl_##name) *(name);
    CM_CURL_FUNCTIONS(CM_CURL_MEMBER)
#undef CM_CURL_MEMBER
};

/* False if the system has no libcurl, or one that lacks a function. */
bool cm_curl_load(struct cm_curl *curl);

/* Why a request of `easy` failed: the system's own words if it could not connect, else what its
 * CURLOPT_ERRORBUFFER, `said`, has, or curl's words for `result`. */
const char *cm_curl_reason(const struct cm_curl *curl, CURL *easy, CURLcode result,
                           const char *said);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_HTTP_H
#define CM_ADMIN_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>

/* libmicrohttpd, loaded when there are pages to serve: with the ten libraries it stands on it takes
 * 3 MB of every process that is linked with it. */

#define CM_ADMIN_HTTP_LIBRARY "libmicrohttpd.so.12"

#define CM_ADMIN_HTTP_FUNCTIONS(X)                                                                 \
    X(start_daemon)                                                                                \
    X(quiesce_daemon)                                                                              \
    X(get_daemon_info)                                                                             \
    X(stop_daemon)                                                                                 \
    X(get_connection_info)                                                                         \
    X(lookup_connection_value)                                                                     \
    X(create_response_from_buffer)                                                                 \
    X(add_response_header)                                                                         \
    X(suspend_connection)                                                                          \
    X(resume_connection)                                                                           \
    X(queue_response)                                                                              \
    X(destroy_response)

/* Each as MHD_ and its name. */
struct cm_admin_http {
#define CM_ADMIN_HTTP_MEMBER(name) __typeof__(MHD_##name) *(name);
    CM_ADMIN_HTTP_FUNCTIONS(CM_ADMIN_HTTP_MEMBER)
#undef CM_ADMIN_HTTP_MEMBER
};

/* False if the system has no libmicrohttpd, or one that lacks a function. */
bool cm_admin_http_load(struct cm_admin_http *http);

#endif

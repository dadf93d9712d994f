/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ETCD_HTTP_H
#define CM_ETCD_HTTP_H

/* Requests to etcd, one at a time. libcurl is in http.c and curl.c alone. One thread makes them; any may wake
 * it. */

#include "base/buf.h"
#include "ring/cluster.h"
#include "web/curl.h"
#include <stdatomic.h>

struct cm_http;

struct cm_http_options {
    bool is_secure;
    const char *ca_file, *cert_file, *key_file; /* empty: none; borrowed throughout */
    const atomic_bool *stop; /* ends a request as soon as the thread is woken; borrowed */
};

/* NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_http_create(const struct cm_http_options *options,
                                            const struct cm_curl *curl, struct cm_http **out);
void cm_http_destroy(struct cm_http *http); /* NULL is allowed */

/* Ends a wait that is under way, or else the next one; any thread. */
void cm_http_wake(struct cm_http *http);
void cm_http_wait(struct cm_http *http, uint32_t timeout_ms);

/* Of the answer, a line at a time if it is a watch; anything but OK ends the request with it. */
typedef enum cm_status cm_http_on_line(struct cm_slice line);

struct cm_http_request {
    const struct cm_member *endpoint;
    const char *path;  /* "/v3/..." */
    const char *token; /* NULL, or of a login */
    struct cm_slice body;
    uint32_t connect_ms, timeout_ms;
    cm_http_on_line *on_line; /* NULL: the answer is kept */
};

/* POSTs, and waits. OK: answered, and *answer is good until the next request. REFUSED: likewise, but
 * it is an error. NOT_AUTHENTICATED. UNREACHABLE, TIMEOUT, BAD_ANSWER (it is too long), NO_MEMORY:
 * cm_http_reason() tells more. CANCELLED: was told to stop, or what on_line said. */
CM_MUST_CHECK enum cm_status cm_http_post(struct cm_http *http, const struct cm_http_request *what,
                                          struct cm_slice *answer);
/* For people; of the last request. */
const char *cm_http_reason(const struct cm_http *http);

#endif

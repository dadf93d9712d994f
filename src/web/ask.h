/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_WEB_ASK_H
#define CM_WEB_ASK_H

#include "base/buf.h"
#include <stdint.h>

/* A request by HTTP, and its whole answer. */

#define CM_WEB_ANSWER_BYTES_MAX ((size_t)4 << 20)
#define CM_WEB_REASON_BYTES     256
#define CM_WEB_TOKEN_BYTES      512

struct cm_web_request {
    const char *method;                         /* "GET", "POST", "DELETE" */
    const char *url;                            /* http:// or https://; no other is followed to */
    const char *token;                          /* NULL: none is shown */
    struct cm_slice body;                       /* of a POST */
    const char *ca_file, *cert_file, *key_file; /* NULL: the system's; none; that of cert_file */
    uint32_t timeout_ms;
};

struct cm_web_answer {
    long code;
    struct cm_buf body;               /* JSON was asked for */
    char reason[CM_WEB_REASON_BYTES]; /* for people; why there is none */
    const char *lacks;                /* UNREACHABLE: what is there speaks no "TLS", or no "HTTP" */
};

/* Whatever it answers, the caller gives *answer to cm_web_answer_deinit(). SYSTEM (there is no
 * libcurl), INVALID (a file of the request's is none for TLS), UNREACHABLE, TIMEOUT, BAD_ANSWER (too
 * much of it), NO_MEMORY, each explained. */
CM_MUST_CHECK enum cm_status cm_web_ask(const struct cm_web_request *request,
                                        struct cm_web_answer *answer);
void cm_web_answer_deinit(struct cm_web_answer *answer);

#endif

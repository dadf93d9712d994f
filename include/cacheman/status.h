/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CACHEMAN_STATUS_H
#define CACHEMAN_STATUS_H

/* What a call could not do. Outcomes of a cache operation (hit, miss, stored, exists ...) are not
 * errors and are never reported here: see enum cmstore_outcome in store.h.
 *
 * X(name, value, text) */
#define CM_STATUS_TABLE(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(INVALID, 1, "invalid argument")                                                              \
    X(NO_MEMORY, 2, "out of memory")                                                               \
    X(TOO_LARGE, 3, "object too large for cache")                                                  \
    X(NOT_NUMERIC, 4, "cannot increment or decrement non-numeric value")                           \
    X(BUFFER_TOO_SMALL, 5, "buffer too small")                                                     \
    X(LIMIT_TOO_SMALL, 6, "memory limit too small")                                                \
    X(UNKNOWN_POLICY, 7, "unknown eviction policy")                                                \
    X(SYSTEM, 8, "operating system refused")                                                       \
    X(TOO_MANY_THREADS, 9, "too many attached threads")                                            \
    X(OVERFLOW, 10, "increment or decrement would overflow")                                       \
    X(UNREACHABLE, 11, "server cannot be reached")                                                 \
    X(TIMEOUT, 12, "no answer in time")                                                            \
    X(BAD_KEY, 13, "key is empty, too long, or has characters that need to be encoded")            \
    X(BAD_ANSWER, 14, "server's answer makes no sense")                                            \
    X(REFUSED, 15, "server refused the request")                                                   \
    X(NOT_AUTHENTICATED, 16, "server did not accept the login")                                    \
    X(CANCELLED, 17, "ended before it was done")

enum cm_status {
#define CM_STATUS_ENUM(name, value, text) CM_##name = (value),
    CM_STATUS_TABLE(CM_STATUS_ENUM)
#undef CM_STATUS_ENUM
};

#if defined(__GNUC__)
#define CM_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CM_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The text of a status, static, never NULL; "unknown status" for a value outside the table. */
const char *cm_status_text(enum cm_status status);

#ifdef __cplusplus
}
#endif

#endif

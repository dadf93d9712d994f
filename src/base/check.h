/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_CHECK_H
#define CM_BASE_CHECK_H

/* Tiers of assertions. CM_CHECK guards invariants and stays in every build: a broken one ends the
 * process before it can corrupt data. CM_DCHECK costs too much for that and exists in debug builds
 * only. Neither is for bad input. */

#if defined(__GNUC__)
#define CM_LIKELY(x)   __builtin_expect(!!(x), 1)
#define CM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define CM_LIKELY(x)   (x)
#define CM_UNLIKELY(x) (x)
#endif

/* Prints the failed expression and its place to stderr, and aborts. */
_Noreturn void cm_check_failed(const char *expression, const char *file, int line);

#define CM_CHECK(expression)                                                                       \
    (CM_LIKELY(expression) ? (void)0 : cm_check_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define CM_DCHECK(expression) ((void)0)
#else
#define CM_DCHECK(expression) CM_CHECK(expression)
#endif

#endif

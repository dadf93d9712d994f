/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_SLICE_H
#define CM_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes that belong to somebody else. `data` may be NULL when `len` is 0. */
struct cm_slice {
    const char *data;
    size_t len;
};

/* The slice of a string literal, its length counted by the compiler. */
#define CM_SLICE(literal) ((struct cm_slice){"" literal, sizeof(literal) - 1})

static inline struct cm_slice cm_slice(const void *data, size_t len) {
    return (struct cm_slice){data, len};
}

static inline bool cm_slice_equal(struct cm_slice a, struct cm_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif

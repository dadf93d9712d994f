/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_SHAPE_H
#define CM_STORE_SHAPE_H

#include "store/item.h"

/* What a new item is to be. */
struct cm_shape {
    size_t key_bytes;
    size_t value_bytes;
    uint32_t client_flags;
    uint32_t expires;
    uint64_t cas;
    uint32_t extents; /* 0: plain */
    bool stale, won;
};

/* Word 0 of such an item. */
uint32_t cm_shape_word(const struct cm_shape *shape);
/* Its record's bytes, without those of extents. */
size_t cm_shape_bytes(const struct cm_shape *shape);
/* Writes header and key to private memory; the value, or the chain's list, is the caller's.
 * Returns where the value of a plain item begins. */
cm_record *cm_shape_write(const struct cm_shape *shape, cm_record *r, const void *key,
                          uint32_t clock_s);

#endif

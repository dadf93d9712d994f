/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/shape.h"

#include <string.h>

uint32_t cm_shape_word(const struct cm_shape *shape) {
    uint32_t w = (uint32_t)shape->key_bytes;
    if (shape->extents) {
        w |= CM_W0_CHAIN;
    } else {
        w |= (uint32_t)shape->value_bytes << 8;
    }
    if (shape->expires)
        w |= CM_W0_EXPIRES;
    if (shape->client_flags)
        w |= CM_W0_FLAGS;
    if (shape->cas > CM_CAS_NARROW_MAX)
        w |= CM_W0_WIDE;
    if (shape->stale)
        w |= CM_W0_STALE;
    if (shape->won)
        w |= CM_W0_WON;
    return w;
}

size_t cm_shape_bytes(const struct cm_shape *shape) {
    uint32_t w = cm_shape_word(shape);
    size_t bytes = cm_item_chain_at(w) * CM_UNIT_BYTES + shape->key_bytes;
    bytes += shape->extents ? 8 + 8 * (size_t)shape->extents : shape->value_bytes;
    return cm_round_unit(bytes);
}

cm_record *cm_shape_write(const struct cm_shape *shape, cm_record *r, const void *key,
                          uint32_t clock_s) {
    uint32_t w0 = cm_shape_word(shape);
    cm_word_set(r, 0, w0);
    cm_word_set(r, 1, clock_s & CM_ACCESS_MASK);
    if (shape->expires)
        cm_word_set(r, 3, shape->expires);
    if (shape->client_flags)
        cm_word_set(r, cm_item_flags_at(w0), shape->client_flags);
    cm_item_set_cas(r, w0, shape->cas);
    if (shape->extents) {
        cm_word_set(r, cm_item_chain_at(w0), (uint32_t)shape->value_bytes);
        cm_word_set(r, cm_item_chain_at(w0) + 1, shape->extents);
    }
    cm_record *k = r + cm_item_key_at(r, w0);
    memcpy(k, key, shape->key_bytes);
    return k + shape->key_bytes;
}

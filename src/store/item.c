/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/item.h"

#include "base/check.h"

void cm_item_set_cas(cm_record *r, uint32_t w0, uint64_t cas) {
    uint32_t high = 0;
    if (w0 & CM_W0_WIDE) {
        size_t at = cm_item_wide_at(w0);
        cm_word_set(r, at, (uint32_t)cas);
        cm_word_set(r, at + 1, (uint32_t)(cas >> 32));
        cm_word_set(r, 2, 0);
    } else {
        CM_CHECK(cas <= CM_CAS_NARROW_MAX);
        cm_word_set(r, 2, (uint32_t)cas);
        high = (uint32_t)(cas >> 32) << CM_W1_CAS_SHIFT;
    }
    for (;;) { /* readers may be noting an access (I2) */
        uint32_t w1 = cm_word(r, 1);
        if (cm_word_swap(r, 1, w1, (w1 & (CM_ACCESS_MASK | CM_W1_FETCHED)) | high))
            return;
    }
}

static void note(cm_record *r, uint32_t clock_s, uint32_t mark) {
    uint32_t w1 = cm_word(r, 1);
    uint32_t now = (w1 & ~CM_ACCESS_MASK) | mark | (clock_s & CM_ACCESS_MASK);
    /* Losing against another reader loses nothing: it noted the same second. */
    if (w1 != now)
        (void)cm_word_swap(r, 1, w1, now);
}

void cm_item_note_access(cm_record *r, uint32_t clock_s) {
    note(r, clock_s, CM_W1_FETCHED);
}

void cm_item_note_interest(cm_record *r, uint32_t clock_s) {
    note(r, clock_s, 0);
}

uint32_t cm_item_last_access(const cm_record *r, uint32_t clock_s) {
    return clock_s - cm_seconds_since(cm_word(r, 1), clock_s);
}

void cm_filler_write(cm_record *r, size_t bytes) {
    CM_DCHECK(bytes >= CM_UNIT_BYTES && bytes % CM_UNIT_BYTES == 0);
    cm_word_set(r, 0, (uint32_t)(bytes / CM_UNIT_BYTES) << 8);
}

void cm_extent_write(cm_record *r, size_t bytes, uint64_t owner_hash) {
    CM_DCHECK(bytes >= CM_EXTENT_BYTES && bytes % CM_UNIT_BYTES == 0);
    cm_word_set(r, 0, (uint32_t)(bytes / CM_UNIT_BYTES) << 8 | CM_W0_EXTENT);
    cm_word_set(r, 1, (uint32_t)owner_hash);
    cm_word_set(r, 2, (uint32_t)(owner_hash >> 32));
}

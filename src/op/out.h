/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_OP_OUT_H
#define CM_OP_OUT_H

#include "base/check.h"
#include "base/slice.h"
#include <stdint.h>

/* Where replies are written: plain bytes, and between them values that stay in the store's memory,
 * held by a pin, to be sent from there without a copy.
 *
 *     data   | VALUE k 0 20000\r\n | \r\nEND\r\n | ...            len
 *                                  ^
 *     inserts[0].position ---------+  the held value's bytes go here
 *
 * O1. No reply writes more than CM_OUT_REPLY_MAX bytes of data or more than one insert, and
 *     nobody starts a reply when cm_out_is_full(); so writing needs no checks for room.
 * O2. Inserts are in order of position.
 * O3. What has been written since a cm_out_mark() can be taken back with cm_out_rewind(). */

/* Past this much unsent output a session stops executing requests. */
#define CM_OUT_LIMIT ((size_t)256 << 10)
/* Values above this are sent from the store's memory. */
#define CM_OUT_COPY_MAX ((size_t)16 << 10)
/* The longest reply but for inserts: a copied value, and lines around it. */
#define CM_OUT_REPLY_MAX (CM_OUT_COPY_MAX + 4096)
#define CM_OUT_CAPACITY  (CM_OUT_LIMIT + CM_OUT_REPLY_MAX)
#define CM_OUT_INSERTS   64

struct cm_out_insert {
    size_t position; /* offset into data before which the value goes */
    size_t bytes;    /* of the value */
    void *hold;      /* keeps the value where it is; owned, see session/session.h */
};

struct cm_out {
    char *data; /* CM_OUT_CAPACITY bytes */
    size_t len;
    size_t held_bytes; /* sum of inserts[].bytes */
    size_t withheld;   /* of CM_OUT_LIMIT, not to be used: the sender is short of memory */
    unsigned insert_count;
    struct cm_out_insert inserts[CM_OUT_INSERTS];
};

static inline bool cm_out_is_empty(const struct cm_out *out) {
    return out->len == 0 && out->insert_count == 0;
}

static inline bool cm_out_is_full(const struct cm_out *out) {
    return out->len + out->held_bytes + out->withheld > CM_OUT_LIMIT ||
           out->insert_count == CM_OUT_INSERTS;
}

/* Bytes that may still be written before cm_out_is_full() holds, plus one reply. */
static inline size_t cm_out_room(const struct cm_out *out) {
    return CM_OUT_CAPACITY - out->len;
}

/* Where to write the next bytes; tell cm_out_wrote() how far it went. */
static inline char *cm_out_tail(struct cm_out *out) {
    return out->data + out->len;
}

static inline void cm_out_wrote(struct cm_out *out, const char *tail) {
    out->len = (size_t)(tail - out->data);
    CM_DCHECK(out->len <= CM_OUT_CAPACITY);
}

static inline void cm_out_put(struct cm_out *out, struct cm_slice bytes) {
    CM_CHECK(bytes.len <= cm_out_room(out));
    if (bytes.len > 0) {
        memcpy(cm_out_tail(out), bytes.data, bytes.len);
        out->len += bytes.len;
    }
}

/* Takes `hold`; it goes to whoever sends the output. */
static inline void cm_out_insert(struct cm_out *out, size_t bytes, void *hold) {
    CM_CHECK(out->insert_count < CM_OUT_INSERTS);
    out->inserts[out->insert_count++] = (struct cm_out_insert){out->len, bytes, hold};
    out->held_bytes += bytes;
}

static inline size_t cm_out_mark(const struct cm_out *out) {
    return out->len;
}

/* Only where no insert was made since the mark. */
static inline void cm_out_rewind(struct cm_out *out, size_t mark) {
    out->len = mark;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_BUF_H
#define CM_BASE_BUF_H

#include "base/check.h"
#include "base/slice.h"
#include <cacheman/status.h>

/* A queue of bytes in one piece of memory: written at the tail, consumed at the head.
 *
 *      data        head            tail         capacity
 *       | consumed  |    content    |    room     |
 *
 * B1. head <= tail <= capacity; data is NULL exactly when capacity is 0.
 * B2. An empty buffer has head == tail == 0, so room is never lost to what was consumed.
 *
 * All zero is a valid empty buffer without memory. Pointers and slices into a buffer are good
 * until the next reserve, append, clear or deinit. */
struct cm_buf {
    char *data;
    size_t head;
    size_t tail;
    size_t capacity;
};

/* Gives the memory back; the buffer is empty and may be used again. */
void cm_buf_deinit(struct cm_buf *buf);

/* Makes room for `bytes` at the tail. NO_MEMORY leaves everything as it is. */
CM_MUST_CHECK enum cm_status cm_buf_reserve_slow(struct cm_buf *buf, size_t bytes);

static inline size_t cm_buf_len(const struct cm_buf *buf) {
    return buf->tail - buf->head;
}

static inline size_t cm_buf_room(const struct cm_buf *buf) {
    return buf->capacity - buf->tail;
}

static inline struct cm_slice cm_buf_slice(const struct cm_buf *buf) {
    return cm_slice(buf->data == NULL ? NULL : buf->data + buf->head, cm_buf_len(buf));
}

CM_MUST_CHECK static inline enum cm_status cm_buf_reserve(struct cm_buf *buf, size_t bytes) {
    return CM_LIKELY(bytes <= cm_buf_room(buf)) ? CM_OK : cm_buf_reserve_slow(buf, bytes);
}

/* Where the next byte goes; write at most cm_buf_room() there and then tell cm_buf_wrote(). */
static inline char *cm_buf_tail(struct cm_buf *buf) {
    return buf->data == NULL ? NULL : buf->data + buf->tail;
}

static inline void cm_buf_wrote(struct cm_buf *buf, size_t bytes) {
    CM_CHECK(bytes <= cm_buf_room(buf));
    buf->tail += bytes;
}

/* Appends what is known to fit, after a cm_buf_reserve() for several pieces at once. */
static inline void cm_buf_put(struct cm_buf *buf, struct cm_slice bytes) {
    CM_CHECK(bytes.len <= cm_buf_room(buf));
    if (bytes.len > 0) {
        memcpy(buf->data + buf->tail, bytes.data, bytes.len);
        buf->tail += bytes.len;
    }
}

/* `bytes` may not point into the buffer. */
CM_MUST_CHECK static inline enum cm_status cm_buf_append(struct cm_buf *buf,
                                                         struct cm_slice bytes) {
    enum cm_status status = cm_buf_reserve(buf, bytes.len);
    if (status == CM_OK)
        cm_buf_put(buf, bytes);
    return status;
}

/* Drops the first `bytes` of the content. */
static inline void cm_buf_consume(struct cm_buf *buf, size_t bytes) {
    CM_CHECK(bytes <= cm_buf_len(buf));
    buf->head += bytes;
    if (buf->head == buf->tail)
        buf->head = buf->tail = 0;
}

/* Drops all content, keeps the memory. */
static inline void cm_buf_clear(struct cm_buf *buf) {
    buf->head = buf->tail = 0;
}

#endif

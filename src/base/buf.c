/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>

#define CAPACITY_MIN 256

void cm_buf_deinit(struct cm_buf *buf) {
    free(buf->data);
    *buf = (struct cm_buf){0};
}

/* Doubles, so that n appended bytes cost O(n) copying; 0 if no size_t is large enough. */
static size_t grown_capacity(size_t capacity, size_t needed) {
    size_t grown = capacity > CAPACITY_MIN ? capacity : CAPACITY_MIN;
    while (grown < needed) {
        if (grown > SIZE_MAX / 2)
            return 0;
        grown *= 2;
    }
    return grown;
}

static void move_to_front(struct cm_buf *buf) {
    size_t len = cm_buf_len(buf);
    memmove(buf->data, buf->data + buf->head, len);
    buf->head = 0;
    buf->tail = len;
}

enum cm_status cm_buf_reserve_slow(struct cm_buf *buf, size_t bytes) {
    size_t len = cm_buf_len(buf);
    if (bytes <= cm_buf_room(buf))
        return CM_OK;
    if (bytes > SIZE_MAX - len)
        return CM_NO_MEMORY;
    /* Moving pays only if it frees at least as much as it moves; otherwise a long content with
     * a short consumed head would be moved again and again. */
    if (len + bytes <= buf->capacity && len <= buf->head) {
        move_to_front(buf);
        return CM_OK;
    }
    size_t capacity = grown_capacity(buf->capacity, len + bytes);
    char *data = capacity == 0 ? NULL : malloc(capacity);
    if (data == NULL)
        return CM_NO_MEMORY;
    if (len > 0)
        memcpy(data, buf->data + buf->head, len);
    free(buf->data);
    *buf = (struct cm_buf){.data = data, .tail = len, .capacity = capacity};
    return CM_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_WINDOW_H
#define CM_REPLAY_WINDOW_H

#include "base/slice.h"
#include "replay/trace.h"

/* Requests of a trace that are asked at once. No key is in a window twice: whether the second finds
 * it may depend on what becomes of the first. */

struct cm_window_request {
    struct cm_slice key; /* in the window's own memory */
    uint64_t hash;       /* of the key, the same in every run */
    uint32_t value_bytes;
    bool has_size;
};

struct cm_window {
    struct cm_window_request *requests;
    size_t count, room;
    char *keys;      /* room for the longest, `room` times */
    uint32_t *slots; /* a hash table of `requests`: number + 1, 0: free */
    size_t slot_mask;
};

CM_MUST_CHECK enum cm_status cm_window_init(struct cm_window *window, size_t room);
void cm_window_deinit(struct cm_window *window);

void cm_window_clear(struct cm_window *window);
/* False: the window is full, or has the key already; nothing has changed. */
bool cm_window_add(struct cm_window *window, const struct cm_trace_request *request);

#endif

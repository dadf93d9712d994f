/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/window.h"

#include "base/hash.h"
#include <stdlib.h>

#define SLOTS_A_REQUEST 2

enum cm_status cm_window_init(struct cm_window *window, size_t room) {
    size_t slots = 1;
    while (slots < room * SLOTS_A_REQUEST)
        slots *= 2;
    *window = (struct cm_window){
        .requests = calloc(room, sizeof *window->requests),
        .room = room,
        .keys = malloc(room * CM_TRACE_KEY_BYTES_MAX),
        .slots = calloc(slots, sizeof *window->slots),
        .slot_mask = slots - 1,
    };
    if (window->requests != NULL && window->keys != NULL && window->slots != NULL)
        return CM_OK;
    cm_window_deinit(window);
    return CM_NO_MEMORY;
}

void cm_window_deinit(struct cm_window *window) {
    free(window->requests);
    free(window->keys);
    free(window->slots);
    *window = (struct cm_window){0};
}

void cm_window_clear(struct cm_window *window) {
    memset(window->slots, 0, (window->slot_mask + 1) * sizeof *window->slots);
    window->count = 0;
}

/* Where the key is, or a free slot; there is always one. */
static uint32_t *find(const struct cm_window *window, struct cm_slice key, uint64_t hash) {
    size_t at = (size_t)hash & window->slot_mask;
    for (;; at = (at + 1) & window->slot_mask) {
        uint32_t number = window->slots[at];
        if (number == 0)
            return &window->slots[at];
        const struct cm_window_request *there = &window->requests[number - 1];
        if (there->hash == hash && cm_slice_equal(there->key, key))
            return &window->slots[at];
    }
}

bool cm_window_add(struct cm_window *window, const struct cm_trace_request *request) {
    if (window->count == window->room)
        return false;
    uint64_t hash = cm_hash(request->key.data, request->key.len, 0);
    uint32_t *slot = find(window, request->key, hash);
    if (*slot != 0)
        return false;
    char *key = window->keys + window->count * CM_TRACE_KEY_BYTES_MAX;
    memcpy(key, request->key.data, request->key.len);
    window->requests[window->count++] = (struct cm_window_request){
        .key = cm_slice(key, request->key.len),
        .hash = hash,
        .value_bytes = request->value_bytes,
        .has_size = request->has_size,
    };
    *slot = (uint32_t)window->count;
    return true;
}

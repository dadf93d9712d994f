/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "console/seen.h"

#include "cli/safe.h"
#include <stdlib.h>

enum { SEEN_MAX = 4096 };

struct cm_seen {
    char *keys[SEEN_MAX]; /* a ring, from `first` on */
    size_t first, count;
};

struct cm_seen *cm_seen_create(void) {
    return calloc(1, sizeof(struct cm_seen));
}

static char **place(const struct cm_seen *seen, size_t number) {
    return (char **)&seen->keys[(seen->first + number) % SEEN_MAX];
}

void cm_seen_destroy(struct cm_seen *seen) {
    for (size_t i = 0; seen != NULL && i < seen->count; i++)
        free(*place(seen, i));
    free(seen);
}

static bool is_plain(struct cm_slice key) {
    if (key.len == 0 || !cm_safe_is_text(key))
        return false;
    for (size_t i = 0; i < key.len; i++) {
        if (strchr(" \t\n\"'\\<>|#", key.data[i]) != NULL)
            return false;
    }
    return key.data[0] != '-';
}

static bool is_known(const struct cm_seen *seen, struct cm_slice key) {
    for (size_t i = 0; i < seen->count; i++) {
        const char *other = *place(seen, i);
        if (cm_slice_equal(key, cm_slice(other, strlen(other))))
            return true;
    }
    return false;
}

void cm_seen_add(struct cm_seen *seen, struct cm_slice key) {
    if (!is_plain(key) || is_known(seen, key))
        return;
    char *copy = strndup(key.data, key.len);
    if (copy == NULL)
        return;
    if (seen->count == SEEN_MAX) {
        free(*place(seen, 0));
        seen->first = (seen->first + 1) % SEEN_MAX;
        seen->count--;
    }
    *place(seen, seen->count++) = copy;
}

const char *cm_seen_at(const struct cm_seen *seen, size_t number) {
    return number < seen->count ? *place(seen, number) : NULL;
}

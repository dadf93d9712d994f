/* SPDX-License-Identifier: BSD-3-Clause */
#include "command/command.h"

/* memcached's classes of item sizes: the first holds 96 bytes, each next a quarter more, rounded up
 * to 8, up to half a page of 1 MiB. Nothing here is stored by class; they are for counting, because
 * monitoring asks by class. */

#define FIRST_BYTES 96
#define LAST_BYTES  ((size_t)512 << 10)

static size_t next_class_bytes(size_t bytes) {
    const size_t next = (bytes + bytes / 4 + 7) & ~(size_t)7;
    return next * 5 / 4 > LAST_BYTES ? LAST_BYTES : next;
}

uint32_t cm_size_class(size_t item_bytes) {
    uint32_t size_class = 1;
    for (size_t bytes = FIRST_BYTES; bytes < item_bytes && bytes < LAST_BYTES;
         bytes = next_class_bytes(bytes)) {
        size_class++;
    }
    return size_class;
}

size_t cm_size_class_bytes(uint32_t size_class) {
    size_t bytes = FIRST_BYTES;
    for (uint32_t i = 1; i < size_class; i++) {
        if (bytes == LAST_BYTES) {
            return 0;
        }
        bytes = next_class_bytes(bytes);
    }
    return size_class == 0 ? 0 : bytes;
}

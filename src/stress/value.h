/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STRESS_VALUE_H
#define CM_STRESS_VALUE_H

#include "base/slice.h"
#include <stdint.h>

/* Values that prove themselves whole. A value follows from its key, its size and a version; it begins
 * with the version, and every other byte can be computed from it:
 *
 *     version (8)    check (8)    body
 *                    `----v----'  `-- pieces of one fixed random block, from places that the
 *               hash of all three     check and the piece's number choose
 *
 * Of 2 to 15 bytes the version is one byte, of a single byte there is none. A changed byte, a value
 * of another key, one that was cut, and one put together of two others do not match; but the
 * shorter a value is, the likelier two of them are the same. */

#define CM_STRESS_BLOCK_BYTES (64u << 10)
#define CM_STRESS_PIECE_BYTES (4u << 10)

struct cm_stress_block {
    char bytes[CM_STRESS_BLOCK_BYTES + CM_STRESS_PIECE_BYTES]; /* pieces wrap around */
};

/* The same for every seed: what one run has stored, another can check. */
void cm_stress_block_init(struct cm_stress_block *block);

/* Writes the value of `bytes` bytes at `to`. */
struct cm_stress_content {
    struct cm_slice key;
    uint64_t version;
    uint32_t bytes;
};
void cm_stress_value_make(const struct cm_stress_block *block,
                          const struct cm_stress_content *content, char *to);

#define CM_STRESS_WHOLE ((size_t)-1)
/* The place of the first byte that is wrong, CM_STRESS_WHOLE if none is. */
size_t cm_stress_value_check(const struct cm_stress_block *block, struct cm_slice key,
                             struct cm_slice value);

#endif

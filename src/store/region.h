/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_REGION_H
#define CM_STORE_REGION_H

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CM_REGION_ALIGN ((size_t)2 << 20)

/* An array that grows in place: address space taken at the start, memory as it is needed.
 * Not locked; the owner is. */
struct cm_region {
    unsigned char *base; /* at a multiple of CM_REGION_ALIGN, so that large pages fit */
    unsigned char *reservation;
    size_t reserved_bytes;
    size_t committed_bytes;
    size_t step_bytes; /* commits are multiples of it, */
    bool large;        /* or, past CM_REGION_SMALL, of CM_REGION_ALIGN and in large pages */
};

#define CM_REGION_SMALL ((size_t)4 << 20)

CM_MUST_CHECK enum cm_status cm_region_init(struct cm_region *region, uint64_t reserve_bytes,
                                            size_t step_bytes, bool large);
void cm_region_deinit(struct cm_region *region);

/* What would be committed after cm_region_ensure(region, bytes). */
size_t cm_region_after(const struct cm_region *region, uint64_t bytes);

/* Makes the first `bytes` usable, zeroed when new. NO_MEMORY past the reservation. */
CM_MUST_CHECK enum cm_status cm_region_ensure(struct cm_region *region, uint64_t bytes);

/* Gives back the memory of whole steps past the first `bytes`; they read as zero and count as not
 * committed. */
void cm_region_trim(struct cm_region *region, uint64_t bytes);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/region.h"

#include "base/check.h"
#include "base/os/os.h"

static uint64_t round_up(uint64_t bytes, uint64_t step) {
    return (bytes + step - 1) / step * step;
}

enum cm_status cm_region_init(struct cm_region *region, uint64_t reserve_bytes, size_t step_bytes,
                              bool large) {
    CM_CHECK(step_bytes % cm_os_page_bytes() == 0);
    uint64_t reserve = round_up(reserve_bytes, large ? CM_REGION_ALIGN : step_bytes);
    *region = (struct cm_region){.step_bytes = step_bytes, .large = large};
    if (reserve > SIZE_MAX - CM_REGION_ALIGN)
        return CM_NO_MEMORY;
    region->reservation = cm_os_mem_reserve((size_t)reserve + CM_REGION_ALIGN);
    if (!region->reservation)
        return CM_NO_MEMORY;
    size_t off = (size_t)(-(uintptr_t)region->reservation & (CM_REGION_ALIGN - 1));
    region->base = region->reservation + off;
    region->reserved_bytes = (size_t)reserve;
    return CM_OK;
}

void cm_region_deinit(struct cm_region *region) {
    cm_os_mem_release(region->reservation, region->reserved_bytes + CM_REGION_ALIGN);
    *region = (struct cm_region){0};
}

static uint64_t end_for(const struct cm_region *region, uint64_t bytes) {
    bool large = region->large && bytes > CM_REGION_SMALL;
    return round_up(bytes, large ? CM_REGION_ALIGN : region->step_bytes);
}

size_t cm_region_after(const struct cm_region *region, uint64_t bytes) {
    uint64_t end = end_for(region, bytes);
    return end > region->committed_bytes ? (size_t)end : region->committed_bytes;
}

enum cm_status cm_region_ensure(struct cm_region *region, uint64_t bytes) {
    size_t end = cm_region_after(region, bytes);
    if (end == region->committed_bytes)
        return CM_OK;
    if (end > region->reserved_bytes)
        return CM_NO_MEMORY;
    unsigned char *from = region->base + region->committed_bytes;
    size_t more = end - region->committed_bytes;
    enum cm_status status = cm_os_mem_commit(from, more);
    if (status)
        return status;
    if (region->large && end > CM_REGION_SMALL)
        cm_os_mem_prefer_large(region->base, end); /* what began small becomes so by and by */
    region->committed_bytes = end;
    return CM_OK;
}

void cm_region_trim(struct cm_region *region, uint64_t bytes) {
    size_t end = (size_t)end_for(region, bytes);
    if (end >= region->committed_bytes)
        return;
    cm_os_mem_discard(region->base + end, region->committed_bytes - end);
    region->committed_bytes = end;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "base/os/os.h"

#include <malloc.h>
#include <string.h>
#include <windows.h>

size_t cm_os_page_bytes(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

void *cm_os_mem_reserve(size_t bytes) {
    return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
}

enum cm_status cm_os_mem_commit(void *address, size_t bytes) {
    return VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL ? CM_OK : CM_NO_MEMORY;
}

/* Windows zeroes pages only when they are committed, so the range is decommitted and committed
 * again. The charge for it was ours a moment ago; if the system gave it away in between, the
 * promise that the range stays committed is broken and nothing can go on. */
void cm_os_mem_discard(void *address, size_t bytes) {
    CM_CHECK(VirtualFree(address, bytes, MEM_DECOMMIT));
    CM_CHECK(VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL);
}

void cm_os_mem_prefer_large(void *address, size_t bytes) {
    /* Large pages need a privilege and must be asked for when reserving: not worth either. */
    (void)address;
    (void)bytes;
}

void cm_os_mem_release(void *address, size_t bytes) {
    (void)bytes; /* Windows remembers */
    if (address != NULL)
        CM_CHECK(VirtualFree(address, 0, MEM_RELEASE));
}

void *cm_os_aligned_alloc(size_t alignment, size_t bytes) {
    void *memory = _aligned_malloc(bytes, alignment);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}

void cm_os_aligned_free(void *memory) {
    _aligned_free(memory);
}

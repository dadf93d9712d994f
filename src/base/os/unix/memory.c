/* SPDX-License-Identifier: BSD-3-Clause */
#define _DEFAULT_SOURCE
#include "base/check.h"
#include "base/os/os.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

size_t cm_os_page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *cm_os_mem_reserve(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

enum cm_status cm_os_mem_commit(void *address, size_t bytes) {
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0 ? CM_OK : CM_NO_MEMORY;
}

void cm_os_mem_discard(void *address, size_t bytes) {
    /* Refused for memory that is locked, which is not given back: only its content goes. */
    if (madvise(address, bytes, MADV_DONTNEED) != 0)
        memset(address, 0, bytes);
}

void cm_os_mem_prefer_large(void *address, size_t bytes) {
    /* Refused where the kernel has no large pages: then small ones do. */
    (void)madvise(address, bytes, MADV_HUGEPAGE);
}

void cm_os_mem_release(void *address, size_t bytes) {
    if (address)
        CM_CHECK(munmap(address, bytes) == 0);
}

void *cm_os_aligned_alloc(size_t alignment, size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, alignment, bytes) != 0)
        return NULL;
    return memset(memory, 0, bytes);
}

void cm_os_aligned_free(void *memory) {
    free(memory);
}

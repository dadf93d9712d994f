/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"

#include <stdint.h>
#include <string.h>

/* The GCC builtins, not _Atomic types: the memory is plain bytes for everybody else. */

static size_t bytes_to_alignment(const void *p, size_t bytes) {
    size_t head = (size_t)(-(uintptr_t)p & (sizeof(uint64_t) - 1));
    return head < bytes ? head : bytes;
}

static void copy_shared_bytes(unsigned char *to, const unsigned char *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
}

static void copy_publish_bytes(unsigned char *to, const unsigned char *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        __atomic_store_n(to + i, from[i], __ATOMIC_RELAXED);
}

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

/* Sixteen bytes at a time, in assembly because C knows no relaxed atomic load of that size. The
 * processor tears at most between aligned words, as the portable loop does. */
static inline void copy_sixteen(unsigned char *to, const unsigned char *from) {
    __asm__ volatile("movdqu (%1), %%xmm0\n\tmovdqu %%xmm0, (%0)" ::"r"(to), "r"(from)
                     : "xmm0", "memory");
}

void cm_copy_shared(void *to, const void *from, size_t bytes) {
    if (bytes < 16) {
        copy_shared_bytes(to, from, bytes);
        return;
    }
    unsigned char *t = to;
    const unsigned char *f = from;
    for (size_t i = 0; i + 16 < bytes; i += 16)
        copy_sixteen(t + i, f + i);
    copy_sixteen(t + bytes - 16, f + bytes - 16); /* the last may overlap */
}

#else

void cm_copy_shared(void *to, const void *from, size_t bytes) {
    unsigned char *t = to;
    const unsigned char *f = from;
    size_t head = bytes_to_alignment(f, bytes);
    copy_shared_bytes(t, f, head);
    size_t i = head;
    for (; i + sizeof(uint64_t) <= bytes; i += sizeof(uint64_t)) {
        const void *source = f + i;
        uint64_t word = __atomic_load_n((const uint64_t *)source, __ATOMIC_RELAXED);
        memcpy(t + i, &word, sizeof word);
    }
    copy_shared_bytes(t + i, f + i, bytes - i);
}

#endif

void cm_copy_publish(void *to, const void *from, size_t bytes) {
    unsigned char *t = to;
    const unsigned char *f = from;
    size_t head = bytes_to_alignment(t, bytes);
    copy_publish_bytes(t, f, head);
    size_t i = head;
    for (; i + sizeof(uint64_t) <= bytes; i += sizeof(uint64_t)) {
        void *target = t + i;
        uint64_t word;
        memcpy(&word, f + i, sizeof word);
        __atomic_store_n((uint64_t *)target, word, __ATOMIC_RELAXED);
    }
    copy_publish_bytes(t + i, f + i, bytes - i);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_OS_OS_H
#define CM_BASE_OS_OS_H

/* The operating-system seam: every primitive that differs between systems, stated once, done in
 * unix/ and windows/. Preconditions are the caller's duty unless a status says otherwise. */

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- memory ---- */

/* A power of two; every address and length of the calls below is a multiple of it. */
size_t cm_os_page_bytes(void);
/* Address space without memory behind it; NULL if the system refuses. Reading it before
 * cm_os_mem_commit() faults. */
void *cm_os_mem_reserve(size_t bytes);
/* Makes a reserved range readable and writable, zeroed when new. Commit of a committed page is
 * allowed and changes nothing. */
CM_MUST_CHECK enum cm_status cm_os_mem_commit(void *address, size_t bytes);
/* Gives the memory behind a committed range back; it stays committed and reads as zero. */
void cm_os_mem_discard(void *address, size_t bytes);
/* Prefers large pages for a committed range; a hint. */
void cm_os_mem_prefer_large(void *address, size_t bytes);
/* Ends a reservation, whole. NULL is allowed. */
void cm_os_mem_release(void *address, size_t bytes);

/* Zeroed heap memory at a multiple of `alignment`, a power of two; NULL if there is none. Ends with
 * cm_os_aligned_free(). */
void *cm_os_aligned_alloc(size_t alignment, size_t bytes);
void cm_os_aligned_free(void *memory); /* NULL is allowed */

/* ---- threads ---- */

struct cm_os_thread {
    void *impl;
};
typedef void cm_os_thread_main(void *context);
/* `name` is at most 15 characters, for debuggers. On success ends with cm_os_thread_join(). */
CM_MUST_CHECK enum cm_status cm_os_thread_start(struct cm_os_thread *thread,
                                                cm_os_thread_main *entry, void *context,
                                                const char *name);
void cm_os_thread_join(struct cm_os_thread *thread);
/* Keeps the program's signals away from this thread and those it starts. */
void cm_os_thread_mask_signals(void);
/* Lets another thread run. */
void cm_os_thread_yield(void);
/* Tells the processor that this is a spin loop. */
static inline void cm_os_cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
char **cm_os_environment(void); /* "NAME=value" each, ended by NULL; the system's own */
unsigned cm_os_cpu_count(void); /* at least 1 */

/* ---- locks: not recursive; init never fails on supported systems ---- */

struct cm_os_mutex {
    void *impl;
};
CM_MUST_CHECK enum cm_status cm_os_mutex_init(struct cm_os_mutex *mutex);
void cm_os_mutex_deinit(struct cm_os_mutex *mutex);
void cm_os_mutex_lock(struct cm_os_mutex *mutex);
void cm_os_mutex_unlock(struct cm_os_mutex *mutex);

struct cm_os_cond {
    void *impl;
};
CM_MUST_CHECK enum cm_status cm_os_cond_init(struct cm_os_cond *cond);
void cm_os_cond_deinit(struct cm_os_cond *cond);
/* Caller holds the mutex. False after `timeout_ms` without a signal; may wake for no reason. */
bool cm_os_cond_wait_ms(struct cm_os_cond *cond, struct cm_os_mutex *mutex, uint32_t timeout_ms);
void cm_os_cond_signal(struct cm_os_cond *cond);
void cm_os_cond_broadcast(struct cm_os_cond *cond);

/* ---- time and chance ---- */

uint64_t cm_os_monotonic_ns(void);
int64_t cm_os_wall_s(void);  /* Unix time */
int64_t cm_os_wall_us(void); /* same, in microseconds */
void cm_os_sleep_ms(uint32_t ms);
/* Fills with bytes nobody can guess; SYSTEM if the source is not there. */
CM_MUST_CHECK enum cm_status cm_os_random(void *to, size_t bytes);

/* ---- files ---- */

/* To read it, without waiting for anybody: a file that is no regular one is not opened. NULL, and
 * *why: a text as strerror()'s. */
FILE *cm_os_open_regular(const char *path, const char **why);

/* ---- the process ---- */

struct cm_os_usage {
    uint64_t user_us, system_us; /* CPU time so far */
    uint64_t resident_bytes;
};
void cm_os_usage(struct cm_os_usage *usage);
int64_t cm_os_process_id(void);

#endif

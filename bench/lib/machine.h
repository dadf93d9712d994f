/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_MACHINE_H
#define CM_BENCH_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

uint64_t cm_bench_now_ns(void);
/* CPU time of all threads of a process, user and system; pid 0 is the caller. 0 if unknown. */
uint64_t cm_bench_cpu_ns(pid_t pid);
uint64_t cm_bench_thread_cpu_ns(void);

/* A connected TCP socket with TCP_NODELAY, or -1 with a message on standard error. */
int cm_bench_connect(const char *host, const char *port);

/* Prints "program: message" and exits with 2. */
__attribute__((noreturn, format(printf, 1, 2))) void cm_bench_die(const char *format, ...);
/* malloc and calloc that do not fail. */
void *cm_bench_alloc(uint64_t count, uint64_t bytes);
void *cm_bench_alloc_zeroed(uint64_t count, uint64_t bytes);
/* The number in an option, within [min, max], or death with the option's name. */
double cm_bench_number(const char *option, const char *text, double min, double max);

#endif

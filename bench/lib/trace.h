/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_TRACE_H
#define CM_BENCH_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* A trace in memory: one request a line, "key" or "key bytes"; keys are numbered in the order of
 * their first request. */
struct cm_bench_trace {
    size_t count;
    uint32_t *requests; /* key numbers */
    uint32_t *bytes;    /* by request; NULL: the trace tells no sizes */
    uint32_t keys;
    char *names;     /* all keys' names, one after the other */
    size_t *name_at; /* by key, keys + 1 of them */
};

/* Reads a file, through gzip if its name ends in .gz; dies with a message if it cannot. */
void cm_bench_trace_read(struct cm_bench_trace *trace, const char *path);
void cm_bench_trace_free(struct cm_bench_trace *trace);

const char *cm_bench_trace_name(const struct cm_bench_trace *trace, uint32_t key, size_t *bytes);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BENCH_DIALECT_H
#define CM_BENCH_DIALECT_H

#include <stddef.h>
#include <stdint.h>

/* What requests look like on the wire, and how their replies are told apart; one a protocol. */

/* A request is at most so much longer than its key and value. */
#define CM_BENCH_REQUEST_BYTES 64

enum cm_bench_reply {
    CM_BENCH_REPLY_PART, /* not whole yet */
    CM_BENCH_REPLY_HIT,
    CM_BENCH_REPLY_MISS,
    CM_BENCH_REPLY_STORED,
    CM_BENCH_REPLY_NOT_STORED,
    CM_BENCH_REPLY_BAD,
};

struct cm_bench_bytes {
    const char *data;
    uint32_t count;
};

struct cm_bench_dialect {
    const char *name;
    /* Each writes a request at `at` and returns its end. */
    char *(*put_get)(char *at, struct cm_bench_bytes key);
    char *(*put_set)(char *at, struct cm_bench_bytes key, struct cm_bench_bytes value);
    /* What the bytes start with; *used tells how many of them a whole reply is. */
    enum cm_bench_reply (*read_get)(const char *at, size_t bytes, size_t *used);
    enum cm_bench_reply (*read_set)(const char *at, size_t bytes, size_t *used);
};

/* By name; NULL: there is no such dialect. */
const struct cm_bench_dialect *cm_bench_dialect(const char *name);

#endif

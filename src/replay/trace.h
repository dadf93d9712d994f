/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_TRACE_H
#define CM_REPLAY_TRACE_H

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdint.h>

/* A trace, read a request at a time in bounded memory: a file or standard input, plain or gzip.
 * One request a line, "KEY" or "KEY BYTES", parted by spaces or tabs. */

#define CM_TRACE_KEY_BYTES_MAX   250
#define CM_TRACE_VALUE_BYTES_MAX ((uint64_t)1 << 30)
#define CM_TRACE_LINE_BYTES_MAX  65536 /* its end included */
#define CM_TRACE_WHY_BYTES       512

struct cm_trace_options {
    bool hash_keys;   /* keys that do not fit the protocol are replaced by a hash, not refused */
    bool needs_sizes; /* a line without BYTES is refused */
};

struct cm_trace_request {
    struct cm_slice key; /* good until the next one is read */
    uint32_t value_bytes;
    bool has_size;
};

enum cm_trace_step {
    CM_TRACE_REQUEST,
    CM_TRACE_END,
    CM_TRACE_BAD, /* cm_trace_why() tells; nothing more is to be read */
};

struct cm_trace;

/* `path` "-": standard input. INVALID: cannot be opened, with the reason in `why`, which has room
 * for CM_TRACE_WHY_BYTES; NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_trace_open(const char *path, const struct cm_trace_options *options,
                                           struct cm_trace **out, char *why);
/* The same of an open file, which it takes, `name` for messages. NO_MEMORY: the file is closed. */
CM_MUST_CHECK enum cm_status cm_trace_open_file(int file, const char *name,
                                                const struct cm_trace_options *options,
                                                struct cm_trace **out);
/* NULL is allowed. */
void cm_trace_close(struct cm_trace *trace);

enum cm_trace_step cm_trace_next(struct cm_trace *trace, struct cm_trace_request *request);
/* "FILE:LINE: what is wrong, and what is allowed". */
const char *cm_trace_why(const struct cm_trace *trace);

/* How much of the file has been read, from 0 to 1; negative if nobody knows. */
double cm_trace_progress(const struct cm_trace *trace);

#endif

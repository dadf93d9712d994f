/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_WATCH_H
#define CM_COMMAND_WATCH_H

#include "base/os/os.h"
#include "base/slice.h"
#include "op/reply.h"
#include "op/selector.h"
#include <cacheman/status.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Lines about what happens, for connections that asked to be told.
 *
 *     any thread ---- nobody wants that stream: one relaxed load, nothing else
 *          \--- a line, spelled once ---> ring of each watcher who does ---> the watcher's thread
 *
 * V1. Who tells never waits. A ring that is full, or locked by somebody for longer than a few
 *     looks, loses the line; its watcher is told how many he missed, in between.
 * V2. A ring is made, filled, emptied and freed under its lock, which is held for no longer than
 *     it takes to copy a few kilobytes. Nothing else is locked meanwhile.
 * V3. `wanted` is the union of the rings' streams. It may be behind for a moment: what is told to
 *     nobody goes nowhere, as each ring is asked for its own streams under its lock. */

#define CM_WATCHERS_MAX 20
/* What waits for one watcher, at most. */
#define CM_WATCH_RING_BYTES ((size_t)256 << 10)
#define CM_WATCH_RING_MIN   ((size_t)4 << 10)

struct cm_watcher;

struct cm_watch {
    _Atomic uint32_t wanted; /* a set of enum cm_watch_stream (V3) */
    size_t ring_bytes;
    struct cm_watcher *watchers;         /* CM_WATCHERS_MAX of them */
    struct cm_os_mutex mutex;            /* of who comes and goes; taken before a ring's lock */
    _Alignas(64) _Atomic uint64_t lines; /* the number of the last line */
    _Atomic uint64_t dropped, skipped, sent, written;
};

/* NO_MEMORY, SYSTEM. */
CM_MUST_CHECK enum cm_status cm_watch_create(struct cm_watch **out);
/* Nobody watches any more. NULL is allowed. */
void cm_watch_destroy(struct cm_watch *watch);
/* For watchers that come later; at least CM_WATCH_RING_MIN. */
void cm_watch_set_ring_bytes(struct cm_watch *watch, size_t bytes);

/* Whether anybody wants any of these streams. */
static inline bool cm_watch_wants(const struct cm_watch *watch, unsigned streams) {
    return (atomic_load_explicit(&watch->wanted, memory_order_relaxed) & streams) != 0;
}

/* The longest text: a key of which every byte is spelled %XX, and what is around it. */
#define CM_WATCH_TEXT_MAX 1024

/* Tells the watchers of `stream`: "ts=SECONDS.MICROSECONDS gid=NUMBER <text>\n". Any thread. */
void cm_watch_tell(struct cm_watch *watch, enum cm_watch_stream stream, struct cm_slice text);

/* ---- who watches ---- */

/* DONE, TOO_MANY, NO_MEMORY. The watcher ends with cm_watcher_close(). */
CM_MUST_CHECK enum cm_outcome cm_watcher_open(struct cm_watch *watch, uint32_t streams,
                                              struct cm_watcher **out);
/* NULL is allowed. */
void cm_watcher_close(struct cm_watch *watch, struct cm_watcher *watcher);
/* Bytes of memory it holds. */
size_t cm_watcher_bytes(const struct cm_watcher *watcher);
/* Moves lines, perhaps not to a line's end, and returns the bytes. One thread at a time. */
size_t cm_watcher_take(struct cm_watcher *watcher, char *to, size_t bytes_max);

/* ---- for `stats` ---- */

struct cm_watch_counts {
    uint64_t log_worker_dropped;  /* lines lost because a ring was locked */
    uint64_t log_worker_written;  /* lines spelled */
    uint64_t log_watcher_skipped; /* lines lost because a ring was full */
    uint64_t log_watcher_sent;    /* lines put into rings */
    uint64_t log_watchers;
};
void cm_watch_read_counts(struct cm_watch *watch, struct cm_watch_counts *counts);
void cm_watch_reset_counts(struct cm_watch *watch);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_ARENA_H
#define CM_STORE_ARENA_H

/* The memory of items: segments of one size, cut from one region, under one budget.
 *
 *   FREE --open--> OPEN --full--> SEALED --chosen--> EVACUATING --emptied--> LIMBO --grace--> FREE
 *
 * A1  A segment's memory is reused only from FREE; it gets there after a grace period that began
 *     when nothing led to its items any more, and with no pins.
 * A2  Only an OPEN segment is appended to; `used` beyond its size means that it is full.
 * A3  Records fill [0, size) of a sealed segment without gaps.
 * A4  `live` is the bytes of records an index slot or a chain leads to.
 * A5  Segments with memory behind them are at most `allowed`, but for a short time after the
 *     budget shrank.
 *
 * State, log lists and free lists change under the arena's mutex. Places are counted in units of
 * CM_UNIT_BYTES from the start of the region; segment 0 is never used, so place 0 is none. */

#include "base/os/os.h"
#include "store/item.h"
#include "store/region.h"

#include <stdatomic.h>

#define CM_LOGS              2u
#define CM_SEGMENTS_MIN      512u /* granularity costs hits below that */
#define CM_SEGMENT_BYTES_MIN 4096u
#define CM_SEGMENT_BYTES_MAX (256u << 10)
#define CM_KEEPER_RESERVE    2u /* segments only reclaim may take, so that it can always copy */
#define CM_SEGMENT_NONE      0u

enum cm_segment_state {
    CM_SEGMENT_FREE,
    CM_SEGMENT_OPEN,
    CM_SEGMENT_SEALED,
    CM_SEGMENT_EVACUATING,
    CM_SEGMENT_LIMBO,
};

struct cm_segment {
    _Alignas(64) _Atomic uint32_t used;
    _Atomic uint32_t live;
    _Atomic uint32_t pins;
    _Atomic uint32_t expires_min; /* earliest expiry ever stored in it; UINT32_MAX: none */
    _Atomic uint64_t opened;      /* counts openings: the order of segments in time */
    _Atomic uint8_t state;        /* enum cm_segment_state */
    _Atomic uint8_t log;
    uint32_t older, newer; /* in its log; `newer` links the free lists */
};

struct cm_log {
    _Alignas(64) _Atomic uint32_t open; /* segment appended to, CM_SEGMENT_NONE at first */
    uint32_t oldest, newest;
    _Atomic uint32_t count; /* segments in the list */
};

struct cm_arena {
    struct cm_region data, table;
    unsigned shift; /* log2 of the segment size */
    struct cm_log logs[CM_LOGS];
    struct cm_os_mutex mutex;
    /* under the mutex */
    uint32_t next_unused; /* segments from here on never had memory */
    uint32_t free_resident, free_discarded;
    uint32_t resident; /* segments with memory behind them */
    uint64_t openings, bookkeeping_bytes;
    int64_t charged_bytes;
    uint32_t segments_max; /* address space */
    uint32_t backed_max;   /* segments the system gave memory for, once it has refused more */
    /* written under the mutex, read anywhere */
    _Atomic uint64_t limit_bytes;
    _Atomic uint32_t allowed;
    _Atomic uint32_t free_count; /* resident ones in the free list */
    _Atomic uint32_t available;  /* segments that can be opened now */
};

/* `reserve_bytes`: how far the limit can ever grow. */
CM_MUST_CHECK enum cm_status cm_arena_init(struct cm_arena *arena, uint64_t limit_bytes,
                                           uint64_t reserve_bytes);
void cm_arena_deinit(struct cm_arena *arena);

static inline size_t cm_arena_segment_bytes(const struct cm_arena *arena) {
    return (size_t)1 << arena->shift;
}
static inline cm_record *cm_arena_at(const struct cm_arena *arena, uint64_t place) {
    return arena->data.base + place * CM_UNIT_BYTES;
}
static inline uint32_t cm_arena_segment_of(const struct cm_arena *arena, uint64_t place) {
    return (uint32_t)((place * CM_UNIT_BYTES) >> arena->shift);
}
static inline struct cm_segment *cm_arena_segment(const struct cm_arena *arena, uint32_t number) {
    return (struct cm_segment *)(void *)arena->table.base + number;
}
static inline struct cm_segment *cm_arena_holder(const struct cm_arena *arena, uint64_t place) {
    return cm_arena_segment(arena, cm_arena_segment_of(arena, place));
}
static inline uint64_t cm_arena_place(const struct cm_arena *arena, uint32_t segment,
                                      size_t offset) {
    return (((uint64_t)segment << arena->shift) + offset) / CM_UNIT_BYTES;
}

/* Room for a record at the end of a log, counted as live; 0 if no segment can be opened. The
 * caller is online or holds the keeper's mutex, and writes the record before it leaves. `keeper`:
 * may take the reserve. */
uint64_t cm_arena_alloc(struct cm_arena *arena, unsigned log, size_t bytes, bool keeper);

/* Whether cm_arena_alloc() would leave no room unused. A guess: others allocate too. */
bool cm_arena_would_fit(const struct cm_arena *arena, unsigned log, size_t bytes);
/* Room for as much of `most` as fits in one run, at least `least`; `bytes` says how much. All of it
 * if the open segment has the room. */
struct cm_part {
    size_t least, most;
    size_t bytes; /* out */
};
uint64_t cm_arena_alloc_part(struct cm_arena *arena, unsigned log, struct cm_part *part,
                             bool keeper);

/* The record at `place` is no longer reachable. */
void cm_arena_kill(struct cm_arena *arena, uint64_t place, size_t bytes);

/* Seals the open segment of every log. Caller as for cm_arena_alloc(). Sets *upto to the number of
 * the last opening: whatever is opened later has a higher one, and who allocates there sees it set. */
void cm_arena_seal_all(struct cm_arena *arena, _Atomic uint64_t *upto);

/* Takes a sealed segment out of its log for evacuation; false if it is not sealed any more. */
bool cm_arena_start_evacuation(struct cm_arena *arena, uint32_t number);
/* Back to its log after all, as the newest. */
void cm_arena_cancel_evacuation(struct cm_arena *arena, uint32_t number);
/* Makes the first log's oldest segment the newest of the other. False if it is not sealed. */
bool cm_arena_adopt(struct cm_arena *arena);
/* Emptied: wait for grace and pins. */
void cm_arena_to_limbo(struct cm_arena *arena, uint32_t number);
/* After grace, without pins. */
void cm_arena_free(struct cm_arena *arena, uint32_t number);

/* LIMIT_TOO_SMALL (than the next answers), INVALID. */
CM_MUST_CHECK enum cm_status cm_arena_set_limit(struct cm_arena *arena, uint64_t limit_bytes);
uint64_t cm_arena_limit_min(struct cm_arena *arena);
void cm_arena_charge(struct cm_arena *arena, int64_t bytes);
/* Bookkeeping has taken (or given back) memory, whether there is room or not. */
void cm_arena_owe(struct cm_arena *arena, int64_t bytes);
/* As cm_arena_owe(), but false and nothing changed if less than `least` segments were left. */
bool cm_arena_try_owe(struct cm_arena *arena, int64_t bytes, uint32_t least);
/* Segments that are not free. */
uint32_t cm_arena_in_use(struct cm_arena *arena);
/* Gives free segments' memory back until the budget holds. True if it does. */
bool cm_arena_settle(struct cm_arena *arena);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_ROOM_H
#define CM_STORE_ROOM_H

/* Making room: reclaim, and what else is due from time to time. */

#include "store/change.h"

/* Records up to this share of a segment may leave the rest of a segment unused; larger ones are
 * chained when they do not fit. */
#define CM_WASTE_SHARE 128u
/* Pieces at least this long fill a segment's end, so that little of it is left unused. */
#define CM_EXTENT_LEAST 64u
static inline size_t cm_extent_least(const struct cm_arena *arena) {
    size_t share = cm_arena_segment_bytes(arena) / CM_WASTE_SHARE;
    return share > CM_EXTENT_LEAST ? share : CM_EXTENT_LEAST;
}
/* Values up to here are never chained: a number must lie in one piece, and an empty value has
 * nothing to cut. */
#define CM_WHOLE_VALUE_MAX 64u

/* Waits for, or makes, a free segment. False: there is none to be had. The caller is between
 * operations. */
bool cm_make_room(cmstore_thread *t);
/* Wakes the background thread if the reserve is low. */
void cm_keeper_nudge(cmstore *s);
CM_MUST_CHECK enum cm_status cm_keeper_start(cmstore *s);
void cm_keeper_stop(cmstore *s);
/* Segments to keep ready. */
uint32_t cm_reserve_wanted(const cmstore *s);

/* All of these: the caller holds the keeper's mutex and is offline. */

/* Empties segments. False: there was nothing to be gained. */
enum cm_urgency {
    CM_AT_LEISURE, /* what is emptied becomes free at the next step */
    CM_URGENT,     /* one segment, and waits until it is free */
    CM_DESPERATE,  /* likewise, and does not ask the policy */
};
bool cm_reclaim_step(cmstore_thread *t, enum cm_urgency urgency);
/* Steps until the condition holds. False: it cannot be met. */
bool cm_reclaim_until(cmstore_thread *t, bool (*holds)(struct cm_arena *));
struct cm_victim {
    uint32_t segment; /* CM_SEGMENT_NONE: there is none */
    bool mostly_dead;
};
struct cm_victim cm_choose_victim(cmstore *s, bool oldest_only);
/* Lets the policy see how things are, and adopt. */
void cm_consult_policy(cmstore *s);
enum cm_mercy {
    CM_ASK_POLICY,
    CM_KEEP_ALL, /* the segment is mostly holes */
    CM_DROP_ALL, /* the policy keeps too much to make room */
};
/* False: something could neither be moved nor dropped, and the segment must go back to its log. */
bool cm_evacuate(cmstore_thread *t, uint32_t segment, enum cm_mercy mercy);
/* False: no room, nothing changed. The caller holds the bucket's lock too. */
bool cm_relocate_item(cmstore_thread *t, const struct cm_found *found, uint64_t hash,
                      const struct cm_verdict *verdict);
/* Likewise, a chained item with all its extents, wherever they lie: in one piece again if that
 * fits. */
bool cm_gather_item(cmstore_thread *t, const struct cm_found *found, uint64_t hash,
                    const struct cm_verdict *verdict);
struct cm_moving_extent {
    uint64_t hash, place;
    struct cm_found owner; /* whose chain lists it, */
    uint32_t ordinal;      /* and where */
};
bool cm_relocate_extent(cmstore_thread *t, const struct cm_moving_extent *extent, unsigned log);
/* Drop what has expired, or was flushed, from the next `buckets` buckets. */
void cm_sweep_expired(cmstore_thread *t, uint64_t buckets);
void cm_sweep_flushed(cmstore_thread *t, uint64_t buckets);
/* Follows the number of items; false if there was nothing to do. */
bool cm_index_grow(cmstore *s);
bool cm_index_shrink(cmstore *s);
/* How many extents a head can list. */
static inline size_t cm_extents_max(const cmstore *s) {
    return (cm_arena_segment_bytes(&s->arena) - CMSTORE_KEY_BYTES_MAX - 64) / 8;
}
/* What is due: expiry, flush, index, reserve. */
void cm_keep_house(cmstore_thread *t);

#endif

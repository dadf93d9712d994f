/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Which segment to empty next. One that is mostly holes comes first: copying what lives in it
 * costs little and no hits, while holes would take room from items. */

#define SCAN_MAX   1024u /* segments looked at in one go */
#define DEAD_SHARE 8u    /* holes worth the copying: one in so many bytes of the segment */
#define DEAD_SHARE_KEPT                                                                            \
    7u /* likewise where holes are the only room to be had, and must be worth more than what
                                 copying may waste again */

static bool is_candidate(const struct cm_segment *segment) {
    return atomic_load_explicit(&segment->state, memory_order_acquire) == CM_SEGMENT_SEALED &&
           atomic_load_explicit(&segment->pins, memory_order_acquire) == 0;
}

/* The one with the most holes among the next SCAN_MAX, if it has enough of them. The oldest of a log
 * does not count: its turn comes anyway, and items cut in two make holes there all the time. */
static uint32_t find_mostly_dead(cmstore *s) {
    struct cm_arena *arena = &s->arena;
    cm_os_mutex_lock(&arena->mutex);
    uint32_t segments = arena->next_unused - 1;
    uint32_t next[CM_LOGS] = {arena->logs[CM_LOG_SMALL].oldest, arena->logs[CM_LOG_MAIN].oldest};
    cm_os_mutex_unlock(&arena->mutex);
    uint32_t size = (uint32_t)cm_arena_segment_bytes(arena);
    uint32_t least = size - size / (s->no_evict ? DEAD_SHARE_KEPT : DEAD_SHARE);
    uint32_t chosen = CM_SEGMENT_NONE;
    uint32_t looks = segments < SCAN_MAX ? segments : SCAN_MAX;
    for (uint32_t i = 0; i < looks; i++) {
        s->keeper.dead_cursor = s->keeper.dead_cursor % segments + 1;
        const struct cm_segment *segment = cm_arena_segment(arena, s->keeper.dead_cursor);
        bool is_next = s->keeper.dead_cursor == next[0] || s->keeper.dead_cursor == next[1];
        if ((is_next && !s->no_evict) || !is_candidate(segment))
            continue;
        uint32_t live = atomic_load_explicit(&segment->live, memory_order_relaxed);
        if (live >= least)
            continue;
        least = live;
        chosen = s->keeper.dead_cursor;
    }
    return chosen;
}

/* The oldest of a log that can be emptied. */
static uint32_t find_oldest(cmstore *s, unsigned log) {
    struct cm_arena *arena = &s->arena;
    cm_os_mutex_lock(&arena->mutex);
    uint32_t number = arena->logs[log].oldest;
    while (number && !is_candidate(cm_arena_segment(arena, number))) {
        number = cm_arena_segment(arena, number)->newer;
    }
    cm_os_mutex_unlock(&arena->mutex);
    return number;
}

static struct cm_log_view view_logs(cmstore *s) {
    struct cm_arena *arena = &s->arena;
    int64_t items = atomic_load_explicit(&s->index.items, memory_order_relaxed);
    struct cm_log_view view = {.slack = cm_reserve_wanted(s)};
    cm_os_mutex_lock(&arena->mutex);
    view.small = atomic_load_explicit(&arena->logs[CM_LOG_SMALL].count, memory_order_relaxed);
    view.main = atomic_load_explicit(&arena->logs[CM_LOG_MAIN].count, memory_order_relaxed);
    uint32_t small = arena->logs[CM_LOG_SMALL].oldest, main = arena->logs[CM_LOG_MAIN].oldest;
    view.small_older = !main || (small && cm_arena_segment(arena, small)->opened <
                                              cm_arena_segment(arena, main)->opened);
    cm_os_mutex_unlock(&arena->mutex);
    uint64_t bytes = (uint64_t)(view.small + view.main) << arena->shift;
    view.item_bytes = items > 0 ? (uint32_t)(bytes / (uint64_t)items) : 1;
    if (view.item_bytes == 0)
        view.item_bytes = 1;
    return view;
}

/* Tells the budget what became of some bookkeeping. */
static void account(cmstore *s, uint64_t *known, uint64_t bytes) {
    if (bytes == *known)
        return;
    cm_arena_owe(&s->arena, (int64_t)bytes - (int64_t)*known);
    *known = bytes;
}

void cm_consult_policy(cmstore *s) {
    struct cm_policy *policy = cm_policy_of(s);
    int64_t items = atomic_load_explicit(&s->index.items, memory_order_relaxed);
    struct cm_log_view view = view_logs(s);
    /* A store that never evicts needs nothing of its policy, least of all memory for ghosts. */
    uint64_t bytes = 0;
    if (!s->no_evict)
        bytes = policy->kind->adjust(policy, &view, items > 0 ? (uint64_t)items : 0);
    account(s, &s->keeper.policy_bytes, bytes);
    account(s, &s->keeper.spill_bytes, cm_index_spill_bytes(&s->index));
    while (policy->kind->adopts && policy->kind->adopts(policy, &view)) {
        if (!cm_arena_adopt(&s->arena))
            break;
        view.small--;
        view.main++;
    }
}

struct cm_victim cm_choose_victim(cmstore *s, bool oldest_only) {
    struct cm_victim victim = {.segment = CM_SEGMENT_NONE, .mostly_dead = true};
    if (s->no_evict || !oldest_only)
        victim.segment = find_mostly_dead(s);
    if (victim.segment || s->no_evict)
        return victim;
    struct cm_policy *policy = cm_policy_of(s);
    struct cm_log_view view = view_logs(s);
    unsigned log = policy->kind->victim_log(policy, &view);
    victim.mostly_dead = false;
    victim.segment = find_oldest(s, log);
    if (!victim.segment)
        victim.segment = find_oldest(s, log ^ 1u);
    return victim;
}

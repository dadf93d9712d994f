/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

/* Reclaim, in the background and, where that is too slow or switched off, by whoever needs room.
 *
 * K1  One thread reclaims at a time: the keeper's mutex.
 * K2  It is offline, so that grace periods do not wait for it.
 * K3  A segment goes to limbo when nothing leads to its items any more, and is freed after a grace
 *     period that began later, once it has no pins. */

#define RESERVE_SHARE     128u /* segments kept ready: one in so many */
#define RESERVE_MIN       2u
#define RESERVE_MAX       64u
#define VICTIMS_MAX       8u /* emptied in one step */
#define IDLE_MS           250u
#define STALLS_MAX        64  /* steps in a row that gain nothing before reclaim gives up */
#define SWEEP_SECONDS     32u /* a full search for expired items takes about that long */
#define SWEEP_BUCKETS_MIN 256u
#define FLUSH_BUCKETS     16384u /* swept between two looks at the reserve */

uint32_t cm_reserve_wanted(const cmstore *s) {
    uint32_t allowed = atomic_load_explicit(&s->arena.allowed, memory_order_relaxed);
    uint32_t wanted = s->background ? allowed / RESERVE_SHARE : 0;
    if (wanted < RESERVE_MIN)
        wanted = RESERVE_MIN;
    if (wanted > RESERVE_MAX)
        wanted = RESERVE_MAX;
    return wanted + CM_KEEPER_RESERVE;
}

static uint32_t available(const cmstore *s) {
    return atomic_load_explicit(&s->arena.available, memory_order_relaxed);
}

/* ---- one step ---- */

static void put_in_limbo(cmstore *s, uint32_t number) {
    cm_arena_to_limbo(&s->arena, number);
    cm_arena_segment(&s->arena, number)->newer = s->keeper.limbo;
    s->keeper.limbo = number;
}

/* After a grace period. True if any segment became free. */
static bool free_limbo(cmstore *s) {
    uint32_t number = s->keeper.limbo;
    bool freed = false;
    s->keeper.limbo = CM_SEGMENT_NONE;
    while (number) {
        struct cm_segment *segment = cm_arena_segment(&s->arena, number);
        uint32_t next = segment->newer;
        if (atomic_load_explicit(&segment->pins, memory_order_acquire) == 0) {
            cm_arena_free(&s->arena, number);
            freed = true;
        } else {
            segment->newer = s->keeper.limbo;
            s->keeper.limbo = number;
        }
        number = next;
    }
    return freed;
}

struct victims {
    struct cm_victim list[VICTIMS_MAX];
    uint32_t count;
};

static uint32_t victims_wanted(const cmstore *s, enum cm_urgency urgency) {
    uint32_t wanted = cm_reserve_wanted(s), have = available(s);
    if (urgency != CM_AT_LEISURE || have >= wanted)
        return 1;
    return wanted - have < VICTIMS_MAX ? wanted - have : VICTIMS_MAX;
}

static void choose(cmstore *s, struct victims *victims, enum cm_urgency urgency) {
    uint32_t wanted = victims_wanted(s, urgency);
    victims->count = 0;
    while (victims->count < wanted) {
        cm_consult_policy(s);
        struct cm_victim victim = cm_choose_victim(s, urgency == CM_DESPERATE);
        if (!victim.segment || !cm_arena_start_evacuation(&s->arena, victim.segment))
            break;
        victims->list[victims->count++] = victim;
    }
}

static enum cm_mercy mercy_for(const struct cm_victim *victim, enum cm_urgency urgency) {
    if (victim->mostly_dead)
        return CM_KEEP_ALL;
    return urgency == CM_DESPERATE ? CM_DROP_ALL : CM_ASK_POLICY;
}

static void empty(cmstore_thread *t, const struct victims *victims, enum cm_urgency urgency) {
    cmstore *s = t->store;
    for (uint32_t i = 0; i < victims->count; i++) {
        const struct cm_victim *victim = &victims->list[i];
        const struct cm_segment *segment = cm_arena_segment(&s->arena, victim->segment);
        /* Pinned since it was chosen, perhaps by a writer whose extents nothing leads to yet. */
        bool pinned = atomic_load_explicit(&segment->pins, memory_order_acquire) != 0;
        if (!pinned && cm_evacuate(t, victim->segment, mercy_for(victim, urgency))) {
            put_in_limbo(s, victim->segment);
        } else {
            cm_arena_cancel_evacuation(&s->arena, victim->segment);
        }
    }
}

bool cm_reclaim_step(cmstore_thread *t, enum cm_urgency urgency) {
    cmstore *s = t->store;
    struct victims victims;
    choose(s, &victims, urgency);
    if (victims.count == 0 && !s->keeper.limbo)
        return false;
    cm_epoch_wait(&s->epoch);
    bool freed = free_limbo(s);
    empty(t, &victims, urgency);
    if (urgency != CM_AT_LEISURE && !freed && s->keeper.limbo) {
        cm_epoch_wait(&s->epoch);
        freed = free_limbo(s);
    }
    return freed || victims.count > 0;
}

static enum cm_urgency urgency_after(int stalls) {
    return stalls < STALLS_MAX / 2 ? CM_URGENT : CM_DESPERATE;
}

/* ---- who needs room ---- */

bool cm_reclaim_until(cmstore_thread *t, bool (*holds)(struct cm_arena *)) {
    struct cm_arena *arena = &t->store->arena;
    uint32_t least = cm_arena_in_use(arena);
    int stalls = 0;
    while (!holds(arena)) {
        if (stalls == STALLS_MAX || !cm_reclaim_step(t, urgency_after(stalls)))
            return false;
        uint32_t in_use = cm_arena_in_use(arena);
        stalls = in_use < least ? 0 : stalls + 1;
        if (in_use < least)
            least = in_use;
    }
    return true;
}

static bool has_room(struct cm_arena *arena) {
    return atomic_load_explicit(&arena->available, memory_order_relaxed) > CM_KEEPER_RESERVE;
}

bool cm_make_room(cmstore_thread *t) {
    cmstore *s = t->store;
    cm_go_offline(t);
    cm_os_mutex_lock(&s->keeper.mutex);
    cm_tally_add(t, CM_TALLY_WAITS, 1);
    bool room = cm_reclaim_until(t, has_room);
    cm_os_mutex_unlock(&s->keeper.mutex);
    cm_go_online(t);
    return room;
}

/* ---- what is due ---- */

static void sweep_if_due(cmstore_thread *t) {
    cmstore *s = t->store;
    uint32_t now_s = cm_now(s), passed = now_s - s->keeper.swept_s;
    if (passed == 0 || !atomic_load_explicit(&s->expiring, memory_order_relaxed))
        return;
    s->keeper.swept_s = now_s;
    uint64_t buckets = atomic_load_explicit(&s->index.count, memory_order_relaxed);
    uint64_t share = buckets / SWEEP_SECONDS * (passed < SWEEP_SECONDS ? passed : SWEEP_SECONDS);
    cm_sweep_expired(t, share > SWEEP_BUCKETS_MIN ? share : SWEEP_BUCKETS_MIN);
}

void cm_keep_house(cmstore_thread *t) {
    cmstore *s = t->store;
    sweep_if_due(t);
    cm_sweep_flushed(t, FLUSH_BUCKETS);
    if (atomic_load(&s->flushed_upto) == 0) {
        while (cm_index_shrink(s))
            continue;
    }
    cm_consult_policy(s);
    (void)cm_reclaim_until(t, cm_arena_settle);
}

/* ---- the background thread ---- */

void cm_keeper_nudge(cmstore *s) {
    struct cm_keeper *keeper = &s->keeper;
    if (!s->background || !atomic_load_explicit(&keeper->asleep, memory_order_relaxed))
        return;
    if (available(s) >= cm_reserve_wanted(s))
        return;
    cm_os_mutex_lock(&keeper->sleep_mutex);
    cm_os_cond_signal(&keeper->wake);
    cm_os_mutex_unlock(&keeper->sleep_mutex);
}

static bool refill_reserve(cmstore_thread *t) {
    cmstore *s = t->store;
    cm_os_mutex_lock(&s->keeper.mutex);
    cm_keep_house(t);
    bool progress = available(s) >= cm_reserve_wanted(s) || cm_reclaim_step(t, CM_AT_LEISURE);
    cm_os_mutex_unlock(&s->keeper.mutex);
    return (progress && available(s) < cm_reserve_wanted(s)) || atomic_load(&s->flushed_upto) != 0;
}

static void sleep_a_little(struct cm_keeper *keeper) {
    cm_os_mutex_lock(&keeper->sleep_mutex);
    atomic_store_explicit(&keeper->asleep, true, memory_order_relaxed);
    if (!atomic_load(&keeper->stop)) {
        (void)cm_os_cond_wait_ms(&keeper->wake, &keeper->sleep_mutex, IDLE_MS);
    }
    atomic_store_explicit(&keeper->asleep, false, memory_order_relaxed);
    cm_os_mutex_unlock(&keeper->sleep_mutex);
}

static void run(void *context) {
    cmstore *s = context;
    while (!atomic_load(&s->keeper.stop)) {
        if (!refill_reserve(s->keeper.self))
            sleep_a_little(&s->keeper);
    }
}

enum cm_status cm_keeper_start(cmstore *s) {
    enum cm_status status = cmstore_attach(s, &s->keeper.self);
    if (status)
        return status;
    return cm_os_thread_start(&s->keeper.thread, run, s, "cacheman-keeper");
}

void cm_keeper_stop(cmstore *s) {
    struct cm_keeper *keeper = &s->keeper;
    if (keeper->thread.impl) {
        cm_os_mutex_lock(&keeper->sleep_mutex);
        atomic_store(&keeper->stop, true);
        cm_os_cond_signal(&keeper->wake);
        cm_os_mutex_unlock(&keeper->sleep_mutex);
        cm_os_thread_join(&keeper->thread);
    }
    cmstore_detach(keeper->self);
    keeper->self = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/clock.h"

enum { NS_PER_S = 1000000000 };

enum cm_status cm_clock_init(struct cm_clock *clock, cmstore *store) {
    *clock = (struct cm_clock){.store = store, .start_ns = uv_hrtime()};
    return uv_mutex_init(&clock->lock) == 0 ? CM_OK : CM_SYSTEM;
}

void cm_clock_deinit(struct cm_clock *clock) {
    uv_mutex_destroy(&clock->lock);
}

/* Caller holds the lock. */
static int64_t running_locked(const struct cm_clock *clock) {
    int64_t elapsed_s = (int64_t)((uv_hrtime() - clock->start_ns) / NS_PER_S);
    return CM_CLOCK_START_S + elapsed_s + clock->moved_s;
}

/* Caller holds the lock, so that readings reach the store in order. */
static void tell_locked(struct cm_clock *clock) {
    int64_t now = clock->paused ? clock->paused_at_s : running_locked(clock);
    if (now > 0 && now <= UINT32_MAX)
        cmstore_set_clock(clock->store, (uint32_t)now);
}

void cm_clock_tick(struct cm_clock *clock) {
    uv_mutex_lock(&clock->lock);
    tell_locked(clock);
    uv_mutex_unlock(&clock->lock);
}

void cm_clock_pause(struct cm_clock *clock, bool paused) {
    uv_mutex_lock(&clock->lock);
    if (paused && !clock->paused)
        clock->paused_at_s = running_locked(clock);
    if (!paused && clock->paused)
        clock->moved_s += clock->paused_at_s - running_locked(clock);
    clock->paused = paused;
    uv_mutex_unlock(&clock->lock);
}

void cm_clock_move(struct cm_clock *clock, int64_t delta_s) {
    const int64_t most = UINT32_MAX;
    uv_mutex_lock(&clock->lock);
    if (delta_s >= -most && delta_s <= most) {
        int64_t *moved = clock->paused ? &clock->paused_at_s : &clock->moved_s;
        *moved += delta_s;
        tell_locked(clock);
    }
    uv_mutex_unlock(&clock->lock);
}

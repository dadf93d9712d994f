/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/arena.h"

#include "base/check.h"
#include "store/index.h"

#define ALLOWED_MIN      16u /* whatever the charges: enough to keep every log moving */
#define LARGE_PAGES_FROM (UINT64_C(64) << 20)
#define DATA_STEP_BYTES  ((size_t)512 << 10)
#define PLACED_BYTES_MAX ((uint64_t)CM_UNIT_BYTES << CM_SLOT_PLACE_BITS) /* that slots tell apart */
#define TABLE_STEP_BYTES ((size_t)64 << 10)

static unsigned shift_for(uint64_t limit_bytes) {
    unsigned shift = 12;
    while (((uint64_t)2 << shift) <= limit_bytes / CM_SEGMENTS_MIN &&
           ((uint64_t)2 << shift) <= CM_SEGMENT_BYTES_MAX) {
        shift++;
    }
    return shift;
}

/* Caller holds the mutex. */
static void update_available_locked(struct cm_arena *arena) {
    uint32_t allowed = atomic_load_explicit(&arena->allowed, memory_order_relaxed);
    uint32_t free_count = atomic_load_explicit(&arena->free_count, memory_order_relaxed);
    uint32_t in_use = arena->resident - free_count;
    atomic_store_explicit(&arena->available, allowed > in_use ? allowed - in_use : 0,
                          memory_order_relaxed);
}

/* Caller holds the mutex. */
static void update_budget_locked(struct cm_arena *arena) {
    uint64_t limit = atomic_load_explicit(&arena->limit_bytes, memory_order_relaxed);
    int64_t left = (int64_t)(limit - arena->bookkeeping_bytes) - arena->charged_bytes;
    int64_t segments = left > 0 ? left >> arena->shift : 0;
    if (segments < ALLOWED_MIN)
        segments = ALLOWED_MIN;
    if (segments > arena->backed_max)
        segments = arena->backed_max;
    atomic_store_explicit(&arena->allowed, (uint32_t)segments, memory_order_relaxed);
    update_available_locked(arena);
}

enum cm_status cm_arena_init(struct cm_arena *arena, uint64_t limit_bytes, uint64_t reserve_bytes) {
    *arena = (struct cm_arena){.shift = shift_for(limit_bytes), .next_unused = 1};
    uint64_t segments = (reserve_bytes >> arena->shift) + 1;
    uint64_t placed = (PLACED_BYTES_MAX >> arena->shift) - 1; /* the first is never used */
    arena->segments_max = (uint32_t)(segments < placed ? segments : placed);
    arena->backed_max = arena->segments_max;
    enum cm_status status = cm_os_mutex_init(&arena->mutex);
    if (status)
        return status;
    status =
        cm_region_init(&arena->data, (uint64_t)(arena->segments_max + UINT64_C(1)) << arena->shift,
                       DATA_STEP_BYTES, limit_bytes >= LARGE_PAGES_FROM);
    if (status)
        goto failed;
    status = cm_region_init(&arena->table,
                            (arena->segments_max + UINT64_C(1)) * sizeof(struct cm_segment),
                            TABLE_STEP_BYTES, false);
    if (status)
        goto failed;
    arena->limit_bytes = limit_bytes;
    update_budget_locked(arena);
    return CM_OK;
failed:
    cm_arena_deinit(arena);
    return status;
}

void cm_arena_deinit(struct cm_arena *arena) {
    cm_region_deinit(&arena->table);
    cm_region_deinit(&arena->data);
    cm_os_mutex_deinit(&arena->mutex);
}

/* Caller holds the mutex. A segment that never had memory, or CM_SEGMENT_NONE. */
static uint32_t take_unused_locked(struct cm_arena *arena) {
    if (arena->next_unused > arena->segments_max)
        return CM_SEGMENT_NONE;
    uint32_t number = arena->next_unused;
    if (cm_region_ensure(&arena->table, (number + UINT64_C(1)) * sizeof(struct cm_segment)) ||
        cm_region_ensure(&arena->data, (number + UINT64_C(1)) << arena->shift)) {
        return CM_SEGMENT_NONE;
    }
    arena->next_unused++;
    return number;
}

/* Caller holds the mutex. Reclaim is never refused: where the budget has just shrunk it would have
 * to drop what the policy keeps, and what it takes it gives back at the end of its step. */
static uint32_t take_segment_locked(struct cm_arena *arena, bool keeper) {
    uint32_t available = atomic_load_explicit(&arena->available, memory_order_relaxed);
    if (!keeper && available <= CM_KEEPER_RESERVE)
        return CM_SEGMENT_NONE;
    uint32_t number = arena->free_resident;
    if (number) {
        arena->free_resident = cm_arena_segment(arena, number)->newer;
        atomic_fetch_sub_explicit(&arena->free_count, 1, memory_order_relaxed);
    } else if (arena->free_discarded) {
        number = arena->free_discarded;
        arena->free_discarded = cm_arena_segment(arena, number)->newer;
        arena->resident++;
    } else {
        number = take_unused_locked(arena);
        if (number) {
            arena->resident++;
        } else {
            arena->backed_max = arena->resident; /* from now on reclaim has to make the room */
            update_budget_locked(arena);
        }
    }
    update_available_locked(arena);
    return number;
}

/* Caller holds the mutex. */
static void append_to_log_locked(struct cm_arena *arena, unsigned log_number, uint32_t number) {
    struct cm_log *log = &arena->logs[log_number];
    struct cm_segment *segment = cm_arena_segment(arena, number);
    atomic_store_explicit(&segment->log, (uint8_t)log_number, memory_order_relaxed);
    segment->older = log->newest;
    segment->newer = CM_SEGMENT_NONE;
    if (log->newest)
        cm_arena_segment(arena, log->newest)->newer = number;
    log->newest = number;
    if (!log->oldest)
        log->oldest = number;
    atomic_fetch_add_explicit(&log->count, 1, memory_order_relaxed);
}

/* Caller holds the mutex. */
static void remove_from_log_locked(struct cm_arena *arena, uint32_t number) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    unsigned log_number = atomic_load_explicit(&segment->log, memory_order_relaxed);
    struct cm_log *log = &arena->logs[log_number];
    if (segment->older) {
        cm_arena_segment(arena, segment->older)->newer = segment->newer;
    } else {
        log->oldest = segment->newer;
    }
    if (segment->newer) {
        cm_arena_segment(arena, segment->newer)->older = segment->older;
    } else {
        log->newest = segment->older;
    }
    atomic_fetch_sub_explicit(&log->count, 1, memory_order_relaxed);
}

static void set_state(struct cm_segment *segment, enum cm_segment_state state) {
    atomic_store_explicit(&segment->state, (uint8_t)state, memory_order_release);
}

/* Caller holds the mutex. */
static void seal_locked(struct cm_arena *arena, struct cm_log *log) {
    uint32_t number = atomic_load_explicit(&log->open, memory_order_relaxed);
    if (!number)
        return;
    set_state(cm_arena_segment(arena, number), CM_SEGMENT_SEALED);
    atomic_store_explicit(&log->open, CM_SEGMENT_NONE, memory_order_relaxed);
}

/* Caller holds the mutex. */
static bool open_next_locked(struct cm_arena *arena, unsigned log_number, bool keeper) {
    uint32_t number = take_segment_locked(arena, keeper);
    if (!number)
        return false;
    struct cm_segment *segment = cm_arena_segment(arena, number);
    atomic_store_explicit(&segment->used, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->live, 0, memory_order_relaxed);
    atomic_store_explicit(&segment->expires_min, UINT32_MAX, memory_order_relaxed);
    atomic_store_explicit(&segment->opened, ++arena->openings, memory_order_relaxed);
    set_state(segment, CM_SEGMENT_OPEN);
    append_to_log_locked(arena, log_number, number);
    atomic_store_explicit(&arena->logs[log_number].open, number, memory_order_release);
    return true;
}

/* Replaces `full`, unless somebody else already has. */
static bool replace_open(struct cm_arena *arena, unsigned log_number, uint32_t full, bool keeper) {
    struct cm_log *log = &arena->logs[log_number];
    bool opened = true;
    cm_os_mutex_lock(&arena->mutex);
    uint32_t open = atomic_load_explicit(&log->open, memory_order_relaxed);
    if (open == full || open == CM_SEGMENT_NONE) {
        seal_locked(arena, log);
        opened = open_next_locked(arena, log_number, keeper);
    }
    cm_os_mutex_unlock(&arena->mutex);
    return opened;
}

/* Whoever takes `used` past the end fills the rest, so that A3 holds. */
static void fill_rest(struct cm_arena *arena, uint32_t number, uint32_t from) {
    size_t rest = cm_arena_segment_bytes(arena) - from;
    if (rest > 0)
        cm_filler_write(cm_arena_at(arena, cm_arena_place(arena, number, from)), rest);
}

/* Appends to the segment, or finds it full. */
static uint64_t append(struct cm_arena *arena, uint32_t number, size_t bytes) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    size_t size = cm_arena_segment_bytes(arena);
    if (atomic_load_explicit(&segment->used, memory_order_relaxed) > size)
        return 0;
    uint32_t from =
        atomic_fetch_add_explicit(&segment->used, (uint32_t)bytes, memory_order_relaxed);
    if (from + bytes <= size) {
        atomic_fetch_add_explicit(&segment->live, (uint32_t)bytes, memory_order_relaxed);
        return cm_arena_place(arena, number, from);
    }
    if (from <= size)
        fill_rest(arena, number, from);
    return 0;
}

uint64_t cm_arena_alloc(struct cm_arena *arena, unsigned log, size_t bytes, bool keeper) {
    CM_DCHECK(bytes <= cm_arena_segment_bytes(arena) && bytes % CM_UNIT_BYTES == 0);
    for (;;) {
        uint32_t open = atomic_load_explicit(&arena->logs[log].open, memory_order_acquire);
        uint64_t place = open ? append(arena, open, bytes) : 0;
        if (place)
            return place;
        if (!replace_open(arena, log, open, keeper))
            return 0;
    }
}

bool cm_arena_would_fit(const struct cm_arena *arena, unsigned log, size_t bytes) {
    uint32_t open = atomic_load_explicit(&arena->logs[log].open, memory_order_acquire);
    if (!open)
        return true;
    size_t used = atomic_load_explicit(&cm_arena_segment(arena, open)->used, memory_order_relaxed);
    return used + bytes <= cm_arena_segment_bytes(arena);
}

/* As append(), for as much as fits. */
static uint64_t append_part(struct cm_arena *arena, uint32_t number, struct cm_part *part) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    size_t size = cm_arena_segment_bytes(arena);
    uint32_t from = atomic_load_explicit(&segment->used, memory_order_relaxed);
    while (from + part->least <= size) {
        size_t take = part->most < size - from ? part->most : size - from;
        if (atomic_compare_exchange_weak_explicit(&segment->used, &from, from + (uint32_t)take,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&segment->live, (uint32_t)take, memory_order_relaxed);
            part->bytes = take;
            return cm_arena_place(arena, number, from);
        }
    }
    return append(arena, number, size + CM_UNIT_BYTES); /* cannot fit: seals */
}

uint64_t cm_arena_alloc_part(struct cm_arena *arena, unsigned log, struct cm_part *part,
                             bool keeper) {
    CM_DCHECK(part->least <= part->most && part->most % CM_UNIT_BYTES == 0);
    for (;;) {
        uint32_t open = atomic_load_explicit(&arena->logs[log].open, memory_order_acquire);
        uint64_t place = open ? append_part(arena, open, part) : 0;
        if (place)
            return place;
        if (!replace_open(arena, log, open, keeper))
            return 0;
    }
}

void cm_arena_kill(struct cm_arena *arena, uint64_t place, size_t bytes) {
    struct cm_segment *segment = cm_arena_holder(arena, place);
    uint32_t live =
        atomic_fetch_sub_explicit(&segment->live, (uint32_t)bytes, memory_order_relaxed);
    CM_CHECK(live >= bytes);
}

void cm_arena_seal_all(struct cm_arena *arena, _Atomic uint64_t *upto) {
    size_t beyond = cm_arena_segment_bytes(arena) + CM_UNIT_BYTES;
    cm_os_mutex_lock(&arena->mutex);
    for (unsigned i = 0; i < CM_LOGS; i++) {
        struct cm_log *log = &arena->logs[i];
        uint32_t open = atomic_load_explicit(&log->open, memory_order_relaxed);
        if (open)
            (void)append(arena, open, beyond);
        seal_locked(arena, log);
    }
    atomic_store(upto, arena->openings);
    cm_os_mutex_unlock(&arena->mutex);
}

bool cm_arena_start_evacuation(struct cm_arena *arena, uint32_t number) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    cm_os_mutex_lock(&arena->mutex);
    bool sealed = atomic_load_explicit(&segment->state, memory_order_relaxed) == CM_SEGMENT_SEALED;
    if (sealed) {
        set_state(segment, CM_SEGMENT_EVACUATING);
        remove_from_log_locked(arena, number);
    }
    cm_os_mutex_unlock(&arena->mutex);
    return sealed;
}

void cm_arena_cancel_evacuation(struct cm_arena *arena, uint32_t number) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    cm_os_mutex_lock(&arena->mutex);
    set_state(segment, CM_SEGMENT_SEALED);
    append_to_log_locked(arena, atomic_load_explicit(&segment->log, memory_order_relaxed), number);
    cm_os_mutex_unlock(&arena->mutex);
}

bool cm_arena_adopt(struct cm_arena *arena) {
    cm_os_mutex_lock(&arena->mutex);
    uint32_t number = arena->logs[0].oldest;
    struct cm_segment *segment = cm_arena_segment(arena, number);
    bool sealed = number != CM_SEGMENT_NONE &&
                  atomic_load_explicit(&segment->state, memory_order_relaxed) == CM_SEGMENT_SEALED;
    if (sealed) {
        remove_from_log_locked(arena, number);
        append_to_log_locked(arena, 1, number);
    }
    cm_os_mutex_unlock(&arena->mutex);
    return sealed;
}

void cm_arena_to_limbo(struct cm_arena *arena, uint32_t number) {
    set_state(cm_arena_segment(arena, number), CM_SEGMENT_LIMBO);
}

/* Caller holds the mutex. */
static void discard_locked(struct cm_arena *arena, uint32_t number) {
    size_t bytes = cm_arena_segment_bytes(arena);
    cm_os_mem_discard(arena->data.base + number * bytes, bytes);
    cm_arena_segment(arena, number)->newer = arena->free_discarded;
    arena->free_discarded = number;
    arena->resident--;
}

void cm_arena_free(struct cm_arena *arena, uint32_t number) {
    struct cm_segment *segment = cm_arena_segment(arena, number);
    CM_CHECK(atomic_load(&segment->pins) == 0 && atomic_load(&segment->live) == 0);
    cm_os_mutex_lock(&arena->mutex);
    set_state(segment, CM_SEGMENT_FREE);
    if (arena->resident > atomic_load_explicit(&arena->allowed, memory_order_relaxed)) {
        discard_locked(arena, number);
    } else {
        segment->newer = arena->free_resident;
        arena->free_resident = number;
        atomic_fetch_add_explicit(&arena->free_count, 1, memory_order_relaxed);
    }
    update_available_locked(arena);
    cm_os_mutex_unlock(&arena->mutex);
}

static uint64_t limit_min_locked(const struct cm_arena *arena) {
    return arena->bookkeeping_bytes + ((uint64_t)ALLOWED_MIN << arena->shift);
}

uint64_t cm_arena_limit_min(struct cm_arena *arena) {
    cm_os_mutex_lock(&arena->mutex);
    uint64_t least = limit_min_locked(arena);
    cm_os_mutex_unlock(&arena->mutex);
    return least;
}

enum cm_status cm_arena_set_limit(struct cm_arena *arena, uint64_t limit_bytes) {
    enum cm_status status = CM_OK;
    cm_os_mutex_lock(&arena->mutex);
    if (limit_bytes < limit_min_locked(arena)) {
        status = CM_LIMIT_TOO_SMALL;
    } else if (limit_bytes >> arena->shift >= arena->segments_max) {
        status = CM_INVALID;
    } else {
        arena->limit_bytes = limit_bytes;
        arena->backed_max = arena->segments_max;
        update_budget_locked(arena);
    }
    cm_os_mutex_unlock(&arena->mutex);
    return status;
}

void cm_arena_charge(struct cm_arena *arena, int64_t bytes) {
    cm_os_mutex_lock(&arena->mutex);
    arena->charged_bytes += bytes;
    update_budget_locked(arena);
    cm_os_mutex_unlock(&arena->mutex);
}

void cm_arena_owe(struct cm_arena *arena, int64_t bytes) {
    cm_os_mutex_lock(&arena->mutex);
    arena->bookkeeping_bytes = (uint64_t)((int64_t)arena->bookkeeping_bytes + bytes);
    update_budget_locked(arena);
    cm_os_mutex_unlock(&arena->mutex);
}

bool cm_arena_try_owe(struct cm_arena *arena, int64_t bytes, uint32_t least) {
    cm_os_mutex_lock(&arena->mutex);
    uint64_t before = arena->bookkeeping_bytes;
    arena->bookkeeping_bytes = (uint64_t)((int64_t)before + bytes);
    update_budget_locked(arena);
    bool fits =
        arena->bookkeeping_bytes + ((uint64_t)ALLOWED_MIN << arena->shift) <= arena->limit_bytes &&
        atomic_load_explicit(&arena->available, memory_order_relaxed) >= least;
    if (!fits) {
        arena->bookkeeping_bytes = before;
        update_budget_locked(arena);
    }
    cm_os_mutex_unlock(&arena->mutex);
    return fits;
}

bool cm_arena_settle(struct cm_arena *arena) {
    cm_os_mutex_lock(&arena->mutex);
    uint32_t allowed = atomic_load_explicit(&arena->allowed, memory_order_relaxed);
    while (arena->resident > allowed && arena->free_resident) {
        uint32_t number = arena->free_resident;
        arena->free_resident = cm_arena_segment(arena, number)->newer;
        atomic_fetch_sub_explicit(&arena->free_count, 1, memory_order_relaxed);
        discard_locked(arena, number);
    }
    update_available_locked(arena);
    bool holds = arena->resident <= allowed;
    cm_os_mutex_unlock(&arena->mutex);
    return holds;
}

uint32_t cm_arena_in_use(struct cm_arena *arena) {
    cm_os_mutex_lock(&arena->mutex);
    uint32_t free_count = atomic_load_explicit(&arena->free_count, memory_order_relaxed);
    uint32_t in_use = arena->resident - free_count;
    cm_os_mutex_unlock(&arena->mutex);
    return in_use;
}

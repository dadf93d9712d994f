/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/ghost.h"

#include "base/check.h"

#define SET_ENTRIES 16u
#define STAMPS      32u
#define ENTRIES_MIN 256u
#define REGION_STEP ((size_t)16 << 10)

#define FINGERPRINT_MASK 0xffc0u

typedef _Atomic uint16_t entry;

enum cm_status cm_ghost_init(struct cm_ghost *ghost, uint64_t entries_max) {
    *ghost = (struct cm_ghost){.room = 0};
    enum cm_status status = cm_region_init(
        &ghost->region, (entries_max + ENTRIES_MIN) * 2 * sizeof(entry), REGION_STEP, false);
    if (status == CM_OK)
        (void)cm_ghost_resize(ghost, ENTRIES_MIN);
    return status;
}

void cm_ghost_deinit(struct cm_ghost *ghost) {
    cm_region_deinit(&ghost->region);
}

uint64_t cm_ghost_resize(struct cm_ghost *ghost, uint64_t entries) {
    uint64_t held = entries < ENTRIES_MIN ? ENTRIES_MIN : entries;
    bool close = held >= ghost->held / 4 * 3 && held <= ghost->held / 4 * 5;
    ghost->room = entries;
    uint64_t sets = (held + SET_ENTRIES - 1) / SET_ENTRIES;
    uint64_t bytes = sets * SET_ENTRIES * sizeof(entry);
    if (close || cm_region_ensure(&ghost->region, bytes) != CM_OK) {
        return ghost->region.committed_bytes;
    }
    atomic_store_explicit(&ghost->sets, sets, memory_order_relaxed);
    ghost->held = held;
    cm_region_trim(&ghost->region, bytes);
    return ghost->region.committed_bytes;
}

/* The multiplication spreads hashes over any number of sets (Lemire, 2019); the fingerprint must not
 * come from the upper bits, which choose the set. */
static entry *set_of(const struct cm_ghost *ghost, uint64_t hash) {
    uint64_t sets = atomic_load_explicit(&ghost->sets, memory_order_relaxed);
    uint64_t number = ((hash >> 32) * sets) >> 32;
    return (entry *)(void *)ghost->region.base + number * SET_ENTRIES;
}

static uint16_t fingerprint_of(uint64_t hash) {
    uint16_t fingerprint = (uint16_t)((hash * UINT64_C(0x9E3779B97F4A7C15)) >> 54);
    return (uint16_t)((fingerprint ? fingerprint : 1u) << 6);
}

static uint32_t age_of(const struct cm_ghost *ghost, uint16_t e) {
    uint32_t stamp = atomic_load_explicit(&ghost->stamp, memory_order_relaxed);
    return (stamp - e) & (STAMPS - 1);
}

static void move_stamp(struct cm_ghost *ghost) {
    if (++ghost->puts_in_stamp * CM_GHOST_STAMPS < ghost->room)
        return;
    ghost->puts_in_stamp = 0;
    atomic_fetch_add_explicit(&ghost->stamp, 1, memory_order_relaxed);
}

void cm_ghost_put(struct cm_ghost *ghost, uint64_t hash, enum cm_ghost_origin origin) {
    entry *set = set_of(ghost, hash);
    unsigned chosen = 0;
    uint32_t oldest = 0;
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        uint16_t e = atomic_load_explicit(&set[i], memory_order_relaxed);
        uint32_t age = e == 0 ? STAMPS : age_of(ghost, e);
        if (age < oldest)
            continue;
        oldest = age;
        chosen = i;
    }
    uint32_t stamp = atomic_load_explicit(&ghost->stamp, memory_order_relaxed) & (STAMPS - 1);
    uint32_t e = fingerprint_of(hash) | (uint32_t)origin << 5 | stamp;
    atomic_store_explicit(&set[chosen], (uint16_t)e, memory_order_relaxed);
    if (!atomic_load_explicit(&ghost->used, memory_order_relaxed))
        atomic_store_explicit(&ghost->used, true, memory_order_relaxed);
    move_stamp(ghost);
}

enum cm_ghost_origin cm_ghost_take(struct cm_ghost *ghost, uint64_t hash) {
    return cm_ghost_take_within(ghost, hash, CM_GHOST_STAMPS);
}

/* Four entries at a time, of which at most the stamps differ: false for nearly every key that is not
 * remembered. */
#define EACH_ENTRY(x) (UINT64_C(0x0001000100010001) * (x))
typedef uint64_t __attribute__((may_alias)) four_entries;

static bool may_hold(const entry *set, uint16_t fingerprint) {
    const four_entries *fours = (const four_entries *)(const void *)set;
    uint64_t equal = 0;
    for (unsigned i = 0; i < SET_ENTRIES / 4; i++) {
        uint64_t four = __atomic_load_n(&fours[i], __ATOMIC_RELAXED);
        four = (four ^ EACH_ENTRY(fingerprint)) & EACH_ENTRY(FINGERPRINT_MASK);
        equal |= (four - EACH_ENTRY(1)) & ~four;
    }
    return (equal & EACH_ENTRY(0x8000u)) != 0;
}

/* NULL: it is not remembered, or not within so many stamps. */
static entry *find(const struct cm_ghost *ghost, uint64_t hash, uint32_t stamps) {
    entry *set = set_of(ghost, hash);
    uint16_t fingerprint = fingerprint_of(hash);
    if (CM_LIKELY(!may_hold(set, fingerprint)))
        return NULL;
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        uint16_t e = atomic_load_explicit(&set[i], memory_order_relaxed);
        if ((e & FINGERPRINT_MASK) == fingerprint && age_of(ghost, e) <= stamps)
            return &set[i];
    }
    return NULL;
}

enum cm_ghost_origin cm_ghost_take_within(struct cm_ghost *ghost, uint64_t hash, uint32_t stamps) {
    entry *found = find(ghost, hash, stamps);
    if (!found)
        return CM_GHOST_UNKNOWN;
    uint16_t e = atomic_load_explicit(found, memory_order_relaxed);
    atomic_store_explicit(found, 0, memory_order_relaxed);
    return (e >> 5 & 1) ? CM_GHOST_MAIN : CM_GHOST_SMALL;
}

bool cm_ghost_knows(const struct cm_ghost *ghost, uint64_t hash) {
    return atomic_load_explicit(&ghost->used, memory_order_relaxed) &&
           find(ghost, hash, CM_GHOST_STAMPS) != NULL;
}

void cm_ghost_prefetch(const struct cm_ghost *ghost, uint64_t hash) {
    if (atomic_load_explicit(&ghost->used, memory_order_relaxed))
        __builtin_prefetch((const void *)set_of(ghost, hash));
}

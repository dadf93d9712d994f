/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/gone.h"

#include "store/index.h"

#define SET_ENTRIES 8u
#define REGION_STEP ((size_t)16 << 10)

#define SECOND_BITS      24
#define FETCHED_BIT      (UINT64_C(1) << 50)
#define FINGERPRINT_BITS 13
#define FINGERPRINT_AT   (64 - FINGERPRINT_BITS)

typedef _Atomic uint64_t entry;

struct set {
    _Alignas(64) entry entries[SET_ENTRIES];
};

static uint64_t bytes_for(uint64_t limit_bytes) {
    uint64_t bytes = limit_bytes / CM_GONE_SHARE / REGION_STEP * REGION_STEP;
    return bytes > REGION_STEP ? bytes : REGION_STEP;
}

static struct set *set_at(const struct cm_gone *gone, uint64_t number) {
    return (struct set *)(void *)gone->region.base + number;
}

static struct set *set_of(const struct cm_gone *gone, uint64_t hash) {
    uint64_t sets = atomic_load_explicit(&gone->sets, memory_order_acquire);
    return set_at(gone, cm_index_number(hash, sets));
}

/* ---- entries ---- */

/* Of the hash's upper bits: the lower ones choose the set. */
static uint64_t fingerprint_of(uint64_t hash) {
    uint64_t fingerprint = hash >> FINGERPRINT_AT;
    return (fingerprint ? fingerprint : 1) << FINGERPRINT_AT;
}

static bool is_of(uint64_t e, uint64_t fingerprint) {
    return (e ^ fingerprint) >> FINGERPRINT_AT == 0;
}

static uint64_t pack(uint64_t hash, const struct cmstore_gone *what) {
    uint64_t unused_s = what->unused_s < CM_GONE_SECONDS ? what->unused_s : CM_GONE_SECONDS;
    uint64_t e = fingerprint_of(hash) | unused_s << SECOND_BITS | (what->when_s & CM_GONE_SECONDS);
    return e | (uint64_t)(what->reason - 1) << (2 * SECOND_BITS) |
           (what->fetched ? FETCHED_BIT : 0);
}

static uint32_t age_of(uint64_t e, uint32_t now_s) {
    return cm_seconds_since((uint32_t)e, now_s);
}

static struct cmstore_gone unpack(uint64_t e, uint32_t now_s) {
    return (struct cmstore_gone){
        .reason = (enum cmstore_reason)((e >> (2 * SECOND_BITS) & 3) + 1),
        .when_s = now_s - age_of(e, now_s),
        .unused_s = (uint32_t)(e >> SECOND_BITS) & CM_GONE_SECONDS,
        .fetched = (e & FETCHED_BIT) != 0,
    };
}

/* Where it is to be written (G2). Of entries of one second any is the oldest: the hash says which. */
static entry *place_for(struct set *set, uint64_t e, uint32_t now_s) {
    unsigned first = (unsigned)(e >> FINGERPRINT_AT) % SET_ENTRIES;
    entry *chosen = &set->entries[first];
    uint32_t oldest = 0;
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        entry *at = &set->entries[(first + i) % SET_ENTRIES];
        uint64_t there = atomic_load_explicit(at, memory_order_relaxed);
        if (is_of(there, e))
            return at;
        uint32_t age = there == 0 ? UINT32_MAX : age_of(there, now_s);
        if (age > oldest) {
            oldest = age;
            chosen = at;
        }
    }
    return chosen;
}

void cm_gone_put(struct cm_gone *gone, uint64_t hash, const struct cmstore_gone *what,
                 uint32_t now_s) {
    uint64_t e = pack(hash, what);
    entry *to = place_for(set_of(gone, hash), e, now_s);
    atomic_store_explicit(to, e, memory_order_relaxed);
}

struct cmstore_gone cm_gone_find(const struct cm_gone *gone, uint64_t hash, uint32_t now_s) {
    struct set *set = set_of(gone, hash);
    uint64_t fingerprint = fingerprint_of(hash);
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        uint64_t e = atomic_load_explicit(&set->entries[i], memory_order_relaxed);
        if (is_of(e, fingerprint))
            return unpack(e, now_s);
    }
    return (struct cmstore_gone){.reason = CMSTORE_UNKNOWN};
}

void cm_gone_prefetch(const struct cm_gone *gone, uint64_t hash) {
    __builtin_prefetch(set_of(gone, hash));
}

/* ---- size ---- */

/* The set that a set comes from and goes to. */
static struct set *parent_of(const struct cm_gone *gone, uint64_t number) {
    return set_at(gone, cm_index_number(number, number));
}

/* Both halves know all there was: what does not belong there is found by nobody and grows old. */
static void split(const struct cm_gone *gone, uint64_t number) {
    struct set *from = parent_of(gone, number), *to = set_at(gone, number);
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        uint64_t e = atomic_load_explicit(&from->entries[i], memory_order_relaxed);
        atomic_store_explicit(&to->entries[i], e, memory_order_relaxed);
    }
}

static void join(const struct cm_gone *gone, uint64_t number, uint32_t now_s) {
    struct set *from = set_at(gone, number), *to = parent_of(gone, number);
    for (unsigned i = 0; i < SET_ENTRIES; i++) {
        uint64_t e = atomic_load_explicit(&from->entries[i], memory_order_relaxed);
        if (e == 0)
            continue;
        entry *at = place_for(to, e, now_s);
        uint64_t there = atomic_load_explicit(at, memory_order_relaxed);
        if (there == 0 || age_of(there, now_s) > age_of(e, now_s))
            atomic_store_explicit(at, e, memory_order_relaxed);
    }
}

void cm_gone_resize(struct cm_gone *gone, uint64_t limit_bytes, uint32_t now_s) {
    uint64_t bytes = bytes_for(limit_bytes), wanted = bytes / sizeof(struct set);
    uint64_t sets = atomic_load_explicit(&gone->sets, memory_order_relaxed);
    if (cm_region_ensure(&gone->region, bytes) != CM_OK)
        return;
    for (uint64_t number = sets; number < wanted; number++)
        split(gone, number);
    for (uint64_t number = sets; number > wanted; number--)
        join(gone, number - 1, now_s);
    atomic_store_explicit(&gone->sets, wanted, memory_order_release);
}

void cm_gone_trim(struct cm_gone *gone) {
    cm_region_trim(&gone->region, cm_gone_bytes(gone));
}

uint64_t cm_gone_bytes(const struct cm_gone *gone) {
    return atomic_load_explicit(&gone->sets, memory_order_relaxed) * sizeof(struct set);
}

enum cm_status cm_gone_init(struct cm_gone *gone, uint64_t limit_bytes, uint64_t most_bytes) {
    enum cm_status status =
        cm_region_init(&gone->region, bytes_for(most_bytes), REGION_STEP, false);
    if (status)
        return status;
    uint64_t bytes = bytes_for(limit_bytes);
    status = cm_region_ensure(&gone->region, bytes);
    if (status) {
        cm_region_deinit(&gone->region);
        return status;
    }
    atomic_init(&gone->sets, bytes / sizeof(struct set));
    return CM_OK;
}

void cm_gone_deinit(struct cm_gone *gone) {
    cm_region_deinit(&gone->region);
}

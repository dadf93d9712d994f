/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/index.h"

#include "base/check.h"

#define BUCKET_STEP_BYTES  ((size_t)64 << 10)
#define SPILL_STEP_BYTES   ((size_t)64 << 10)
#define SPINS_BEFORE_YIELD 256

enum cm_status cm_index_init(struct cm_index *index, uint64_t memory_max_bytes, bool large_pages) {
    atomic_init(&index->count, CM_BUCKETS_MIN);
    atomic_init(&index->items, 0);
    index->spills_used = 1; /* number 0 is none */
    index->spills_free = CM_SPILL_NONE;
    index->buckets = index->spills = (struct cm_region){0};
    atomic_init(&index->resizing, false);
    enum cm_status status = cm_os_mutex_init(&index->spill_mutex);
    if (status)
        return status;
    /* The smallest items are about as large as their slots. */
    status = cm_region_init(&index->buckets, memory_max_bytes / 2, BUCKET_STEP_BYTES, large_pages);
    if (status)
        goto failed;
    status = cm_region_init(&index->spills, memory_max_bytes / 4, SPILL_STEP_BYTES, false);
    if (status)
        goto failed;
    status = cm_region_ensure(&index->buckets, CM_BUCKETS_MIN * sizeof(struct cm_bucket));
    if (status)
        goto failed;
    atomic_init(&index->bytes, index->buckets.committed_bytes);
    return CM_OK;
failed:
    cm_index_deinit(index);
    return status;
}

void cm_index_deinit(struct cm_index *index) {
    cm_region_deinit(&index->spills);
    cm_region_deinit(&index->buckets);
    cm_os_mutex_deinit(&index->spill_mutex);
}

static bool try_lock(struct cm_bucket *bucket) {
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    if (head & 1)
        return false;
    if (!atomic_compare_exchange_weak_explicit(&bucket->head, &head, head + 1, memory_order_acquire,
                                               memory_order_relaxed)) {
        return false;
    }
#ifndef __SANITIZE_THREAD__
    atomic_thread_fence(memory_order_release); /* the odd version before what it announces */
#endif
    return true;
}

void cm_bucket_lock(struct cm_bucket *bucket) {
    for (unsigned spins = 0; !try_lock(bucket); spins++) {
        if (spins < SPINS_BEFORE_YIELD) {
            cm_os_cpu_relax();
        } else {
            cm_os_thread_yield();
        }
    }
}

/* The version is the lower half of the head; it wraps without touching the upper. */
void cm_bucket_unlock(struct cm_bucket *bucket) {
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    CM_DCHECK(head & 1);
    uint64_t next = (head & ~(uint64_t)UINT32_MAX) | (uint32_t)((uint32_t)head + 1);
    atomic_store_explicit(&bucket->head, next, memory_order_release);
}

struct cm_bucket *cm_index_lock(struct cm_index *index, uint64_t hash) {
    for (;;) {
        struct cm_bucket *bucket = cm_index_bucket(index, hash);
        cm_bucket_lock(bucket);
        if (bucket == cm_index_bucket(index, hash))
            return bucket; /* X3 */
        cm_bucket_unlock(bucket);
    }
}

static void set_first_spill(struct cm_bucket *bucket, uint32_t number) {
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    atomic_store_explicit(&bucket->head, (uint64_t)number << 32 | (uint32_t)head,
                          memory_order_relaxed);
}

uint64_t cm_index_spill_bytes(struct cm_index *index) {
    cm_os_mutex_lock(&index->spill_mutex);
    uint64_t bytes = index->spills.committed_bytes;
    cm_os_mutex_unlock(&index->spill_mutex);
    return bytes;
}

/* Caller holds spill_mutex. */
static uint32_t take_unused_spill_locked(struct cm_index *index) {
    uint64_t bytes = (index->spills_used + UINT64_C(1)) * sizeof(struct cm_spill);
    size_t before = index->spills.committed_bytes;
    if (index->spills_used == UINT32_MAX || cm_region_ensure(&index->spills, bytes) != CM_OK) {
        return CM_SPILL_NONE;
    }
    atomic_fetch_add_explicit(&index->bytes, index->spills.committed_bytes - before,
                              memory_order_relaxed);
    return index->spills_used++;
}

static uint32_t take_spill(struct cm_index *index) {
    cm_os_mutex_lock(&index->spill_mutex);
    uint32_t number = index->spills_free;
    if (number) {
        index->spills_free = (uint32_t)atomic_load_explicit(&cm_index_spill(index, number)->next,
                                                            memory_order_relaxed);
    } else {
        number = take_unused_spill_locked(index);
    }
    cm_os_mutex_unlock(&index->spill_mutex);
    return number;
}

static void give_spill(struct cm_index *index, uint32_t number) {
    cm_os_mutex_lock(&index->spill_mutex);
    atomic_store_explicit(&cm_index_spill(index, number)->next, index->spills_free,
                          memory_order_relaxed);
    index->spills_free = number;
    cm_os_mutex_unlock(&index->spill_mutex);
}

static cm_slot *find_empty(struct cm_run *run) {
    for (unsigned i = 0; i < run->count; i++) {
        if (atomic_load_explicit(&run->slots[i], memory_order_relaxed) == 0)
            return &run->slots[i];
    }
    return NULL;
}

cm_slot *cm_bucket_find_place(const struct cm_index *index, struct cm_bucket *bucket,
                              uint64_t place) {
    struct cm_run run =
        cm_run_first(bucket, atomic_load_explicit(&bucket->head, memory_order_relaxed));
    do {
        for (unsigned i = 0; i < run.count; i++) {
            uint64_t word = atomic_load_explicit(&run.slots[i], memory_order_relaxed);
            if (cm_slot_place(word) == place)
                return &run.slots[i];
        }
    } while (cm_run_next(index, &run));
    return NULL;
}

enum cm_status cm_bucket_insert(struct cm_index *index, struct cm_bucket *bucket, uint64_t hash,
                                uint64_t word) {
    unsigned home = cm_slot_home(hash);
    struct cm_run after_home = {&bucket->slots[home], CM_BUCKET_SLOTS - home, CM_SPILL_NONE};
    cm_slot *near = find_empty(&after_home);
    if (near) {
        atomic_store_explicit(near, word, memory_order_release);
        return CM_OK;
    }
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    struct cm_run run = cm_run_first(bucket, head);
    do {
        cm_slot *empty = find_empty(&run);
        if (empty) {
            atomic_store_explicit(empty, word, memory_order_release);
            return CM_OK;
        }
    } while (cm_run_next(index, &run));
    uint32_t number = take_spill(index);
    if (!number)
        return CM_NO_MEMORY;
    struct cm_spill *spill = cm_index_spill(index, number);
    for (unsigned i = 1; i < CM_SPILL_SLOTS; i++) {
        atomic_store_explicit(&spill->slots[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&spill->slots[0], word, memory_order_release);
    atomic_store_explicit(&spill->next, head >> 32, memory_order_relaxed);
    set_first_spill(bucket, number);
    return CM_OK;
}

static cm_slot *find_used(struct cm_spill *spill) {
    for (unsigned i = 0; i < CM_SPILL_SLOTS; i++) {
        if (atomic_load_explicit(&spill->slots[i], memory_order_relaxed))
            return &spill->slots[i];
    }
    return NULL;
}

static bool is_within(const struct cm_spill *spill, const cm_slot *slot) {
    return slot >= spill->slots && slot < spill->slots + CM_SPILL_SLOTS;
}

/* Moves a word of the first spill bucket into a hole outside of it, and frees that bucket once it
 * is empty. */
static void fill_hole(struct cm_index *index, struct cm_bucket *bucket, cm_slot *hole) {
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    uint32_t number = (uint32_t)(head >> 32);
    if (number == CM_SPILL_NONE)
        return;
    struct cm_spill *spill = cm_index_spill(index, number);
    cm_slot *used = find_used(spill);
    if (used && !is_within(spill, hole)) {
        uint64_t word = atomic_load_explicit(used, memory_order_relaxed);
        atomic_store_explicit(used, 0, memory_order_relaxed);
        atomic_store_explicit(hole, word, memory_order_release);
        used = find_used(spill);
    }
    if (used)
        return;
    set_first_spill(bucket, (uint32_t)atomic_load_explicit(&spill->next, memory_order_relaxed));
    give_spill(index, number);
}

void cm_bucket_remove(struct cm_index *index, struct cm_bucket *bucket, cm_slot *slot) {
    atomic_store_explicit(slot, 0, memory_order_relaxed);
    fill_hole(index, bucket, slot);
}

static unsigned count_words(const struct cm_index *index, struct cm_run run) {
    unsigned words = 0;
    do {
        for (unsigned i = 0; i < run.count; i++) {
            words += atomic_load_explicit(&run.slots[i], memory_order_relaxed) != 0;
        }
    } while (cm_run_next(index, &run));
    return words;
}

static unsigned take_run(struct cm_run *run, uint64_t *words) {
    unsigned taken = 0;
    for (unsigned i = 0; i < run->count; i++) {
        uint64_t word = atomic_load_explicit(&run->slots[i], memory_order_relaxed);
        if (word == 0)
            continue;
        words[taken++] = word;
        atomic_store_explicit(&run->slots[i], 0, memory_order_relaxed);
    }
    return taken;
}

int cm_bucket_take_all(struct cm_index *index, struct cm_bucket *bucket, uint64_t *words) {
    uint64_t head = atomic_load_explicit(&bucket->head, memory_order_relaxed);
    struct cm_run run = cm_run_first(bucket, head);
    if (count_words(index, run) > CM_CHAIN_MAX)
        return -1;
    unsigned taken = take_run(&run, words);
    for (uint32_t number = run.next; cm_run_next(index, &run); number = run.next) {
        taken += take_run(&run, words + taken);
        give_spill(index, number);
    }
    set_first_spill(bucket, CM_SPILL_NONE);
    return (int)taken;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/room.h"

#include <stdlib.h>

#define FIRST_SECOND     2u
#define GROWTH_MAX       16u /* how often the first limit the address space is reserved for */
#define RESERVE_LEAST    (UINT64_C(64) << 30)
#define LARGE_PAGES_FROM (UINT64_C(64) << 20)
#define ITEM_BYTES_LEAST 24u /* index included: bounds how many items there can be */

static uint64_t item_max_for(const struct cmstore_options *options, uint64_t memory) {
    if (options->item_bytes_max)
        return options->item_bytes_max;
    return memory / 2 < CMSTORE_ITEM_DEFAULT ? memory / 2 : CMSTORE_ITEM_DEFAULT;
}

static bool are_valid(const struct cmstore_options *options) {
    uint64_t memory = options->memory_bytes ? options->memory_bytes : CMSTORE_MEMORY_DEFAULT;
    uint64_t item = item_max_for(options, memory);
    return memory >= CMSTORE_MEMORY_MIN && memory <= UINT64_MAX / 2 / GROWTH_MAX &&
           item >= CMSTORE_ITEM_MIN && item <= CMSTORE_ITEM_MAX && item <= memory / 2;
}

static enum cm_status reserve(cmstore *s, uint64_t memory, uint64_t most,
                              const struct cm_policy_kind *kind) {
    struct cm_policy *policy = NULL;
    s->items_max = most / ITEM_BYTES_LEAST;
    enum cm_status status = cm_arena_init(&s->arena, memory, most);
    if (status)
        return status;
    status = cm_index_init(&s->index, most, memory >= LARGE_PAGES_FROM);
    if (status)
        goto no_index;
    status = cm_gone_init(&s->gone, memory, most);
    if (status)
        goto no_gone;
    status = cm_policy_create(kind, s->items_max, &policy);
    if (status)
        goto no_policy;
    atomic_init(&s->policy, policy);
    return CM_OK;
no_policy:
    cm_gone_deinit(&s->gone);
no_gone:
    cm_index_deinit(&s->index);
no_index:
    cm_arena_deinit(&s->arena);
    return status;
}

/* Address space may be limited too: takes what it can get. */
static enum cm_status reserve_most(cmstore *s, uint64_t memory, const struct cm_policy_kind *kind) {
    uint64_t most = memory * GROWTH_MAX > RESERVE_LEAST ? memory * GROWTH_MAX : RESERVE_LEAST;
    enum cm_status status = CM_NO_MEMORY;
    for (; status != CM_OK && most >= memory; most /= 2)
        status = reserve(s, memory, most, kind);
    return status;
}

static enum cm_status choose_seed(cmstore *s, uint64_t seed) {
    s->seed = seed;
    return seed ? CM_OK : cm_os_random(&s->seed, sizeof s->seed);
}

static enum cm_status init_keeper(cmstore *s) {
    enum cm_status status = cm_os_mutex_init(&s->keeper.mutex);
    if (!status)
        status = cm_os_mutex_init(&s->keeper.sleep_mutex);
    if (!status)
        status = cm_os_cond_init(&s->keeper.wake);
    return status;
}

static enum cm_status init(cmstore *s, const struct cmstore_options *options) {
    const struct cm_policy_kind *kind = cm_policy_find(options->policy);
    if (!kind)
        return CM_UNKNOWN_POLICY;
    uint64_t memory = options->memory_bytes ? options->memory_bytes : CMSTORE_MEMORY_DEFAULT;
    s->item_bytes_max = item_max_for(options, memory);
    s->no_evict = options->no_evict;
    s->on_evict = options->on_evict;
    s->on_evict_context = options->on_evict_context;
    s->background = !options->no_background;
    atomic_init(&s->clock_s, options->clock_s ? options->clock_s : FIRST_SECOND);
    cm_epoch_init(&s->epoch);
    enum cm_status status = choose_seed(s, options->hash_seed);
    if (!status)
        status = reserve_most(s, memory, kind);
    if (!status)
        status = init_keeper(s);
    if (!status)
        cm_arena_owe(&s->arena,
                     (int64_t)(s->index.buckets.committed_bytes + s->gone.region.committed_bytes));
    return status;
}

enum cm_status cmstore_create(const struct cmstore_options *options, cmstore **out) {
    static const struct cmstore_options defaults = {.memory_bytes = 0};
    if (!options)
        options = &defaults;
    if (!are_valid(options))
        return CM_INVALID;
    cmstore *s = cm_os_aligned_alloc(_Alignof(cmstore), sizeof *s);
    if (!s)
        return CM_NO_MEMORY;
    enum cm_status status = init(s, options);
    if (!status && s->background)
        status = cm_keeper_start(s);
    if (status) {
        cmstore_destroy(s);
        return status;
    }
    *out = s;
    return CM_OK;
}

void cmstore_destroy(cmstore *store) {
    if (!store)
        return;
    cm_keeper_stop(store);
    cm_policy_destroy(atomic_load(&store->policy));
    cm_os_cond_deinit(&store->keeper.wake);
    cm_os_mutex_deinit(&store->keeper.sleep_mutex);
    cm_os_mutex_deinit(&store->keeper.mutex);
    cm_gone_deinit(&store->gone);
    cm_index_deinit(&store->index);
    cm_arena_deinit(&store->arena);
    cm_os_aligned_free(store);
}

uint64_t cmstore_item_bytes_max(const cmstore *store) {
    return store->item_bytes_max;
}

/* ---- changes while running ---- */

void cmstore_charge(cmstore *store, int64_t bytes) {
    cm_arena_charge(&store->arena, bytes);
}

/* The memory of keys that have gone is a share of the limit (G4). */
static void resize_gone(cmstore *s, uint64_t limit_bytes) {
    int64_t before = (int64_t)s->gone.region.committed_bytes;
    cm_gone_resize(&s->gone, limit_bytes, cm_now(s));
    cm_epoch_wait(&s->epoch);
    cm_gone_trim(&s->gone);
    cm_arena_owe(&s->arena, (int64_t)s->gone.region.committed_bytes - before);
}

/* It shrinks before the limit does, and grows after it. */
static enum cm_status set_limit(cmstore *s, uint64_t memory_bytes) {
    uint64_t before = atomic_load(&s->arena.limit_bytes);
    if (memory_bytes < before)
        resize_gone(s, memory_bytes);
    enum cm_status status = cm_arena_set_limit(&s->arena, memory_bytes);
    uint64_t after = atomic_load(&s->arena.limit_bytes);
    if (after >= before)
        resize_gone(s, after);
    return status;
}

uint64_t cmstore_memory_min(cmstore *store) {
    uint64_t least = cm_arena_limit_min(&store->arena);
    if (least < CMSTORE_MEMORY_MIN) {
        least = CMSTORE_MEMORY_MIN;
    }
    return least / 2 < store->item_bytes_max ? 2 * store->item_bytes_max : least;
}

enum cm_status cmstore_set_memory(cmstore_thread *thread, uint64_t memory_bytes) {
    cmstore *s = thread->store;
    if (memory_bytes < CMSTORE_MEMORY_MIN || memory_bytes / 2 < s->item_bytes_max) {
        return CM_LIMIT_TOO_SMALL;
    }
    cm_go_offline(thread);
    cm_os_mutex_lock(&s->keeper.mutex);
    uint64_t before = atomic_load(&s->arena.limit_bytes);
    enum cm_status status = set_limit(s, memory_bytes);
    if (status == CM_OK && !cm_reclaim_until(thread, cm_arena_settle) && s->no_evict) {
        status = set_limit(s, before);
        CM_CHECK(status == CM_OK);
        status = CM_LIMIT_TOO_SMALL;
    }
    cm_os_mutex_unlock(&s->keeper.mutex);
    cm_go_online(thread);
    return status;
}

enum cm_status cmstore_set_policy(cmstore_thread *thread, const char *name) {
    cmstore *s = thread->store;
    const struct cm_policy_kind *kind = cm_policy_find(name);
    if (!name || !kind)
        return CM_UNKNOWN_POLICY;
    struct cm_policy *policy = NULL;
    enum cm_status status = cm_policy_create(kind, s->items_max, &policy);
    if (status)
        return status;
    cm_go_offline(thread);
    cm_os_mutex_lock(&s->keeper.mutex);
    cm_os_mutex_lock(&s->arena.mutex);
    struct cm_policy *old = atomic_exchange(&s->policy, policy);
    cm_os_mutex_unlock(&s->arena.mutex);
    cm_epoch_wait(&s->epoch);
    cm_policy_destroy(old);
    cm_consult_policy(s);
    cm_os_mutex_unlock(&s->keeper.mutex);
    cm_go_online(thread);
    return CM_OK;
}

const char *cmstore_policy(const cmstore *store) {
    struct cm_arena *arena = (struct cm_arena *)(uintptr_t)&store->arena; /* its mutex only */
    cm_os_mutex_lock(&arena->mutex);
    const char *name = cm_policy_of(store)->kind->name;
    cm_os_mutex_unlock(&arena->mutex);
    return name;
}

const char *cmstore_policy_name(size_t number, const char **text) {
    const struct cm_policy_kind *kind = cm_policy_nth(number);
    if (!kind)
        return NULL;
    if (text)
        *text = kind->text;
    return kind->name;
}

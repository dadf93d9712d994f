/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/s3fifo.h"

/* S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) on two logs of
 * segments. A new item enters the small log; at its old end it goes to main if it was read since,
 * else it is dropped and its key remembered in a ghost. A key a ghost knows enters main at once.
 * At main's old end an item that was read goes around again, for one hit each.
 *
 * The small log's share adapts: of the keys that come back after they were evicted, twice as many
 * from the one log as from the other move a segment or two to it. Each log has a ghost of its own, or
 * the many keys that the small one drops would push out main's. Half of the keys vote, and main's
 * ghost knows only those: memory against a better estimate.
 *
 * A small log that is too long, because the cache has just filled up or the share has shrunk, gives
 * its oldest segments to main as they are: main begins full instead of empty, which is what keeps
 * part of a loop longer than the cache.
 *
 * Sizes: hits are counted in sixteenths, and an item pays rent for the room it takes: a round, or
 * the promotion, costs 16 sixteenths for an item of mean size and in proportion for others (after
 * GDSF, Cherkasova 1998). Plain s3fifo charges every item the same.
 *
 * Departures from the textbook: order is kept by segments, not items; hits while an item waits in
 * the small log count up to HITS_MAX instead of three; the ghosts are approximate. */

#define HIT         16u
#define HITS_MAX    7u
#define SHARE_START 10u /* percent of the segments */
#define SHARE_MIN   1u
#define SHARE_MAX   90u
#define SHARE_STEP  128u       /* one in so many segments */
#define STEP_LEAST  16u        /* segments a step is reckoned with at least: few are no measure */
#define WHOLE       (1u << 16) /* what a share is a part of */
#define VOTERS      2u         /* one key in so many */
#define VOTES_SHARE 64u        /* votes to a decision: one in so many items, of those who vote */
#define VOTES_MIN   32u

const struct cm_tuning cm_s3fifo_adaptive = {
    .adapts = true,
    .small_percent = SHARE_START,
    .small_hits = 1,
    .main_hits = HITS_MAX,
    .ghost_percent = CM_S3FIFO_GHOST_PERCENT,
};

static const struct cm_tuning *tuning_of(const struct cm_s3fifo *s) {
    return atomic_load_explicit(&s->tuning, memory_order_relaxed);
}

enum cm_status cm_s3fifo_start(struct cm_policy *policy, uint64_t items_max, bool sized) {
    struct cm_s3fifo *s = policy->state;
    atomic_init(&s->tuning, &cm_s3fifo_adaptive);
    s->share = WHOLE / 100 * SHARE_START;
    s->random = CM_POLICY_RANDOM_START;
    s->item_bytes = 1;
    s->sized = sized;
    cm_policy_count_hits(policy, HIT, HITS_MAX * HIT);
    enum cm_status status = cm_ghost_init(&s->small_ghost, items_max);
    if (status)
        return status;
    status = cm_ghost_init(&s->main_ghost, items_max / VOTERS);
    if (status)
        cm_ghost_deinit(&s->small_ghost);
    return status;
}

static enum cm_status start_plain(struct cm_policy *policy, uint64_t items_max) {
    return cm_s3fifo_start(policy, items_max, false);
}

static enum cm_status start_sized(struct cm_policy *policy, uint64_t items_max) {
    return cm_s3fifo_start(policy, items_max, true);
}

void cm_s3fifo_stop(struct cm_policy *policy) {
    struct cm_s3fifo *s = policy->state;
    cm_ghost_deinit(&s->small_ghost);
    cm_ghost_deinit(&s->main_ghost);
}

static bool votes(uint64_t hash) {
    return (hash >> 16) % VOTERS == 0;
}

uint8_t cm_s3fifo_admit(struct cm_policy *policy, uint64_t hash) {
    struct cm_s3fifo *s = policy->state;
    const struct cm_tuning *tuning = tuning_of(s);
    if (tuning->small_percent == 0)
        return CM_LOG_MAIN;
    uint32_t stamps = tuning->ghost_percent * CM_GHOST_STAMPS / CM_S3FIFO_GHOST_PERCENT;
    enum cm_ghost_origin origin = cm_ghost_take_within(&s->small_ghost, hash, stamps);
    if (origin == CM_GHOST_UNKNOWN && tuning->adapts && votes(hash))
        origin = cm_ghost_take(&s->main_ghost, hash);
    if (origin == CM_GHOST_UNKNOWN)
        return CM_LOG_SMALL;
    atomic_fetch_add_explicit(&policy->ghost_hits, 1, memory_order_relaxed);
    if (votes(hash)) {
        atomic_fetch_add_explicit(origin == CM_GHOST_SMALL ? &s->back_small : &s->back_main, 1,
                                  memory_order_relaxed);
    }
    return CM_LOG_MAIN;
}

bool cm_s3fifo_remembers(const struct cm_policy *policy, uint64_t hash) {
    const struct cm_s3fifo *s = policy->state;
    return cm_ghost_knows(&s->small_ghost, hash) ||
           (votes(hash) && cm_ghost_knows(&s->main_ghost, hash));
}

void cm_s3fifo_prefetch(const struct cm_policy *policy, uint64_t hash) {
    const struct cm_s3fifo *s = policy->state;
    cm_ghost_prefetch(&s->small_ghost, hash);
    if (votes(hash))
        cm_ghost_prefetch(&s->main_ghost, hash);
}

static uint32_t step_of(uint32_t segments) {
    uint64_t of = segments > STEP_LEAST ? segments : STEP_LEAST;
    return (uint32_t)((of / SHARE_STEP + 1) * WHOLE / of);
}

static void move_share(struct cm_s3fifo *s, uint32_t segments, uint64_t items) {
    uint32_t small = atomic_load_explicit(&s->back_small, memory_order_relaxed);
    uint32_t main = atomic_load_explicit(&s->back_main, memory_order_relaxed);
    if (small + main < items / VOTES_SHARE / VOTERS + VOTES_MIN)
        return;
    uint32_t least = WHOLE / 100 * SHARE_MIN, most = WHOLE / 100 * SHARE_MAX;
    uint32_t step = step_of(segments);
    if (small > 2 * main)
        s->share = s->share + step < most ? s->share + step : most;
    if (main > 2 * small)
        s->share = s->share > least + step ? s->share - step : least;
    atomic_store_explicit(&s->back_small, 0, memory_order_relaxed);
    atomic_store_explicit(&s->back_main, 0, memory_order_relaxed);
}

/* The share outlives a cache that is empty, at first or once it was flushed: there it is nothing. */
static uint32_t adapt(struct cm_s3fifo *s, uint32_t segments, uint64_t items) {
    move_share(s, segments, items);
    uint32_t target = (uint32_t)(((uint64_t)segments * s->share + WHOLE / 2) / WHOLE);
    uint32_t least = segments * SHARE_MIN / 100 + 1;
    return target > least ? target : least;
}

uint64_t cm_s3fifo_adjust(struct cm_policy *policy, const struct cm_log_view *view,
                          uint64_t items) {
    struct cm_s3fifo *s = policy->state;
    const struct cm_tuning *tuning = tuning_of(s);
    uint32_t segments = view->small + view->main;
    s->item_bytes = view->item_bytes;
    if (tuning->adapts)
        s->target = adapt(s, segments, items);
    else
        s->target = tuning->small_percent ? segments * tuning->small_percent / 100 + 1 : 0;
    return cm_ghost_resize(&s->small_ghost, items / 100 * CM_S3FIFO_GHOST_PERCENT) +
           cm_ghost_resize(&s->main_ghost, items / VOTERS);
}

bool cm_s3fifo_adopts(struct cm_policy *policy, const struct cm_log_view *view) {
    const struct cm_s3fifo *s = policy->state;
    return view->small > s->target + s->target / 50 + 2 + view->slack;
}

unsigned cm_s3fifo_victim_log(struct cm_policy *policy, const struct cm_log_view *view) {
    const struct cm_s3fifo *s = policy->state;
    return view->small > s->target || view->main == 0 ? CM_LOG_SMALL : CM_LOG_MAIN;
}

/* What the item's room costs, rounded at random so that small items pay too. */
static uint32_t rent(struct cm_s3fifo *s, const struct cm_candidate *c) {
    if (!s->sized)
        return HIT;
    uint64_t sixteenths = (uint64_t)c->bytes * HIT;
    uint32_t fraction = (uint32_t)(sixteenths % s->item_bytes);
    uint64_t whole =
        sixteenths / s->item_bytes + (cm_policy_random(&s->random) % s->item_bytes < fraction);
    return whole < UINT8_MAX ? (uint32_t)whole : UINT8_MAX;
}

/* Of the hits in main; a large item may have more of them, or it could never stay. */
static uint32_t counted(const struct cm_tuning *tuning, uint32_t bits, uint32_t price) {
    uint32_t most = tuning->main_hits * (price > HIT ? price : HIT);
    return bits < most ? bits : most;
}

struct cm_verdict cm_s3fifo_judge(struct cm_policy *policy, const struct cm_candidate *c) {
    struct cm_s3fifo *s = policy->state;
    const struct cm_tuning *tuning = tuning_of(s);
    bool small = c->log == CM_LOG_SMALL;
    uint32_t price = rent(s, c), due = small ? price * tuning->small_hits : price;
    if (c->bits > 0 && c->bits >= due) {
        uint8_t left = small ? 0 : (uint8_t)(counted(tuning, c->bits, price) - due);
        return (struct cm_verdict){.keep = true, .bits = left, .log = CM_LOG_MAIN};
    }
    if (small) {
        cm_ghost_put(&s->small_ghost, c->hash, CM_GHOST_SMALL);
    } else if (votes(c->hash)) {
        cm_ghost_put(&s->main_ghost, c->hash, CM_GHOST_MAIN);
    }
    return (struct cm_verdict){.keep = false};
}

const struct cm_policy_kind cm_policy_s3fifo = {
    .name = "s3fifo",
    .text = "S3-FIFO with an adaptive small queue",
    .state_bytes = sizeof(struct cm_s3fifo),
    .start = start_plain,
    .stop = cm_s3fifo_stop,
    .admit = cm_s3fifo_admit,
    .victim_log = cm_s3fifo_victim_log,
    .judge = cm_s3fifo_judge,
    .adopts = cm_s3fifo_adopts,
    .remembers = cm_s3fifo_remembers,
    .prefetch = cm_s3fifo_prefetch,
    .adjust = cm_s3fifo_adjust,
};

const struct cm_policy_kind cm_policy_s3fifo_size = {
    .name = "s3fifo-size",
    .text = "S3-FIFO where large items need more hits to stay: fewer misses, more missed bytes",
    .state_bytes = sizeof(struct cm_s3fifo),
    .start = start_sized,
    .stop = cm_s3fifo_stop,
    .admit = cm_s3fifo_admit,
    .victim_log = cm_s3fifo_victim_log,
    .judge = cm_s3fifo_judge,
    .adopts = cm_s3fifo_adopts,
    .remembers = cm_s3fifo_remembers,
    .prefetch = cm_s3fifo_prefetch,
    .adjust = cm_s3fifo_adjust,
};

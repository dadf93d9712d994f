/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/policy/shadow.h"

#include <stdlib.h>

#define NONE 0u /* the first node is never used */

/* As in s3fifo.c, but of all keys, and in objects. */
#define SHARE_MIN  1u
#define SHARE_MAX  90u
#define SHARE_STEP 128u
#define BACK_SHARE 64u
#define BACK_MIN   4u

enum place { UNUSED, SMALL, MAIN, GHOST_SMALL, GHOST_MAIN, PLACES };

struct node {
    uint32_t key;
    uint16_t chain; /* next of the same bucket */
    uint16_t older, newer;
    uint8_t place;
    uint8_t hits;
};

struct queue {
    uint16_t oldest, newest;
    uint16_t length;
};

struct cm_shadow {
    const struct cm_tuning *tuning;
    struct queue queues[PLACES]; /* every node but the first is in one */
    uint32_t objects;            /* held at most */
    uint32_t ghosts[2];          /* remembered at most, of the small queue and of main */
    uint32_t back[2];            /* that came back */
    uint32_t target;             /* objects of the small queue */
    uint32_t mask;
    uint16_t *buckets;
    struct node nodes[];
};

static uint32_t nodes_for(uint32_t objects) {
    return objects * 3 + 1; /* with the ghosts */
}

static uint32_t buckets_for(uint32_t objects) {
    uint32_t buckets = 2;
    while (buckets < objects * 2)
        buckets *= 2;
    return buckets;
}

size_t cm_shadow_bytes(uint32_t objects) {
    return sizeof(struct cm_shadow) + nodes_for(objects) * sizeof(struct node) +
           buckets_for(objects) * sizeof(uint16_t);
}

/* ---- queues ---- */

static void push(struct cm_shadow *s, enum place place, uint16_t n) {
    struct queue *queue = &s->queues[place];
    struct node *node = &s->nodes[n];
    node->place = (uint8_t)place;
    node->older = queue->newest;
    node->newer = NONE;
    if (queue->newest)
        s->nodes[queue->newest].newer = n;
    else
        queue->oldest = n;
    queue->newest = n;
    queue->length++;
}

static void take(struct cm_shadow *s, uint16_t n) {
    const struct node *node = &s->nodes[n];
    struct queue *queue = &s->queues[node->place];
    if (node->older)
        s->nodes[node->older].newer = node->newer;
    else
        queue->oldest = node->newer;
    if (node->newer)
        s->nodes[node->newer].older = node->older;
    else
        queue->newest = node->older;
    queue->length--;
}

static uint16_t pop(struct cm_shadow *s, enum place place) {
    uint16_t n = s->queues[place].oldest;
    take(s, n);
    return n;
}

/* ---- keys ---- */

static uint16_t *bucket_of(struct cm_shadow *s, uint32_t key) {
    return &s->buckets[(key * UINT32_C(0x9E3779B1)) >> 16 & s->mask];
}

static uint16_t find(struct cm_shadow *s, uint32_t key) {
    uint16_t n = *bucket_of(s, key);
    while (n && s->nodes[n].key != key)
        n = s->nodes[n].chain;
    return n;
}

/* A node for a new key: there are as many as objects and ghosts. */
static uint16_t add(struct cm_shadow *s, uint32_t key) {
    uint16_t n = pop(s, UNUSED);
    uint16_t *bucket = bucket_of(s, key);
    s->nodes[n].key = key;
    s->nodes[n].chain = *bucket;
    *bucket = n;
    return n;
}

static void forget(struct cm_shadow *s, uint16_t n) {
    uint16_t *link = bucket_of(s, s->nodes[n].key);
    while (*link != n)
        link = &s->nodes[*link].chain;
    *link = s->nodes[n].chain;
    push(s, UNUSED, n);
}

/* ---- eviction ---- */

/* As in s3fifo.c: what the small queue has too much becomes main's newest. */
static void adopt(struct cm_shadow *s) {
    uint32_t slack = s->target / 50 + 2;
    for (;;) {
        uint32_t small = s->queues[SMALL].length, held = small + s->queues[MAIN].length;
        if (small <= s->target || (held == s->objects && small <= s->target + slack))
            return;
        push(s, MAIN, pop(s, SMALL));
    }
}

static void adapt(struct cm_shadow *s) {
    if (s->back[0] + s->back[1] < s->objects / BACK_SHARE + BACK_MIN)
        return;
    uint32_t step = s->objects / SHARE_STEP + 1, least = s->objects * SHARE_MIN / 100 + 1;
    if (s->back[0] > 2 * s->back[1] && s->target + step <= s->objects * SHARE_MAX / 100)
        s->target += step;
    if (s->back[1] > 2 * s->back[0])
        s->target = s->target > least + step ? s->target - step : least;
    s->back[0] = s->back[1] = 0;
}

static void drop(struct cm_shadow *s, uint16_t n, unsigned ghost) {
    enum place place = GHOST_SMALL + ghost;
    push(s, place, n);
    if (s->queues[place].length > s->ghosts[ghost])
        forget(s, pop(s, place));
}

/* These judge the oldest of a queue; false if it stays. */
static bool judge_small(struct cm_shadow *s) {
    uint16_t n = pop(s, SMALL);
    bool keep = s->nodes[n].hits >= s->tuning->small_hits;
    s->nodes[n].hits = 0;
    if (keep)
        push(s, MAIN, n);
    else
        drop(s, n, 0);
    return !keep;
}

static bool judge_main(struct cm_shadow *s) {
    uint16_t n = pop(s, MAIN);
    struct node *node = &s->nodes[n];
    bool keep = node->hits > 0;
    if (keep) {
        node->hits--;
        push(s, MAIN, n);
    } else {
        drop(s, n, 1);
    }
    return !keep;
}

static void make_room(struct cm_shadow *s) {
    const struct queue *small = &s->queues[SMALL], *main = &s->queues[MAIN];
    bool room = (uint32_t)small->length + main->length < s->objects;
    while (!room)
        room = small->length && (small->length >= s->target || !main->length) ? judge_small(s)
                                                                              : judge_main(s);
}

/* Takes a key that came back out of its ghost. */
static bool take_known(struct cm_shadow *s, uint16_t n) {
    if (!n)
        return false;
    unsigned ghost = s->nodes[n].place - GHOST_SMALL;
    take(s, n);
    s->back[ghost]++;
    return true;
}

bool cm_shadow_request(struct cm_shadow *s, uint32_t key) {
    uint16_t n = find(s, key);
    if (n && s->nodes[n].place < GHOST_SMALL) {
        if (s->nodes[n].hits < s->tuning->main_hits)
            s->nodes[n].hits++;
        return true;
    }
    bool known = take_known(s, n);
    if (s->tuning->adapts)
        adapt(s);
    adopt(s);
    make_room(s);
    if (!known)
        n = add(s, key);
    s->nodes[n].hits = 0;
    push(s, known || s->tuning->small_percent == 0 ? MAIN : SMALL, n);
    return false;
}

/* ---- life ---- */

struct cm_shadow *cm_shadow_create(const struct cm_tuning *tuning, uint32_t objects) {
    uint32_t nodes = nodes_for(objects), buckets = buckets_for(objects);
    struct cm_shadow *s = calloc(1, cm_shadow_bytes(objects));
    if (!s)
        return NULL;
    s->tuning = tuning;
    s->objects = objects;
    s->ghosts[0] = objects * tuning->ghost_percent / 100;
    s->ghosts[1] = tuning->adapts ? objects : 0;
    s->target = objects * tuning->small_percent / 100;
    if (s->target == 0)
        s->target = 1;
    s->mask = buckets - 1;
    s->buckets = (uint16_t *)(void *)(s->nodes + nodes);
    for (uint32_t n = 1; n < nodes; n++)
        push(s, UNUSED, (uint16_t)n);
    return s;
}

void cm_shadow_destroy(struct cm_shadow *shadow) {
    free(shadow);
}

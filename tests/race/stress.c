/* SPDX-License-Identifier: BSD-3-Clause */

/* Everything at once: readers of all three kinds, writers of all kinds, deletes, appends, counting,
 * index growth and shrinking, reclaim, flushes, resizes, policy switches, scans. */

#include "support/race.h"

#define KEYS       2000u
#define JOINED     40u
#define NUMBERS    40u
#define CROWD      30000u
#define HELD_MAX   4u
#define BLOCK      16u
#define MEMORY_MIN (UINT64_C(4) << 20)

/* ---- readers ---- */

static void peek_one(struct racer *me, const struct race_key *key, uint32_t id) {
    struct cmstore_peek peek;
    enum cmstore_peeked peeked;
    do {
        peeked = cmstore_peek(me->thread, &key->key, &peek);
        if (peeked != CMSTORE_PEEK_HIT)
            break;
        race_require(peek.item.value.bytes <= RACE_VALUE_MAX, "a length is within its record");
        cmstore_copy(me->buffer, peek.item.value.data, peek.item.value.bytes);
    } while (!cmstore_confirm(me->thread, &peek));
    if (peeked == CMSTORE_PEEK_HIT)
        race_require(race_is_whole(me->buffer, id, peek.item.value.bytes), "a peek is whole");
    if (peeked == CMSTORE_PEEK_LOCKED)
        (void)race_get_whole(me, key, id);
}

static void peek(struct racer *me) {
    struct race_key keys[8];
    uint32_t ids[8];
    for (unsigned i = 0; i < 8; i++) {
        ids[i] = race_random(me, KEYS);
        race_key(me->race->store, "k", ids[i], &keys[i]);
    }
    cmstore_begin(me->thread);
    for (unsigned i = 0; i < 8; i++)
        cmstore_prefetch_bucket(me->race->store, &keys[i].key);
    for (unsigned i = 0; i < 8; i++)
        (void)cmstore_prefetch_slot(me->race->store, &keys[i].key);
    for (unsigned i = 0; i < 8; i++) {
        cmstore_prefetch_item(me->race->store, &keys[i].key);
        cmstore_prefetch_store(me->race->store, &keys[i].key);
    }
    for (unsigned i = 0; i < 8; i++)
        peek_one(me, &keys[i], ids[i]);
    cmstore_end(me->thread);
}

struct held {
    struct cmstore_pin pin;
    uint32_t id;
};

static void let_go(struct racer *me, struct held *held) {
    size_t at = 0;
    if (held->pin.item.outcome == CMSTORE_MISS)
        return;
    for (;;) {
        struct cmstore_value part = cmstore_pin_part(&held->pin, at);
        if (part.bytes == 0)
            break;
        memcpy(me->buffer + at, part.data, part.bytes);
        at += part.bytes;
    }
    race_require(race_is_whole(me->buffer, held->id, at), "a pinned value stays whole");
    cmstore_unpin(&held->pin);
    held->pin.item.outcome = CMSTORE_MISS;
}

/* Holds a few pins, some for long. */
static void pin(struct racer *me) {
    struct race_key key;
    if (!me->own)
        me->own = calloc(HELD_MAX, sizeof(struct held));
    struct held *held = (struct held *)me->own + race_random(me, HELD_MAX);
    let_go(me, held);
    held->id = race_random(me, KEYS);
    race_key(me->race->store, "k", held->id, &key);
    race_require(cmstore_pin(me->thread, &key.key, NULL, &held->pin) == CM_OK, "a pin succeeds");
}

static void unpin(struct racer *me) {
    struct held *held = me->own;
    for (unsigned i = 0; held && i < HELD_MAX; i++)
        let_go(me, &held[i]);
    free(held);
}

/* ---- writers ---- */

static size_t some_bytes(struct racer *me, uint32_t id) {
    uint32_t kind = race_random(me, 100);
    size_t words = 3 + id % 40; /* mostly the same, so that it goes in place */
    if (kind < 30)
        words = 3 + race_random(me, 60);
    if (kind < 8)
        words = 3 + race_random(me, 1000);
    if (kind == 0)
        words = 3 + race_random(me, (RACE_VALUE_MAX - 1000) / 8 - 3);
    return words * 8;
}

static void write_in_pieces(struct racer *me, const struct race_key *key, uint32_t id) {
    size_t bytes = some_bytes(me, id), at = 0;
    cmstore_writer *writer;
    race_fill(me->buffer, id, (uint32_t)me->rounds, bytes);
    race_require(cmstore_write_begin(me->thread, &key->key, bytes, NULL, &writer) == CM_OK,
                 "a write begins");
    while (at < bytes) {
        size_t piece = 1 + race_random(me, 20000);
        if (piece > bytes - at)
            piece = bytes - at;
        if (cmstore_write(me->thread, writer, me->buffer + at, piece) != CM_OK ||
            race_random(me, 100) == 0) {
            cmstore_write_abort(me->thread, writer);
            return;
        }
        at += piece;
    }
    race_require(cmstore_write_commit(me->thread, writer, NULL) == CM_OK, "a write ends");
}

static void write_one(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, KEYS), kind = race_random(me, 100);
    race_key(me->race->store, "k", id, &key);
    if (kind < 80)
        (void)race_set(me, &key, id, some_bytes(me, id));
    else if (kind < 85)
        write_in_pieces(me, &key, id);
    else if (kind < 95)
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
    else
        race_require(cmstore_touch(me->thread, &key.key, kind == 95 ? 3 : 0, NULL) == CM_OK,
                     "touch");
}

/* Values of blocks that each prove themselves. */
static void join(struct racer *me) {
    struct race_key key;
    struct cmstore_item item;
    uint32_t id = race_random(me, JOINED);
    unsigned char block[BLOCK];
    uint64_t seed = (uint64_t)id << 32 | (uint32_t)me->rounds, sum = race_mix(seed);
    memcpy(block, &seed, 8);
    memcpy(block + 8, &sum, 8);
    race_key(me->race->store, "j", id, &key);
    struct cmstore_store_options options = {
        .mode = race_random(me, 2) ? CMSTORE_APPEND : CMSTORE_PREPEND, .vivify = true};
    struct cmstore_value value = {block, BLOCK};
    enum cm_status status = cmstore_store(me->thread, &key.key, value, &options, NULL);
    race_require(status == CM_OK || status == CM_TOO_LARGE, "an append succeeds");
    if (status == CM_TOO_LARGE || race_random(me, 3000) == 0)
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
    if (race_random(me, 16))
        return;
    race_require(cmstore_get(me->thread, &key.key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                     CM_OK,
                 "a get never fails");
    for (size_t at = 0; item.outcome == CMSTORE_HIT && at < item.value.bytes; at += BLOCK) {
        memcpy(&seed, me->buffer + at, 8);
        memcpy(&sum, me->buffer + at + 8, 8);
        race_require(seed >> 32 == id && sum == race_mix(seed), "a joined value's block is whole");
    }
}

static void count(struct racer *me) {
    struct race_key key;
    struct cmstore_number number;
    race_key(me->race->store, "n", race_random(me, NUMBERS), &key);
    struct cmstore_arith_options options = {.delta = race_random(me, 1000),
                                            .decrement = race_random(me, 2),
                                            .vivify = true,
                                            .initial = 1000};
    race_require(cmstore_arith(me->thread, &key.key, &options, &number) == CM_OK, "arith");
}

/* Thousands of small items come and go: the index grows and shrinks. */
static void crowd(struct racer *me) {
    struct race_key key;
    uint32_t at = (uint32_t)(me->rounds % (2 * CROWD)), id = at % CROWD;
    race_key(me->race->store, "c", id, &key);
    if (at < CROWD)
        (void)race_set(me, &key, id, RACE_VALUE_MIN);
    else
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
}

/* ---- all of it ---- */

static void visit(void *context, const struct cmstore_visit *visit) {
    uint64_t *visited = context;
    (void)race_id(visit->key, visit->key_bytes);
    (*visited)++;
}

static void scan(struct racer *me) {
    uint64_t visited = 0, cursor = 0;
    do {
        cursor = cmstore_scan(me->thread, cursor, visit, &visited);
    } while (cursor);
}

static void switch_policy(struct racer *me) {
    size_t policies = 0;
    while (cmstore_policy_name(policies, NULL))
        policies++;
    const char *name = cmstore_policy_name(race_random(me, (uint32_t)policies), NULL);
    race_require(cmstore_set_policy(me->thread, name) == CM_OK, "a policy is switched");
}

static void resize(struct racer *me) {
    uint64_t bytes = MEMORY_MIN + ((uint64_t)race_random(me, 12) << 20);
    race_require(cmstore_set_memory(me->thread, bytes) == CM_OK, "memory is resized");
}

static void administer(struct racer *me) {
    struct cmstore_counters counters;
    cmstore *store = me->race->store;
    uint32_t kind = race_random(me, 64);
    if (kind == 0)
        cmstore_flush(me->thread, 0);
    else if (kind == 1)
        cmstore_flush(me->thread, cmstore_clock(store) + 1);
    else if (kind < 10)
        resize(me);
    else if (kind < 20)
        switch_policy(me);
    else if (kind < 30)
        cmstore_set_clock(store, cmstore_clock(store) + 1);
    else if (kind < 40)
        scan(me);
    else
        cmstore_read_counters(store, &counters);
    race_require(cmstore_policy(store) != NULL, "there is a policy");
    cm_os_thread_yield();
}

int main(void) {
    struct race race = {.ms = 4000};
    race_open(&race, MEMORY_MIN);
    race_line_up(&race, peek, NULL);
    race_line_up(&race, pin, unpin);
    race_line_up(&race, write_one, NULL);
    race_line_up(&race, write_one, NULL);
    race_line_up(&race, join, NULL);
    race_line_up(&race, count, NULL);
    race_line_up(&race, crowd, NULL);
    race_line_up(&race, administer, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

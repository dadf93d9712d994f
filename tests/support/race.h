/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_RACE_H
#define CM_TESTS_SUPPORT_RACE_H

/* Threads that do their jobs on one store, over and over, for a while, but each so many times at
 * least, however late the system lets it run; and values that prove themselves whole. CM_RACE_MS: for
 * how many milliseconds. */

#include "base/os/os.h"

#include <cacheman/store.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RACERS_MAX      16u
#define RACE_ROUNDS_MIN 20u
#define RACE_VALUE_MIN  24u
#define RACE_VALUE_MAX  ((size_t)200 << 10)

struct racer;
typedef void race_job(struct racer *me); /* a moment's work */

struct race {
    cmstore *store;
    uint64_t deadline_ns;
    uint64_t ms;         /* 0: 1000, unless the environment says otherwise */
    uint64_t rounds_min; /* 0: RACE_ROUNDS_MIN */
    void *context;
    struct racer *racers;
    unsigned count;
};

struct racer {
    struct race *race;
    cmstore_thread *thread;
    race_job *job;
    race_job *finish; /* once, at the end; may be NULL */
    unsigned number;
    uint64_t random;
    uint64_t rounds;
    unsigned char *buffer; /* of RACE_VALUE_MAX */
    void *own;             /* the job's */
    struct cm_os_thread os;
};

static inline void race_require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "race: broken: %s\n", what);
    abort();
}

static inline uint64_t race_mix(uint64_t x) {
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint32_t race_random(struct racer *me, uint32_t below) {
    me->random += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(race_mix(me->random) >> 32) % below;
}

/* ---- values ---- */

/* | id 4 | version 4 | length 8 | words made of both | sum of all before 8 | */
static inline void race_fill(unsigned char *to, uint32_t id, uint32_t version, size_t bytes) {
    uint64_t seed = (uint64_t)id << 32 | version, sum = seed + bytes, length = bytes;
    race_require(bytes >= RACE_VALUE_MIN && bytes % 8 == 0, "lengths are whole words");
    memcpy(to, &seed, 8);
    memcpy(to + 8, &length, 8);
    for (size_t i = 16; i + 8 < bytes; i += 8) {
        uint64_t word = race_mix(seed + i);
        sum += word;
        memcpy(to + i, &word, 8);
    }
    memcpy(to + bytes - 8, &sum, 8);
}

static inline bool race_is_whole(const unsigned char *from, uint32_t id, size_t bytes) {
    uint64_t seed, sum, length, last;
    if (bytes < RACE_VALUE_MIN || bytes % 8)
        return false;
    memcpy(&seed, from, 8);
    memcpy(&length, from + 8, 8);
    memcpy(&last, from + bytes - 8, 8);
    sum = seed + bytes;
    for (size_t i = 16; i + 8 < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        if (word != race_mix(seed + i))
            return false;
        sum += word;
    }
    return seed >> 32 == id && length == bytes && sum == last;
}

/* ---- keys ---- */

struct race_key {
    struct cmstore_key key;
    char text[24];
};

static inline void race_key(const cmstore *store, const char *kind, uint32_t id,
                            struct race_key *key) {
    int bytes = snprintf(key->text, sizeof key->text, "%s:%u", kind, (unsigned)id);
    key->key = cmstore_key(store, key->text, (size_t)bytes);
}

/* Of a key made by race_key(). */
static inline uint32_t race_id(const void *key, size_t bytes) {
    char text[24] = "";
    race_require(bytes < sizeof text, "a key is one of ours");
    memcpy(text, key, bytes);
    const char *colon = strchr(text, ':');
    race_require(colon != NULL, "a key has its colon");
    return (uint32_t)strtoul(colon + 1, NULL, 10);
}

static inline enum cmstore_outcome race_set(struct racer *me, const struct race_key *key,
                                            uint32_t id, size_t bytes) {
    struct cmstore_stored stored;
    race_fill(me->buffer, id, (uint32_t)me->rounds, bytes);
    struct cmstore_value value = {me->buffer, bytes};
    race_require(cmstore_store(me->thread, &key->key, value, NULL, &stored) == CM_OK,
                 "a set never fails");
    return stored.outcome;
}

/* False: a miss. */
static inline bool race_get_whole(struct racer *me, const struct race_key *key, uint32_t id) {
    struct cmstore_item item;
    race_require(cmstore_get(me->thread, &key->key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                     CM_OK,
                 "a get never fails");
    if (item.outcome == CMSTORE_MISS)
        return false;
    race_require(race_is_whole(me->buffer, id, item.value.bytes), "a value is whole");
    return true;
}

/* ---- threads ---- */

static inline void race_main(void *context) {
    struct racer *me = context;
    const uint64_t least = me->race->rounds_min != 0 ? me->race->rounds_min : RACE_ROUNDS_MIN;
    while (me->rounds < least || cm_os_monotonic_ns() < me->race->deadline_ns) {
        me->job(me);
        me->rounds++;
    }
    if (me->finish)
        me->finish(me);
}

static inline void race_line_up(struct race *race, race_job *job, race_job *finish) {
    struct racer *racer = &race->racers[race->count];
    race_require(race->count < RACERS_MAX, "there is a lane for everybody");
    *racer = (struct racer){.race = race, .job = job, .finish = finish};
    racer->number = race->count++;
    racer->random = race_mix(racer->number + 1);
    racer->buffer = malloc(RACE_VALUE_MAX);
    race_require(racer->buffer != NULL, "there is memory");
}

static inline void race_open(struct race *race, uint64_t memory_bytes) {
    struct cmstore_options options = {.memory_bytes = memory_bytes,
                                      .item_bytes_max = RACE_VALUE_MAX};
    race_require(cmstore_create(&options, &race->store) == CM_OK, "a store opens");
    race->racers = calloc(RACERS_MAX, sizeof *race->racers);
    race_require(race->racers != NULL, "there is memory");
}

static inline void race_run(struct race *race) {
    const char *text = getenv("CM_RACE_MS");
    uint64_t ms = text ? strtoull(text, NULL, 10) : race->ms ? race->ms : 1000;
    race->deadline_ns = cm_os_monotonic_ns() + ms * 1000000;
    for (unsigned i = 0; i < race->count; i++) {
        struct racer *racer = &race->racers[i];
        race_require(cmstore_attach(race->store, &racer->thread) == CM_OK &&
                         cm_os_thread_start(&racer->os, race_main, racer, "racer") == CM_OK,
                     "a thread starts");
    }
    for (unsigned i = 0; i < race->count; i++)
        cm_os_thread_join(&race->racers[i].os);
    cmstore_check(race->racers[0].thread);
}

static inline void race_close(struct race *race) {
    for (unsigned i = 0; i < race->count; i++) {
        printf("racer %u: %llu rounds\n", i, (unsigned long long)race->racers[i].rounds);
        cmstore_detach(race->racers[i].thread);
        free(race->racers[i].buffer);
    }
    free(race->racers);
    cmstore_destroy(race->store);
}

#endif

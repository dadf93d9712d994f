/* SPDX-License-Identifier: BSD-3-Clause */

/* Items are overwritten in place while reclaim copies them: no write is lost to a copy made a
 * moment before. */

#include "support/race.h"

#define KEYS 3000u
#define OWN  64u

static void put(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, KEYS);
    race_key(me->race->store, "k", id, &key);
    (void)race_set(me, &key, id, RACE_VALUE_MIN + 8 * race_random(me, 100));
}

/* The keys are this racer's own: what it reads is what it wrote last, or nothing. */
static void overwrite(struct racer *me) {
    struct race_key key;
    struct cmstore_item item;
    uint32_t at = race_random(me, OWN), id = KEYS + me->number * OWN + at;
    uint32_t *versions = me->own = me->own ? me->own : calloc(OWN, sizeof *versions);
    race_key(me->race->store, "k", id, &key);
    race_require(cmstore_get(me->thread, &key.key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                     CM_OK,
                 "a get never fails");
    if (item.outcome == CMSTORE_HIT) {
        uint64_t seed;
        memcpy(&seed, me->buffer, 8);
        race_require(race_is_whole(me->buffer, id, item.value.bytes), "a value is whole");
        race_require((uint32_t)seed == versions[at], "the last write is what is read");
    }
    versions[at] = (uint32_t)me->rounds;
    (void)race_set(me, &key, id, 96);
}

static void end(struct racer *me) {
    free(me->own);
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(1) << 20);
    race_line_up(&race, put, NULL);
    race_line_up(&race, overwrite, end);
    race_line_up(&race, overwrite, end);
    race_run(&race);
    race_close(&race);
    return 0;
}

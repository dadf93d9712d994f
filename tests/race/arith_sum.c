/* SPDX-License-Identifier: BSD-3-Clause */

/* incr and decr from many threads add up exactly, while readers look and others make reclaim work. */

#include "support/race.h"

#define START 1000000000u

static _Atomic int64_t sum;

static void count(struct racer *me) {
    struct race_key key;
    struct cmstore_number number;
    race_key(me->race->store, "n", 0, &key);
    struct cmstore_arith_options options = {.delta = race_random(me, 100),
                                            .decrement = race_random(me, 2)};
    race_require(cmstore_arith(me->thread, &key.key, &options, &number) == CM_OK &&
                     number.item.outcome == CMSTORE_HIT,
                 "the number is there");
    atomic_fetch_add(&sum, options.decrement ? -(int64_t)options.delta : (int64_t)options.delta);
}

static void look(struct racer *me) {
    struct race_key key;
    struct cmstore_item item;
    race_key(me->race->store, "n", 0, &key);
    race_require(cmstore_get(me->thread, &key.key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                         CM_OK &&
                     item.outcome == CMSTORE_HIT,
                 "the number is there");
    for (size_t i = 0; i < item.value.bytes; i++)
        race_require((me->buffer[i] >= '0' && me->buffer[i] <= '9') || me->buffer[i] == ' ',
                     "a number is made of digits");
    race_key(me->race->store, "x", race_random(me, 1000), &key);
    (void)race_set(me, &key, 1, RACE_VALUE_MIN);
}

static uint64_t ask(struct racer *me) {
    struct race_key key;
    struct cmstore_number number;
    struct cmstore_arith_options options = {.delta = 0};
    race_key(me->race->store, "n", 0, &key);
    race_require(cmstore_arith(me->thread, &key.key, &options, &number) == CM_OK, "arith");
    return number.value;
}

int main(void) {
    struct race race = {.ms = 1000};
    cmstore_thread *thread;
    struct race_key key;
    struct cmstore_number number;
    struct cmstore_arith_options create = {.vivify = true, .initial = START};
    race_open(&race, UINT64_C(4) << 20);
    race_key(race.store, "n", 0, &key);
    race_require(cmstore_attach(race.store, &thread) == CM_OK &&
                     cmstore_arith(thread, &key.key, &create, &number) == CM_OK,
                 "the number begins");
    for (unsigned i = 0; i < 3; i++)
        race_line_up(&race, count, NULL);
    race_line_up(&race, look, NULL);
    race_run(&race);
    race_require(ask(&race.racers[0]) == (uint64_t)(START + atomic_load(&sum)), "the sum is exact");
    cmstore_detach(thread);
    race_close(&race);
    return 0;
}

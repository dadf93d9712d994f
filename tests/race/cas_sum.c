/* SPDX-License-Identifier: BSD-3-Clause */

/* Counting by get and cas from many threads: every success counts once. The item also grows and
 * shrinks, so that it is sometimes written in place and sometimes not. */

#include "support/race.h"

static _Atomic uint64_t successes;

static void count(struct racer *me) {
    struct race_key key;
    struct cmstore_item item;
    struct cmstore_stored stored;
    uint64_t number;
    race_key(me->race->store, "cas", 0, &key);
    race_require(cmstore_get(me->thread, &key.key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                         CM_OK &&
                     item.outcome == CMSTORE_HIT,
                 "the counter is there");
    memcpy(&number, me->buffer, 8);
    number++;
    memcpy(me->buffer, &number, 8);
    struct cmstore_store_options options = {.compare_cas = true, .cas = item.cas};
    struct cmstore_value value = {me->buffer, 8 + race_random(me, 200)};
    race_require(cmstore_store(me->thread, &key.key, value, &options, &stored) == CM_OK, "cas");
    race_require(stored.outcome == CMSTORE_STORED || stored.outcome == CMSTORE_EXISTS,
                 "a cas stores or says that somebody was faster");
    if (stored.outcome == CMSTORE_STORED)
        atomic_fetch_add(&successes, 1);
}

static void check(struct racer *me) {
    struct race_key key;
    struct cmstore_item item;
    uint64_t number;
    race_key(me->race->store, "cas", 0, &key);
    race_require(cmstore_get(me->thread, &key.key, NULL, me->buffer, RACE_VALUE_MAX, &item) ==
                     CM_OK,
                 "a get never fails");
    memcpy(&number, me->buffer, 8);
    race_require(number == atomic_load(&successes), "every success counted once");
}

int main(void) {
    struct race race = {.ms = 1000};
    cmstore_thread *thread;
    struct race_key key;
    uint64_t zero = 0;
    race_open(&race, UINT64_C(4) << 20);
    race_key(race.store, "cas", 0, &key);
    struct cmstore_value value = {&zero, 8};
    race_require(cmstore_attach(race.store, &thread) == CM_OK &&
                     cmstore_store(thread, &key.key, value, NULL, NULL) == CM_OK,
                 "the counter begins");
    for (unsigned i = 0; i < 4; i++)
        race_line_up(&race, count, NULL);
    race_run(&race);
    check(&race.racers[0]);
    cmstore_detach(thread);
    race_close(&race);
    return 0;
}

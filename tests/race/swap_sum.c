/* SPDX-License-Identifier: BSD-3-Clause */

/* One item, swapped for others and taken away by many threads: what goes in comes out once. */

#include "support/race.h"

static _Atomic uint64_t put_in, got_out;

static void take_out(struct cmstore_pin *old) {
    uint64_t number;
    if (old->item.outcome == CMSTORE_MISS)
        return;
    struct cmstore_value part = cmstore_pin_part(old, 0);
    race_require(part.bytes >= 8, "a value is whole");
    memcpy(&number, part.data, 8);
    atomic_fetch_add(&got_out, number);
    cmstore_unpin(old);
}

/* Mostly short values, written in place where that is allowed, sometimes chained ones. */
static void swap(struct racer *me) {
    struct race_key key;
    struct cmstore_pin old;
    const uint64_t number = race_random(me, 1000000) + 1;
    const struct cmstore_store_options options = {.old = &old};
    size_t bytes = 8 + race_random(me, 100);
    if (race_random(me, 50) == 0)
        bytes = 8 + race_random(me, 150000);
    race_key(me->race->store, "swap", 0, &key);
    memcpy(me->buffer, &number, 8);
    struct cmstore_value value = {me->buffer, bytes};
    atomic_fetch_add(&put_in, number);
    race_require(cmstore_store(me->thread, &key.key, value, &options, NULL) == CM_OK, "a swap");
    take_out(&old);
}

static void take(struct racer *me) {
    struct race_key key;
    struct cmstore_pin old;
    const struct cmstore_delete_options options = {.old = &old};
    race_key(me->race->store, "swap", 0, &key);
    race_require(cmstore_delete(me->thread, &key.key, &options, NULL) == CM_OK, "a delete");
    take_out(&old);
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(16) << 20);
    race_line_up(&race, swap, NULL);
    race_line_up(&race, swap, NULL);
    race_line_up(&race, take, NULL);
    race_line_up(&race, take, NULL);
    race_run(&race);
    take(&race.racers[0]);
    race_require(atomic_load(&put_in) == atomic_load(&got_out), "all came out, each once");
    race_close(&race);
    return 0;
}

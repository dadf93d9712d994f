/* SPDX-License-Identifier: BSD-3-Clause */

/* What was stored before a flush began is gone when it returns, though others append to it all the
 * while: what they make of it must not outlive it. */

#include "support/race.h"

#define KEYS 20u

static void flush(struct racer *me) {
    struct race_key key;
    for (uint32_t id = 0; id < KEYS; id++) {
        race_key(me->race->store, "k", id, &key);
        (void)race_set(me, &key, id, 64);
    }
    cmstore_flush(me->thread, 0);
    for (uint32_t id = 0; id < KEYS; id++) {
        struct cmstore_pin pin;
        race_key(me->race->store, "k", id, &key);
        race_require(cmstore_pin(me->thread, &key.key, NULL, &pin) == CM_OK, "a pin succeeds");
        race_require(pin.item.outcome == CMSTORE_MISS, "a flush takes what was there");
    }
}

static void append(struct racer *me) {
    struct cmstore_store_options options = {.mode = CMSTORE_APPEND};
    struct cmstore_value value = {"ab", 2};
    struct race_key key;
    race_key(me->race->store, "k", race_random(me, KEYS), &key);
    race_require(cmstore_store(me->thread, &key.key, value, &options, NULL) == CM_OK,
                 "an append never fails");
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(64) << 20);
    race_line_up(&race, flush, NULL);
    race_line_up(&race, append, NULL);
    race_line_up(&race, append, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */

/* Items are deleted while reclaim empties their segments: nothing is freed twice, nothing comes
 * back, and what a segment says is alive in it stays true. */

#include "support/race.h"

#define KEYS 20000u

static void put(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, KEYS);
    race_key(me->race->store, "k", id, &key);
    (void)race_set(me, &key, id, RACE_VALUE_MIN + 8 * race_random(me, 40));
}

/* Its keys are nobody else's: once deleted, they stay so. */
static void put_and_delete(struct racer *me) {
    struct race_key key;
    uint32_t id = KEYS + me->number * KEYS + race_random(me, 64);
    race_key(me->race->store, "k", id, &key);
    (void)race_set(me, &key, id, RACE_VALUE_MIN + 8 * race_random(me, 4000));
    (void)race_get_whole(me, &key, id);
    race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
    race_require(!race_get_whole(me, &key, id), "what was deleted does not come back");
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(1) << 20);
    race_line_up(&race, put, NULL);
    race_line_up(&race, put_and_delete, NULL);
    race_line_up(&race, put_and_delete, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

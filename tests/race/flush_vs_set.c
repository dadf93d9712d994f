/* SPDX-License-Identifier: BSD-3-Clause */

/* What was stored before a flush began is gone when it returns; what is stored after it returned
 * can be read, however many others flush and store meanwhile. */

#include "support/race.h"

/* Flushes that have begun, and that have returned. */
static _Atomic uint64_t begun, ended;

static void flush(struct racer *me) {
    struct race_key key;
    race_key(me->race->store, "f", me->number, &key);
    (void)race_set(me, &key, me->number, 64);
    atomic_fetch_add(&begun, 1);
    cmstore_flush(me->thread, 0);
    atomic_fetch_add(&ended, 1);
    race_require(!race_get_whole(me, &key, me->number), "a flush takes what was there");
}

static void set(struct racer *me) {
    struct race_key key;
    uint32_t id = me->number * 100 + race_random(me, 50);
    race_key(me->race->store, "k", id, &key);
    uint64_t before = atomic_load(&ended);
    bool quiet = before == atomic_load(&begun);
    (void)race_set(me, &key, id, 8 * (3 + race_random(me, 20)));
    bool found = race_get_whole(me, &key, id);
    if (quiet && atomic_load(&begun) == before)
        race_require(found, "what is stored between flushes is there");
    cm_os_thread_yield();
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(8) << 20);
    race_line_up(&race, flush, NULL);
    race_line_up(&race, set, NULL);
    race_line_up(&race, set, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

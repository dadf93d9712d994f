/* SPDX-License-Identifier: BSD-3-Clause */

/* A scan visits what is there throughout exactly once, while the table grows and shrinks. */

#include "support/race.h"

#define STAYING 500u
#define CROWD   20000u

static void crowd(struct racer *me) {
    struct race_key key;
    uint32_t at = (uint32_t)(me->rounds % (2 * CROWD));
    race_key(me->race->store, "c", me->number * CROWD + at % CROWD, &key);
    if (at < CROWD)
        (void)race_set(me, &key, 0, RACE_VALUE_MIN);
    else
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
}

static void visit(void *context, const struct cmstore_visit *visit) {
    unsigned *visits = context;
    if (((const char *)visit->key)[0] == 's')
        visits[race_id(visit->key, visit->key_bytes)]++;
}

static void scan(struct racer *me) {
    unsigned visits[STAYING] = {0};
    uint64_t cursor = 0;
    do {
        cursor = cmstore_scan(me->thread, cursor, visit, visits);
    } while (cursor);
    for (unsigned i = 0; i < STAYING; i++)
        race_require(visits[i] == 1, "what stays is visited exactly once");
}

/* What stays also changes. */
static void change(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, STAYING);
    race_key(me->race->store, "s", id, &key);
    (void)race_set(me, &key, id, RACE_VALUE_MIN + 8 * race_random(me, 20));
}

int main(void) {
    struct race race = {.ms = 1500};
    cmstore_thread *thread;
    race_open(&race, UINT64_C(64) << 20);
    race_line_up(&race, crowd, NULL);
    race_line_up(&race, crowd, NULL);
    race_line_up(&race, scan, NULL);
    race_line_up(&race, change, NULL);
    race_require(cmstore_attach(race.store, &thread) == CM_OK, "attach");
    struct racer first = race.racers[0];
    first.thread = thread;
    for (uint32_t id = 0; id < STAYING; id++) {
        struct race_key key;
        race_key(race.store, "s", id, &key);
        (void)race_set(&first, &key, id, RACE_VALUE_MIN);
    }
    race_run(&race);
    cmstore_detach(thread);
    race_close(&race);
    return 0;
}

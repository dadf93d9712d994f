/* SPDX-License-Identifier: BSD-3-Clause */

/* While items come and go by every way there is, and the memory of the gone grows and shrinks with
 * the limit, what a thread is told of its own keys is true, or that they are unknown. */

#include "support/race.h"

#define OWN_KEYS 64u

static uint64_t asked, told;

/* Keys of this thread alone go by deletion, expiry and eviction: never by what was not done. */
static void come_and_go(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, OWN_KEYS);
    race_key(me->race->store, me->number == 0 ? "a" : "b", id, &key);
    (void)race_set(me, &key, id, 8 * (3 + race_random(me, 200)));
    bool deleted = race_random(me, 2) == 0;
    if (deleted)
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "a delete");
    cmstore_begin(me->thread);
    struct cmstore_gone gone = cmstore_why(me->thread, &key.key);
    cmstore_end(me->thread);
    uint32_t now_s = cmstore_clock(me->race->store);
    race_require(gone.reason <= CMSTORE_FLUSHED, "a reason is one of those there are");
    race_require(gone.when_s <= now_s, "nothing has gone yet that is to go");
    if (me->number == 0 && deleted) {
        asked++;
        told += gone.reason != CMSTORE_UNKNOWN;
    }
}

/* A full cache evicts, and every hundredth moment begins another second. */
static void crowd(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, 20000);
    race_key(me->race->store, "k", id, &key);
    if (race_random(me, 8) == 0)
        race_require(
            cmstore_touch(me->thread, &key.key, cmstore_clock(me->race->store) + 1, NULL) == CM_OK,
            "a touch");
    else
        (void)race_set(me, &key, id, 8 * (3 + race_random(me, 400)));
    if (me->rounds % 100 == 0)
        cmstore_set_clock(me->race->store, cmstore_clock(me->race->store) + 1);
    if (me->rounds % 5000 == 4999)
        cmstore_flush(me->thread, 0);
}

static void resize(struct racer *me) {
    uint64_t bytes = (uint64_t)(2 + race_random(me, 30)) << 20;
    race_require(cmstore_set_memory(me->thread, bytes) == CM_OK, "the limit can be changed");
    struct cmstore_counters counters;
    cmstore_read_counters(me->race->store, &counters);
    race_require(counters.gone_bytes >= 16384 && counters.gone_bytes <= (uint64_t)32 << 13,
                 "the memory of the gone follows");
    cm_os_thread_yield();
}

int main(void) {
    struct race race = {.ms = 1500, .rounds_min = 1000};
    race_open(&race, UINT64_C(8) << 20);
    race_line_up(&race, come_and_go, NULL);
    race_line_up(&race, come_and_go, NULL);
    race_line_up(&race, crowd, NULL);
    race_line_up(&race, resize, NULL);
    race_run(&race);
    race_require(told > asked / 2, "what was just deleted is mostly remembered");
    race_close(&race);
    return 0;
}

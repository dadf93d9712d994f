/* SPDX-License-Identifier: BSD-3-Clause */

/* Values are overwritten in place while they are read without a lock: what was confirmed is whole,
 * one version from end to end. */

#include "support/race.h"

#define KEYS  4u
#define BYTES 30000u

static void overwrite(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, KEYS);
    race_key(me->race->store, "k", id, &key);
    (void)race_set(me, &key, id, BYTES);
}

/* Misses only where reclaim took the item. */
static void peek(struct racer *me) {
    struct race_key key;
    struct cmstore_peek peek;
    uint32_t id = race_random(me, KEYS);
    race_key(me->race->store, "k", id, &key);
    cmstore_begin(me->thread);
    if (cmstore_peek(me->thread, &key.key, &peek) == CMSTORE_PEEK_HIT) {
        race_require(peek.item.value.bytes == BYTES, "a length is one that was stored");
        cmstore_copy(me->buffer, peek.item.value.data, BYTES);
        if (cmstore_confirm(me->thread, &peek))
            race_require(race_is_whole(me->buffer, id, BYTES), "a confirmed value is whole");
    }
    cmstore_end(me->thread);
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(64) << 20);
    race_line_up(&race, overwrite, NULL);
    race_line_up(&race, peek, NULL);
    race_line_up(&race, peek, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */

/* What is pinned stays as it was, chained or not, while its item is overwritten, deleted, evicted
 * and moved. */

#include "support/race.h"

#define KEYS 300u
#define HELD 6u

struct held {
    struct cmstore_pin pin;
    uint32_t id, version;
};

static size_t read_pinned(const struct cmstore_pin *pin, unsigned char *to) {
    size_t at = 0;
    for (;;) {
        struct cmstore_value part = cmstore_pin_part(pin, at);
        if (part.bytes == 0)
            return at;
        memcpy(to + at, part.data, part.bytes);
        at += part.bytes;
    }
}

static uint32_t version_of(struct racer *me, const struct held *held) {
    uint64_t seed;
    size_t bytes = read_pinned(&held->pin, me->buffer);
    race_require(race_is_whole(me->buffer, held->id, bytes), "a pinned value is whole");
    memcpy(&seed, me->buffer, 8);
    return (uint32_t)seed;
}

static void hold(struct racer *me) {
    struct race_key key;
    struct held *all = me->own = me->own ? me->own : calloc(HELD, sizeof *all);
    struct held *held = &all[race_random(me, HELD)];
    if (held->pin.item.outcome == CMSTORE_HIT) {
        race_require(version_of(me, held) == held->version, "a pinned value does not change");
        cmstore_unpin(&held->pin);
    }
    held->id = race_random(me, KEYS);
    race_key(me->race->store, "k", held->id, &key);
    race_require(cmstore_pin(me->thread, &key.key, NULL, &held->pin) == CM_OK, "a pin succeeds");
    if (held->pin.item.outcome == CMSTORE_HIT)
        held->version = version_of(me, held);
}

static void let_go(struct racer *me) {
    struct held *all = me->own;
    for (unsigned i = 0; all && i < HELD; i++)
        cmstore_unpin(&all[i].pin); /* a MISS is allowed */
    free(all);
}

static void change(struct racer *me) {
    struct race_key key;
    uint32_t id = race_random(me, KEYS), kind = race_random(me, 10);
    race_key(me->race->store, "k", id, &key);
    if (kind == 0)
        race_require(cmstore_delete(me->thread, &key.key, NULL, NULL) == CM_OK, "delete");
    else
        (void)race_set(me, &key, id, 8 * (3 + race_random(me, kind < 3 ? 5000 : 50)));
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(2) << 20);
    race_line_up(&race, hold, let_go);
    race_line_up(&race, hold, let_go);
    race_line_up(&race, change, NULL);
    race_line_up(&race, change, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

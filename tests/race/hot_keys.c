/* SPDX-License-Identifier: BSD-3-Clause */

/* Threads follow keys in lists too short for them, others read: every key that is shown is whole, and
 * its numbers are its own. */

#include "base/hash.h"
#include "metrics/hot.h"
#include "support/race.h"

#define WRITERS 3u
#define READERS 2u
#define HOT     4u
#define KEYS    400u
#define ROOM    12u

struct shared {
    struct cm_hot_group *group;
    struct cm_hot_turn turns[WRITERS];
    _Atomic uint32_t asked, shown;
};

/* Two seconds for as many requests as are all looked at. */
static uint32_t now_s(struct shared *shared) {
    return atomic_load(&shared->asked) / (CM_HOT_TAKEN_MAX / 2);
}

/* The number, a colon, and letters of which there are the more the greater the number. */
static size_t spell(uint32_t number, char *to) {
    const size_t bytes = 8 + number * (CM_HOT_KEY_BYTES - 8) / KEYS;
    char digits[16];
    memset(to, 'a' + (int)(number % 26), bytes);
    memcpy(to, digits, (size_t)snprintf(digits, sizeof digits, "%u:", (unsigned)number));
    return bytes;
}

static void ask(struct racer *me) {
    struct shared *shared = me->race->context;
    struct cm_hot_turn *turn = &shared->turns[me->number];
    const uint32_t clock_s = now_s(shared);
    char key[CM_HOT_KEY_BYTES];
    const uint32_t number = race_random(me, 3) == 0 ? race_random(me, HOT) : race_random(me, KEYS);
    const size_t bytes = spell(number, key);
    const struct cm_hot_request request = {.key = cm_slice(key, bytes),
                                           .hash = cm_hash(key, bytes, 1),
                                           .value_bytes = number,
                                           .writes = number % 2 == 1};
    atomic_fetch_add(&shared->asked, 1);
    if (turn->clock_s != clock_s)
        cm_hot_begin_second(turn, clock_s);
    if (cm_hot_is_due(turn))
        cm_hot_take(turn, &request);
}

static void check(const struct cm_hot_key *key) {
    char text[CM_HOT_KEY_BYTES], head[8] = "";
    memcpy(head, key->key, sizeof head - 1);
    const uint32_t number = (uint32_t)strtoul(head, NULL, 10);
    race_require(number < KEYS && key->key_bytes == spell(number, text) &&
                     memcmp(key->key, text, key->key_bytes) == 0,
                 "a key is whole");
    race_require(key->requests > 0 && key->error >= 0, "it was asked for");
    race_require(number % 2 == 1 || key->writes == 0, "its writes are its own");
}

static void read_list(struct racer *me) {
    struct shared *shared = me->race->context;
    struct cm_hot_list *list;
    race_require(cm_hot_read(shared->group, now_s(shared), KEYS, &list) == CM_OK, "a list");
    race_require(list->count <= WRITERS * ROOM, "no more than there is room for");
    for (unsigned i = 0; i < list->count; i++)
        check(&list->keys[i]);
    atomic_fetch_add(&shared->shown, list->count);
    cm_hot_list_destroy(list);
}

int main(void) {
    struct shared shared = {0};
    struct race race = {.context = &shared, .rounds_min = 3000};
    race_require(cm_hot_group_create(ROOM, &shared.group) == CM_OK, "a group");
    race_open(&race, CMSTORE_MEMORY_MIN);
    for (unsigned i = 0; i < WRITERS; i++) {
        race_require(cm_hot_join(shared.group, 0, &shared.turns[i]) == CM_OK, "a list");
        race_line_up(&race, ask, NULL);
    }
    for (unsigned i = 0; i < READERS; i++)
        race_line_up(&race, read_list, NULL);
    race_run(&race);
    read_list(&race.racers[WRITERS]); /* those before may have come too early */
    race_close(&race);
    race_require(atomic_load(&shared.shown) > 0, "keys were shown");
    cm_hot_group_destroy(shared.group);
    return 0;
}

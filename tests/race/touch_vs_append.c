/* SPDX-License-Identifier: BSD-3-Clause */

/* The expiry a touch has set stays, while somebody else appends to the item more than is done under
 * a lock. */

#include "support/race.h"

#define APPENDED ((size_t)40 << 10)

static void start_anew(struct racer *me, const struct race_key *key, uint32_t expires) {
    struct cmstore_store_options options = {.expires = expires};
    struct cmstore_value value = {me->buffer, APPENDED};
    race_require(cmstore_store(me->thread, &key->key, value, &options, NULL) == CM_OK,
                 "a set never fails");
}

static void append(struct racer *me) {
    struct cmstore_store_options options = {.mode = CMSTORE_APPEND};
    struct cmstore_value value = {me->buffer, APPENDED};
    struct race_key key;
    race_key(me->race->store, "k", 0, &key);
    enum cm_status status = cmstore_store(me->thread, &key.key, value, &options, NULL);
    race_require(status == CM_OK || status == CM_TOO_LARGE, "an append succeeds until it is full");
}

/* The only one who sets expiries. */
static void touch(struct racer *me) {
    static const struct cmstore_get_options looking = {.look = true};
    uint32_t expires = (uint32_t)me->rounds + 1000;
    struct cmstore_item item;
    struct cmstore_pin pin;
    struct race_key key;
    race_key(me->race->store, "k", 0, &key);
    if (me->rounds % 16 == 0)
        start_anew(me, &key, expires);
    race_require(cmstore_touch(me->thread, &key.key, expires, &item) == CM_OK, "a touch succeeds");
    if (item.outcome != CMSTORE_HIT)
        return;
    for (int looks = 0; looks < 3; looks++) {
        race_require(cmstore_pin(me->thread, &key.key, &looking, &pin) == CM_OK, "a pin succeeds");
        race_require(pin.item.outcome == CMSTORE_MISS || pin.item.expires == expires,
                     "an append leaves the expiry");
        cmstore_unpin(&pin);
    }
}

int main(void) {
    struct race race = {.ms = 1000};
    race_open(&race, UINT64_C(64) << 20);
    race_line_up(&race, touch, NULL);
    race_line_up(&race, append, NULL);
    race_run(&race);
    race_close(&race);
    return 0;
}

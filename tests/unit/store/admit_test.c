/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include "rig.h"

/* Into which log items go. */

static unsigned log_of(const struct rig *rig, const char *name) {
    struct cmstore_key key = rig_key(rig, name);
    struct cmstore_pin pin;
    assert_int_equal(cmstore_pin(rig->thread, &key, NULL, &pin), CM_OK);
    assert_int_equal(pin.item.outcome, CMSTORE_HIT);
    unsigned log = cm_arena_holder(&rig->store->arena, pin.private_head)->log;
    cmstore_unpin(&pin);
    return log;
}

/* A key the ghost remembers is let into the main log, though its value turns out to need chaining
 * and the store begins again. */
static void test_ghost_admits_chained(void **state) {
    (void)state;
    struct rig rig;
    char name[16];
    unsigned admitted = 0;
    rig_open(&rig, UINT64_C(2) << 20, 0);
    assert_int_equal(cmstore_set_policy(rig.thread, "s3fifo"), CM_OK);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(rig_set(&rig, name, 3000), CM_OK);
    }
    for (unsigned i = 2000; i-- > 1000;) {
        snprintf(name, sizeof name, "%u", i);
        uint64_t before = rig_counters(&rig).ghost_hits;
        if (rig_has(&rig, name))
            continue;
        assert_int_equal(rig_set(&rig, name, 3000), CM_OK);
        if (rig_counters(&rig).ghost_hits == before)
            continue;
        assert_int_equal(log_of(&rig, name), CM_LOG_MAIN);
        admitted++;
    }
    assert_true(admitted > 10);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ghost_admits_chained)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

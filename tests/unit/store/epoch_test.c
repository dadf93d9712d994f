/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/epoch.h"

#include "base/os/os.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct scene {
    struct cm_epoch epoch;
    _Atomic int waited;
};

static struct scene scene;

static int set_up(void **state) {
    (void)state;
    cm_epoch_init(&scene.epoch);
    atomic_store(&scene.waited, 0);
    return 0;
}

static void test_slots_run_out_and_come_back(void **state) {
    (void)state;
    for (int i = 0; i < CMSTORE_THREADS_MAX; i++)
        assert_int_equal(cm_epoch_take_slot(&scene.epoch), i);
    assert_int_equal(cm_epoch_take_slot(&scene.epoch), -1);
    cm_epoch_give_slot(&scene.epoch, 17);
    assert_int_equal(cm_epoch_take_slot(&scene.epoch), 17);
}

static void test_nobody_is_waited_for_when_offline(void **state) {
    (void)state;
    cm_epoch_wait(&scene.epoch);
    cm_epoch_enter(&scene.epoch, 3);
    cm_epoch_leave(&scene.epoch, 3);
    cm_epoch_wait(&scene.epoch);
}

static void wait_and_tell(void *context) {
    (void)context;
    cm_epoch_wait(&scene.epoch);
    atomic_store(&scene.waited, 1);
}

/* Whoever was online at the call is waited for; whoever enters later is not. */
static void test_waits_for_who_was_online(void **state) {
    (void)state;
    struct cm_os_thread waiter;
    uint64_t before = atomic_load(&scene.epoch.now);
    cm_epoch_enter(&scene.epoch, 0);
    assert_int_equal(cm_os_thread_start(&waiter, wait_and_tell, NULL, "waiter"), CM_OK);
    while (atomic_load(&scene.epoch.now) == before)
        cm_os_thread_yield();
    cm_epoch_enter(&scene.epoch, 1);
    for (int i = 0; i < 1000; i++) {
        cm_os_thread_yield();
        assert_int_equal(atomic_load(&scene.waited), 0);
    }
    cm_epoch_leave(&scene.epoch, 0);
    cm_os_thread_join(&waiter);
    assert_int_equal(atomic_load(&scene.waited), 1);
    cm_epoch_leave(&scene.epoch, 1);
}

/* Leaving and entering again is a quiescent point too. */
static void test_entering_again_is_enough(void **state) {
    (void)state;
    struct cm_os_thread waiter;
    uint64_t before = atomic_load(&scene.epoch.now);
    cm_epoch_enter(&scene.epoch, 0);
    assert_int_equal(cm_os_thread_start(&waiter, wait_and_tell, NULL, "waiter"), CM_OK);
    while (atomic_load(&scene.epoch.now) == before)
        cm_os_thread_yield();
    cm_epoch_leave(&scene.epoch, 0);
    cm_epoch_enter(&scene.epoch, 0);
    cm_os_thread_join(&waiter);
    cm_epoch_leave(&scene.epoch, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_slots_run_out_and_come_back, set_up),
        cmocka_unit_test_setup(test_nobody_is_waited_for_when_offline, set_up),
        cmocka_unit_test_setup(test_waits_for_who_was_online, set_up),
        cmocka_unit_test_setup(test_entering_again_is_enough, set_up),
    };
    return cmocka_run_group_tests_name("store/epoch", tests, NULL, NULL);
}

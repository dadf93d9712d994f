/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void test_limit(void **state) {
    (void)state;
    struct rig rig;
    cmstore_thread *threads[CMSTORE_THREADS_MAX], *more;
    rig_open(&rig, CMSTORE_MEMORY_MIN, 0);
    for (unsigned i = 1; i < CMSTORE_THREADS_MAX; i++)
        assert_int_equal(cmstore_attach(rig.store, &threads[i]), CM_OK);
    assert_int_equal(cmstore_attach(rig.store, &more), CM_TOO_MANY_THREADS);
    cmstore_detach(threads[7]);
    assert_int_equal(cmstore_attach(rig.store, &threads[7]), CM_OK);
    assert_int_equal(cmstore_attach(rig.store, &more), CM_TOO_MANY_THREADS);
    for (unsigned i = 1; i < CMSTORE_THREADS_MAX; i++)
        cmstore_detach(threads[i]);
    cmstore_detach(NULL);
    rig_close(&rig);
}

/* Calls in a batch and outside of it do the same; a batch may need room and get it. */
static void test_batches(void **state) {
    (void)state;
    struct rig rig;
    char key[16];
    rig_open(&rig, CMSTORE_MEMORY_MIN, 0);
    cmstore_begin(rig.thread);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(rig_set(&rig, key, 100), CM_OK);
        rig_expect(&rig, key, 100);
    }
    assert_int_equal(cmstore_set_memory(rig.thread, 2 * CMSTORE_MEMORY_MIN), CM_OK);
    assert_int_equal(cmstore_set_policy(rig.thread, "lru"), CM_OK);
    cmstore_flush(rig.thread, 0);
    assert_false(rig_has(&rig, key));
    cmstore_end(rig.thread);
    assert_true(rig_counters(&rig).evictions > 0);
    rig_close(&rig);
}

/* What a thread counted stays when it leaves. */
static void test_counts_outlive_threads(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, CMSTORE_MEMORY_MIN, 0);
    for (unsigned i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i);
        struct cmstore_key key = rig_key(&rig, name);
        cmstore_thread *thread;
        assert_int_equal(cmstore_attach(rig.store, &thread), CM_OK);
        struct cmstore_value value = {"x", 1};
        assert_int_equal(cmstore_store(thread, &key, value, NULL, NULL), CM_OK);
        cmstore_detach(thread);
    }
    assert_int_equal(rig_counters(&rig).items, 10);
    assert_int_equal(rig_counters(&rig).items_total, 10);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_counts_outlive_threads),
    };
    return cmocka_run_group_tests_name("store/thread", tests, NULL, NULL);
}

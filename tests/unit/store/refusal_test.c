/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/engine.h"

#include "rig.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* What the store does when the system, or the budget, gives it less than it asked for. */

#define MIB (UINT64_C(1) << 20)

static unsigned count_refused(const struct rig *rig, const char *prefix, unsigned count) {
    char name[32];
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%u", prefix, i);
        refused += rig_set(rig, name, 800) != CM_OK;
    }
    return refused;
}

/* The budget loses far more segments at once than one call frees in vain before it gives up. */
static void test_large_charge_evicts(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 8 * MIB, 0);
    assert_int_equal(count_refused(&rig, "before", 20000), 0);
    cmstore_charge(rig.store, 6 * (int64_t)MIB);
    assert_int_equal(count_refused(&rig, "after", 1000), 0);
    assert_true(rig_counters(&rig).memory_used <= 2 * MIB + MIB / 2);
    cmstore_charge(rig.store, -6 * (int64_t)MIB);
    rig_close(&rig);
}

/* No more memory behind the address space: what there is must do, until the limit is set again. */
static void test_refused_memory_evicts(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, 8 * MIB, 0);
    struct cm_region *data = &rig.store->arena.data;
    size_t reserved = data->reserved_bytes;
    data->reserved_bytes = 4 * MIB;
    assert_int_equal(count_refused(&rig, "before", 20000), 0);
    assert_true(rig_counters(&rig).memory_used <= 4 * MIB + MIB / 2);
    assert_true(rig_counters(&rig).evictions > 0);
    data->reserved_bytes = reserved;
    assert_int_equal(cmstore_set_memory(rig.thread, 8 * MIB), CM_OK);
    assert_int_equal(count_refused(&rig, "after", 20000), 0);
    assert_true(rig_counters(&rig).memory_used > 7 * MIB);
    rig_close(&rig);
}

/* However much is reserved, a slot can name every place. */
static void test_places_fit_slots(void **state) {
    (void)state;
    static struct cm_arena arena;
    if (cm_arena_init(&arena, MIB, UINT64_C(32) << 40) != CM_OK)
        skip(); /* not that much address space */
    uint64_t last = cm_arena_place(&arena, arena.segments_max, 0);
    assert_true(last <= CM_SLOT_PLACE_MASK - cm_arena_segment_bytes(&arena) / CM_UNIT_BYTES + 1);
    cm_arena_deinit(&arena);
}

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* In a process of its own: 0 if a store can be made in that much address space. */
static int create_within(uint64_t bytes) {
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {bytes, bytes};
        struct cmstore_options options = {.memory_bytes = 32 * MIB, .no_background = true};
        cmstore *store;
        _exit(setrlimit(RLIMIT_AS, &limit) || cmstore_create(&options, &store));
    }
    int result = -1;
    assert_true(child > 0 && waitpid(child, &result, 0) == child);
    return result;
}

/* A store that fits some address space fits any that is larger. */
static void test_any_address_space(void **state) {
    (void)state;
    if (create_within(UINT64_C(4) << 30) != 0)
        skip(); /* a sanitizer holds more than that already */
    for (uint64_t bytes = 256 * MIB; bytes < 4096 * MIB; bytes += bytes / 32) {
        assert_int_equal(create_within(bytes), 0);
    }
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_charge_evicts),
        cmocka_unit_test(test_refused_memory_evicts),
        cmocka_unit_test(test_places_fit_slots),
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_any_address_space),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

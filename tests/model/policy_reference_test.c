/* SPDX-License-Identifier: BSD-3-Clause */

/* Every policy of the engine, which acts on segments, against its exact item-level form
 * (bench/reference), on generated traces: the miss ratios must be close. */

#include "reference/generate.h"
#include "reference/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cacheman/store.h>
#include <stdio.h>

#define REQUESTS    400000u
#define KEYS        40000u
#define VALUE_BYTES 1000u
#define MEMORY      ((uint64_t)8 << 20)
#define SEED        7u

/* How far above its reference a policy may be, in thousandths of a miss. Below is fine: several
 * are, because the engine adopts segments while it fills. */
static const struct {
    const char *policy;
    int above_max;
} bounds[] = {
    {"fifo", 5},   {"clock", 5},       {"lru", 5},  {"lfu", 9},
    {"s3fifo", 7}, {"s3fifo-size", 7}, {"duel", 9},
};

struct outcome {
    uint64_t misses;
    uint64_t items; /* held at the end */
};

static struct outcome run_engine(const char *policy, const uint32_t *requests) {
    static char value[VALUE_BYTES];
    static char buffer[VALUE_BYTES];
    struct cmstore_options options = {
        .memory_bytes = MEMORY, .policy = policy, .no_background = true, .hash_seed = SEED};
    cmstore *store;
    cmstore_thread *thread;
    struct outcome outcome = {0};
    assert_int_equal(cmstore_create(&options, &store), CM_OK);
    assert_int_equal(cmstore_attach(store, &thread), CM_OK);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct cmstore_key key = cmstore_key(store, &requests[i], sizeof requests[i]);
        struct cmstore_item item;
        assert_int_equal(cmstore_get(thread, &key, NULL, buffer, sizeof buffer, &item), CM_OK);
        if (item.outcome == CMSTORE_HIT)
            continue;
        outcome.misses++;
        struct cmstore_value whole = {value, sizeof value};
        assert_int_equal(cmstore_store(thread, &key, whole, NULL, NULL), CM_OK);
    }
    struct cmstore_counters counters;
    cmstore_read_counters(store, &counters);
    outcome.items = counters.items;
    cmstore_detach(thread);
    cmstore_destroy(store);
    return outcome;
}

static uint64_t run_reference(const char *policy, const uint32_t *requests, uint64_t items) {
    struct cm_reference_options options = {.policy = policy, .capacity = items, .keys = KEYS};
    struct cm_reference *cache = cm_reference_create(&options);
    assert_non_null(cache);
    uint64_t misses = 0;
    for (size_t i = 0; i < REQUESTS; i++)
        misses += !cm_reference_request(cache, requests[i], 1);
    cm_reference_destroy(cache);
    return misses;
}

static void compare(enum cm_trace_kind kind) {
    uint32_t *requests = cm_trace_generate(kind, REQUESTS, KEYS, SEED);
    assert_non_null(requests);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct outcome engine = run_engine(bounds[i].policy, requests);
        uint64_t exact = run_reference(bounds[i].policy, requests, engine.items);
        int above = (int)((int64_t)(engine.misses - exact) * 1000 / (int64_t)REQUESTS);
        print_message("%s, %s: %.4f, exact %.4f with %d items\n", cm_trace_kind_name(kind),
                      bounds[i].policy, (double)engine.misses / REQUESTS, (double)exact / REQUESTS,
                      (int)engine.items);
        assert_true(above <= bounds[i].above_max);
    }
    free(requests);
}

static void test_zipf(void **state) {
    (void)state;
    compare(CM_TRACE_ZIPF);
}

static void test_scan(void **state) {
    (void)state;
    compare(CM_TRACE_SCAN);
}

static void test_loop(void **state) {
    (void)state;
    compare(CM_TRACE_LOOP);
}

static void test_shift(void **state) {
    (void)state;
    compare(CM_TRACE_SHIFT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zipf),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_loop),
        cmocka_unit_test(test_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

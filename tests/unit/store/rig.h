/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_UNIT_STORE_RIG_H
#define CM_TESTS_UNIT_STORE_RIG_H

/* A store, one thread, and short ways to say what is done with them. */

#include <cacheman/store.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_START_S 100u
#define RIG_VALUES  ((size_t)4 << 20)

struct rig {
    cmstore *store;
    cmstore_thread *thread;
    unsigned char *values; /* RIG_VALUES bytes to take values from */
    unsigned char *buffer; /* RIG_VALUES bytes to read into */
};

/* Without a background thread unless `options` says more than memory and item size. */
static inline void rig_open_with(struct rig *rig, const struct cmstore_options *options) {
    rig->values = malloc(RIG_VALUES);
    rig->buffer = malloc(RIG_VALUES);
    assert_non_null(rig->values);
    assert_non_null(rig->buffer);
    for (size_t i = 0; i < RIG_VALUES; i++)
        rig->values[i] = (unsigned char)(i * 7 + i / 251);
    assert_int_equal(cmstore_create(options, &rig->store), CM_OK);
    assert_int_equal(cmstore_attach(rig->store, &rig->thread), CM_OK);
}

static inline void rig_open(struct rig *rig, uint64_t memory_bytes, uint64_t item_bytes_max) {
    struct cmstore_options options = {
        .memory_bytes = memory_bytes,
        .item_bytes_max = item_bytes_max,
        .no_background = true,
        .hash_seed = 1,
        .clock_s = RIG_START_S,
    };
    rig_open_with(rig, &options);
}

static inline void rig_close(struct rig *rig) {
    cmstore_check(rig->thread);
    cmstore_detach(rig->thread);
    cmstore_destroy(rig->store);
    free(rig->values);
    free(rig->buffer);
}

static inline struct cmstore_key rig_key(const struct rig *rig, const char *key) {
    return cmstore_key(rig->store, key, strlen(key));
}

static inline enum cm_status rig_store(const struct rig *rig, const char *key, size_t bytes,
                                       const struct cmstore_store_options *options) {
    struct cmstore_key k = rig_key(rig, key);
    struct cmstore_value value = {rig->values, bytes};
    return cmstore_store(rig->thread, &k, value, options, NULL);
}

static inline enum cm_status rig_set(const struct rig *rig, const char *key, size_t bytes) {
    return rig_store(rig, key, bytes, NULL);
}

static inline void rig_set_text(const struct rig *rig, const char *key, const char *text) {
    struct cmstore_key k = rig_key(rig, key);
    struct cmstore_value value = {text, strlen(text)};
    assert_int_equal(cmstore_store(rig->thread, &k, value, NULL, NULL), CM_OK);
}

static inline struct cmstore_item rig_get(const struct rig *rig, const char *key) {
    struct cmstore_key k = rig_key(rig, key);
    struct cmstore_item item;
    assert_int_equal(cmstore_get(rig->thread, &k, NULL, rig->buffer, RIG_VALUES, &item), CM_OK);
    return item;
}

static inline bool rig_has(const struct rig *rig, const char *key) {
    return rig_get(rig, key).outcome == CMSTORE_HIT;
}

/* The item holds the first `bytes` of `values`. */
static inline void rig_expect(const struct rig *rig, const char *key, size_t bytes) {
    struct cmstore_item item = rig_get(rig, key);
    assert_int_equal(item.outcome, CMSTORE_HIT);
    assert_int_equal(item.value.bytes, bytes);
    assert_memory_equal(rig->buffer, rig->values, bytes);
}

static inline void rig_expect_text(const struct rig *rig, const char *key, const char *text) {
    struct cmstore_item item = rig_get(rig, key);
    assert_int_equal(item.outcome, CMSTORE_HIT);
    assert_int_equal(item.value.bytes, strlen(text));
    assert_memory_equal(rig->buffer, text, strlen(text));
}

static inline void rig_delete(const struct rig *rig, const char *key) {
    struct cmstore_key k = rig_key(rig, key);
    assert_int_equal(cmstore_delete(rig->thread, &k, NULL, NULL), CM_OK);
}

static inline struct cmstore_counters rig_counters(const struct rig *rig) {
    struct cmstore_counters counters;
    cmstore_read_counters(rig->store, &counters);
    return counters;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */

/* Every key lies where libmemcached, the library itself, says. */

#include "ring/ring.h"
#include <libmemcached/memcached.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define KEYS        100000
#define MEMBERS_MAX 40

struct list {
    size_t count;
    struct cm_ring_member members[MEMBERS_MAX];
};

static const struct list three = {
    3, {{"", "10.0.0.1", 11211, 1}, {"", "10.0.0.2", 11211, 1}, {"", "10.0.0.3", 11211, 1}}};
static const struct list ports = {5,
                                  {{"", "127.0.0.1", 16180, 1},
                                   {"", "127.0.0.1", 16181, 1},
                                   {"", "cache.example.org", 11211, 1},
                                   {"", "::1", 11212, 1},
                                   {"", "/run/cacheman.sock", 0, 1}}};
static const struct list weighted = {4,
                                     {{"", "10.0.1.1", 11211, 1},
                                      {"", "10.0.1.2", 11211, 2},
                                      {"", "10.0.1.3", 11212, 3},
                                      {"", "10.0.1.4", 11211, 10}}};
static const struct list lopsided = {
    3, {{"", "a", 11211, 1}, {"", "b", 11211, 1000}, {"", "c", 11211, 7}}};
static const struct list uneven = {7,
                                   {{"", "n1", 1, 600},
                                    {"", "n2", 2, 600},
                                    {"", "n3", 3, 333},
                                    {"", "n4", 4, 75},
                                    {"", "n5", 5, 13},
                                    {"", "n6", 6, 450},
                                    {"", "n7", 7, 999}}};

static void fill_many(struct list *many, char hosts[MEMBERS_MAX][32]) {
    many->count = MEMBERS_MAX;
    for (size_t i = 0; i < many->count; i++) {
        snprintf(hosts[i], sizeof hosts[i], "10.1.0.%u", (unsigned)i);
        many->members[i] = (struct cm_ring_member){"", hosts[i], 11211, (uint32_t)(1 + i * i % 17)};
    }
}

static memcached_st *open_theirs(const struct list *list, memcached_behavior_t behavior) {
    memcached_st *theirs = memcached_create(NULL);
    assert_non_null(theirs);
    if (behavior == MEMCACHED_BEHAVIOR_DISTRIBUTION)
        assert_int_equal(
            memcached_behavior_set(theirs, MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_FNV1A_32),
            MEMCACHED_SUCCESS);
    else
        assert_int_equal(memcached_behavior_set(theirs, behavior, 1), MEMCACHED_SUCCESS);
    for (size_t i = 0; i < list->count; i++) {
        const struct cm_ring_member *member = &list->members[i];
        const memcached_return_t added =
            member->port == 0
                ? memcached_server_add_unix_socket_with_weight(theirs, member->host, member->weight)
                : memcached_server_add_with_weight(theirs, member->host, member->port,
                                                   member->weight);
        assert_int_equal(added, MEMCACHED_SUCCESS);
    }
    return theirs;
}

static void compare(const struct list *list, enum cm_distribution distribution,
                    memcached_behavior_t behavior) {
    memcached_st *theirs = open_theirs(list, behavior);
    struct cm_ring *ours;
    assert_int_equal(cm_ring_create(distribution, list->members, list->count, &ours), CM_OK);
    for (unsigned i = 0; i < KEYS; i++) {
        char key[64];
        const int length =
            snprintf(key, sizeof key, i % 3 ? "user:%u:%x" : "%x-%u", i, i * 2654435761u);
        const uint32_t place = cm_ring_pick(ours, cm_slice(key, (size_t)length));
        if (place != memcached_generate_hash(theirs, key, (size_t)length))
            fail_msg("%s lies on %u of %zu, not where libmemcached looks for it", key, place,
                     list->count);
    }
    cm_ring_destroy(ours);
    memcached_free(theirs);
}

static void plain_ketama_is_libmemcacheds(void **state) {
    (void)state;
    compare(&three, CM_KETAMA_JENKINS, MEMCACHED_BEHAVIOR_KETAMA);
    compare(&ports, CM_KETAMA_JENKINS, MEMCACHED_BEHAVIOR_KETAMA);
}

static void a_weight_makes_ketama_weighted(void **state) {
    (void)state;
    compare(&weighted, CM_KETAMA_JENKINS, MEMCACHED_BEHAVIOR_KETAMA);
    compare(&uneven, CM_KETAMA_JENKINS, MEMCACHED_BEHAVIOR_KETAMA);
}

static void weighted_ketama_is_libmemcacheds(void **state) {
    (void)state;
    struct list many;
    char hosts[MEMBERS_MAX][32];
    fill_many(&many, hosts);
    const struct list *lists[] = {&three, &ports, &weighted, &lopsided, &uneven, &many};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        compare(lists[i], CM_KETAMA, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED);
}

static void modulo_is_libmemcacheds(void **state) {
    (void)state;
    compare(&three, CM_MODULO_FNV1A, MEMCACHED_BEHAVIOR_DISTRIBUTION);
    compare(&ports, CM_MODULO_FNV1A, MEMCACHED_BEHAVIOR_DISTRIBUTION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ketama_is_libmemcacheds),
        cmocka_unit_test(a_weight_makes_ketama_weighted),
        cmocka_unit_test(weighted_ketama_is_libmemcacheds),
        cmocka_unit_test(modulo_is_libmemcacheds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

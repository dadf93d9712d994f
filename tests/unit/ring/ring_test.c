/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS        100000
#define MEMBERS_MAX 16

struct rig {
    char names[MEMBERS_MAX][32];
    char hosts[MEMBERS_MAX][32];
    struct cm_ring_member members[MEMBERS_MAX];
};

static void rig_init(struct rig *rig) {
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        snprintf(rig->hosts[i], sizeof rig->hosts[i], "10.0.0.%u", (unsigned)i + 1);
        snprintf(rig->names[i], sizeof rig->names[i], "%.20s:11211", rig->hosts[i]);
        rig->members[i] = (struct cm_ring_member){rig->names[i], rig->hosts[i], 11211, 1};
    }
}

static struct cm_ring *make(const struct rig *rig, enum cm_distribution distribution,
                            size_t count) {
    struct cm_ring *ring;
    assert_int_equal(cm_ring_create(distribution, rig->members, count, &ring), CM_OK);
    return ring;
}

static struct cm_slice key_of(unsigned number, char to[32]) {
    return cm_slice(to, (size_t)snprintf(to, 32, "key:%u", number));
}

/* The keys of `a` that lie elsewhere in `b`; where both have the server, they may only move to or
 * from `only`, if that is one. */
static unsigned moved(const struct cm_ring *a, const struct cm_ring *b, uint32_t only) {
    unsigned count = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char text[32];
        const uint32_t before = cm_ring_pick(a, key_of(i, text));
        const uint32_t after = cm_ring_pick(b, key_of(i, text));
        count += before != after;
        if (only < MEMBERS_MAX && before != after)
            assert_true(before == only || after == only);
    }
    return count;
}

static void share(const struct cm_ring *ring, unsigned counts[MEMBERS_MAX]) {
    memset(counts, 0, MEMBERS_MAX * sizeof *counts);
    for (unsigned i = 0; i < KEYS; i++) {
        char text[32];
        counts[cm_ring_pick(ring, key_of(i, text))]++;
    }
}

static void names_are_found(void **state) {
    (void)state;
    enum cm_distribution distribution;
    const char *name, *text;
    size_t count = 0;
    for (; (name = cm_distribution_name(count, &text)) != NULL; count++) {
        assert_true(cm_distribution_by_name(cm_slice(name, strlen(name)), &distribution));
        assert_int_equal(distribution, count);
        assert_true(strlen(text) > 10);
    }
    assert_int_equal(count, 4);
    assert_false(cm_distribution_by_name(CM_SLICE("ketam"), &distribution));
    assert_false(cm_distribution_by_name(CM_SLICE(""), &distribution));
}

/* Places are a promise to other processes, other versions and other languages. */
static void places_do_not_change(void **state) {
    (void)state;
    static const uint32_t places[][8] = {
        [CM_RENDEZVOUS] = {0, 2, 1, 9, 6, 5, 7, 7},
        [CM_MODULO_FNV1A] = {8, 7, 0, 9, 4, 3, 6, 5},
    };
    struct rig rig;
    rig_init(&rig);
    for (size_t d = 0; d < 4; d += 3) {
        struct cm_ring *ring = make(&rig, (enum cm_distribution)d, 10);
        for (unsigned i = 0; i < 8; i++) {
            char text[32];
            assert_int_equal(cm_ring_pick(ring, key_of(i, text)), places[d][i]);
        }
        cm_ring_destroy(ring);
    }
}

static void rendezvous_moves_only_to_the_new(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct cm_ring *ten = make(&rig, CM_RENDEZVOUS, 10), *eleven = make(&rig, CM_RENDEZVOUS, 11);
    const unsigned count = moved(ten, eleven, 10);
    assert_in_range(count, KEYS / 11 * 95 / 100, KEYS / 11 * 105 / 100);
    cm_ring_destroy(ten);
    cm_ring_destroy(eleven);
}

static void a_changed_weight_moves_only_its_own(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct cm_ring *even = make(&rig, CM_RENDEZVOUS, 10);
    rig.members[3].weight = 4;
    struct cm_ring *heavy = make(&rig, CM_RENDEZVOUS, 10);
    rig.members[5].weight = 2;
    struct cm_ring *heavier = make(&rig, CM_RENDEZVOUS, 10);
    assert_true(moved(even, heavy, 3) > 0);
    assert_true(moved(heavy, heavier, 5) > 0);
    cm_ring_destroy(even);
    cm_ring_destroy(heavy);
    cm_ring_destroy(heavier);
}

static void order_of_members_does_not_matter_to_rendezvous(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct cm_ring *ring = make(&rig, CM_RENDEZVOUS, 8);
    struct cm_ring_member turned[8];
    for (size_t i = 0; i < 8; i++)
        turned[i] = rig.members[7 - i];
    struct cm_ring *other;
    assert_int_equal(cm_ring_create(CM_RENDEZVOUS, turned, 8, &other), CM_OK);
    for (unsigned i = 0; i < 1000; i++) {
        char text[32];
        assert_int_equal(cm_ring_pick(ring, key_of(i, text)),
                         7 - cm_ring_pick(other, key_of(i, text)));
    }
    cm_ring_destroy(ring);
    cm_ring_destroy(other);
}

/* Shares within what chance and the number of points allow, in hundredths of the fair share. */
static void shares_follow_weights(void **state) {
    (void)state;
    static const struct {
        enum cm_distribution distribution;
        unsigned low, high;
    } rows[] = {{CM_RENDEZVOUS, 96, 104}, {CM_KETAMA, 75, 130}, {CM_MODULO_FNV1A, 96, 104}};
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < 8; i++)
        rig.members[i].weight = (uint32_t)i % 4 + 1;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        unsigned counts[MEMBERS_MAX];
        struct cm_ring *ring = make(&rig, rows[r].distribution, 8);
        share(ring, counts);
        for (size_t i = 0; i < 8; i++) {
            const unsigned fair = KEYS * rig.members[i].weight / 20;
            assert_in_range(counts[i], fair * rows[r].low / 100, fair * rows[r].high / 100);
        }
        cm_ring_destroy(ring);
    }
}

static void expect_order(const struct cm_ring *ring, size_t count) {
    for (unsigned i = 0; i < 500; i++) {
        char text[32];
        uint32_t all[MEMBERS_MAX], some[MEMBERS_MAX];
        const struct cm_slice key = key_of(i, text);
        assert_int_equal(cm_ring_order(ring, key, all, MEMBERS_MAX), count);
        assert_int_equal(all[0], cm_ring_pick(ring, key));
        unsigned seen = 0;
        for (size_t k = 0; k < count; k++)
            seen |= 1u << all[k];
        assert_int_equal(seen, (1u << count) - 1);
        for (size_t room = 0; room <= count; room++) {
            assert_int_equal(cm_ring_order(ring, key, some, room), room);
            assert_memory_equal(some, all, room * sizeof *some);
        }
    }
}

static void an_order_names_each_once(void **state) {
    (void)state;
    struct rig rig;
    rig_init(&rig);
    for (unsigned heavy = 1; heavy < 6; heavy += 4) {
        rig.members[1].weight = heavy;
        for (enum cm_distribution d = CM_RENDEZVOUS; d <= CM_MODULO_FNV1A; d++) {
            for (size_t count = 1; count <= 9; count += 4) {
                struct cm_ring *ring = make(&rig, d, count);
                expect_order(ring, count);
                cm_ring_destroy(ring);
            }
        }
    }
}

/* Failing over is what would happen if the server were taken out. */
static void the_second_is_who_would_be_first(void **state) {
    (void)state;
    static const enum cm_distribution consistent[] = {CM_RENDEZVOUS, CM_KETAMA_JENKINS};
    struct rig rig;
    rig_init(&rig);
    for (size_t d = 0; d < 2; d++) {
        struct cm_ring *all = make(&rig, consistent[d], 7), *less = make(&rig, consistent[d], 6);
        for (unsigned i = 0; i < 5000; i++) {
            char text[32];
            uint32_t two[2];
            const struct cm_slice key = key_of(i, text);
            assert_int_equal(cm_ring_order(all, key, two, 2), 2);
            assert_int_equal(cm_ring_pick(less, key), two[0] == 6 ? two[1] : two[0]);
        }
        cm_ring_destroy(all);
        cm_ring_destroy(less);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(places_do_not_change),
        cmocka_unit_test(rendezvous_moves_only_to_the_new),
        cmocka_unit_test(a_changed_weight_moves_only_its_own),
        cmocka_unit_test(order_of_members_does_not_matter_to_rendezvous),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(an_order_names_each_once),
        cmocka_unit_test(the_second_is_who_would_be_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

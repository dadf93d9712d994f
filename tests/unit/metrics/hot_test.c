/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"
#include "base/random.h"
#include "metrics/hot.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 128, THREADS_MAX = 4, NAMES_MAX = 300, NOW = 1000 };

struct rig {
    struct cm_hot_group *group;
    struct cm_hot_turn turns[THREADS_MAX];
    uint32_t now_s;
    uint64_t taken;
};

static void open_rig(struct rig *rig, unsigned keys, unsigned threads) {
    *rig = (struct rig){.now_s = NOW};
    assert_int_equal(cm_hot_group_create(keys, &rig->group), CM_OK);
    for (unsigned i = 0; i < threads; i++)
        assert_int_equal(cm_hot_join(rig->group, rig->now_s, &rig->turns[i]), CM_OK);
}

static void close_rig(struct rig *rig) {
    cm_hot_group_destroy(rig->group);
}

/* As a worker does. */
static void ask(struct rig *rig, unsigned thread, const struct cm_hot_request *request) {
    struct cm_hot_turn *turn = &rig->turns[thread];
    if (turn->clock_s != rig->now_s)
        cm_hot_begin_second(turn, rig->now_s);
    if (cm_hot_is_due(turn)) {
        cm_hot_take(turn, request);
        rig->taken++;
    }
}

static struct cm_hot_request request_for(const char *key) {
    const size_t bytes = strlen(key);
    return (struct cm_hot_request){.key = cm_slice(key, bytes), .hash = cm_hash(key, bytes, 1)};
}

static void ask_for(struct rig *rig, unsigned thread, const char *key) {
    const struct cm_hot_request request = request_for(key);
    ask(rig, thread, &request);
}

static void ask_for_number(struct rig *rig, unsigned thread, uint64_t number) {
    char key[32];
    snprintf(key, sizeof key, "key-%llu", (unsigned long long)number);
    ask_for(rig, thread, key);
}

static struct cm_hot_list *read_list(struct rig *rig, unsigned max) {
    struct cm_hot_list *list = NULL;
    assert_int_equal(cm_hot_read(rig->group, rig->now_s, max, &list), CM_OK);
    return list;
}

static bool is(const struct cm_hot_key *key, const char *name) {
    return key->key_bytes == strlen(name) && memcmp(key->key, name, key->key_bytes) == 0;
}

static const struct cm_hot_key *find(const struct cm_hot_list *list, const char *name) {
    for (unsigned i = 0; i < list->count; i++) {
        if (is(&list->keys[i], name))
            return &list->keys[i];
    }
    return NULL;
}

static const struct cm_hot_key *find_number(const struct cm_hot_list *list, uint64_t number) {
    char key[32];
    snprintf(key, sizeof key, "key-%llu", (unsigned long long)number);
    return find(list, key);
}

static bool is_near(double a, double b, double ratio) {
    return fabs(a - b) <= ratio * fmax(fabs(a), fabs(b));
}

static void few_requests_are_counted_exactly(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    struct cm_hot_request write = request_for("b");
    write.writes = true;
    write.value_bytes = 700;
    struct cm_hot_request miss = request_for("a");
    miss.misses = true;
    for (unsigned i = 0; i < 5; i++)
        ask(&rig, 0, &write);
    for (unsigned i = 0; i < 3; i++)
        ask(&rig, 0, &miss);
    ask_for(&rig, 0, "c");
    ask(&rig, 0, NULL); /* for no key */
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_int_equal(list->count, 2); /* once is not hot */
    assert_true(list->requests == 9 && list->seconds == 1);
    const struct cm_hot_key *b = &list->keys[0], *a = &list->keys[1];
    assert_true(is(b, "b") && is(a, "a"));
    assert_true(b->requests == 5 && b->writes == 5 && b->misses == 0 && b->value_bytes == 3500);
    assert_true(a->requests == 3 && a->writes == 0 && a->misses == 3 && a->value_bytes == 0);
    assert_true(a->error == 0 && b->error == 0);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

static void no_more_are_shown_than_asked_for(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    for (unsigned i = 0; i < 100; i++)
        ask_for_number(&rig, 0, i % (i < 50 ? 5 : 10));
    struct cm_hot_list *list = read_list(&rig, 7);
    assert_int_equal(list->count, 7);
    for (unsigned i = 0; i < 7; i++) /* equals by their keys */
        assert_true(list->keys[i].requests == (i < 5 ? 15 : 5));
    assert_true(is(&list->keys[0], "key-0") && is(&list->keys[6], "key-6"));
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

static void counts_halve_in_half_a_life(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    for (unsigned i = 0; i < 64; i++)
        ask_for(&rig, 0, "old");
    rig.now_s += CM_HOT_HALF_LIFE_S;
    struct cm_hot_list *list = read_list(&rig, 10); /* though nobody came since */
    assert_true(is_near(list->keys[0].requests, 32, 1e-5) && is_near(list->requests, 32, 1e-5));
    cm_hot_list_destroy(list);
    rig.now_s += CM_HOT_HALF_LIFE_S;
    for (unsigned i = 0; i < 17; i++)
        ask_for(&rig, 0, "new");
    list = read_list(&rig, 10);
    assert_int_equal(list->count, 2);
    assert_true(is(&list->keys[0], "new") && list->keys[0].requests == 17);
    assert_true(is(&list->keys[1], "old") && is_near(list->keys[1].requests, 16, 1e-5));
    cm_hot_list_destroy(list);
    rig.now_s += 100 * CM_HOT_HALF_LIFE_S;
    list = read_list(&rig, 10);
    assert_int_equal(list->count, 0);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

/* A rate is a count by the seconds, however long it has been so. */
static void seconds_age_as_counts_do(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 2);
    for (unsigned second = 0; second < 200; second++, rig.now_s++) {
        for (unsigned i = 0; i < 20; i++)
            ask_for(&rig, i % 2, "steady");
        struct cm_hot_list *list = read_list(&rig, 10);
        assert_true(is_near(list->keys[0].requests / list->seconds, 20, 1e-3));
        cm_hot_list_destroy(list);
    }
    close_rig(&rig);
}

static void a_clock_that_goes_back_ages_nothing(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    ask_for(&rig, 0, "a");
    rig.now_s -= 500;
    ask_for(&rig, 0, "a");
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_true(list->keys[0].requests == 2 && list->seconds == 1);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

static void threads_are_merged(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, 2, 3);
    for (unsigned i = 0; i < 100; i++)
        ask_for(&rig, i % 2, "both");
    for (unsigned i = 0; i < 40; i++)
        ask_for(&rig, 2, "one");
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_int_equal(list->count, 2);
    assert_true(list->requests == 140);
    assert_true(is(&list->keys[0], "both") && list->keys[0].requests == 100);
    assert_true(is(&list->keys[1], "one") && list->keys[1].requests == 40);
    assert_true(list->keys[0].error == 0 && list->keys[1].error == 0);
    cm_hot_list_destroy(list);
    for (unsigned i = 0; i < 60; i++) { /* no room: counted in the cell alone */
        ask_for(&rig, 0, "x");
        ask_for(&rig, 0, "y");
    }
    for (unsigned i = 0; i < 50; i++)
        ask_for(&rig, 0, "one");
    list = read_list(&rig, 10);
    const struct cm_hot_key *one = find(list, "one");
    assert_non_null(one);
    assert_true(one->requests <= 90 && one->requests + one->error >= 90);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

/* Whatever is said of a key is true within its error, and what must be there is. */
static void check_against(const struct rig *rig, const struct cm_hot_list *list,
                          const double *exact, double room) {
    double total = 0;
    for (unsigned i = 0; i < NAMES_MAX; i++)
        total += exact[i];
    assert_true(is_near(list->requests, total, 1e-3));
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        const struct cm_hot_key *key = find_number(list, i);
        const double slack = 1e-3 * total / NAMES_MAX + 1e-3 * exact[i];
        if (key == NULL) {
            assert_true(exact[i] <= 4 * total / room || exact[i] <= 1 + slack);
            continue;
        }
        assert_true(exact[i] >= key->requests - key->error - slack);
        assert_true(exact[i] <= key->requests + key->error + slack);
    }
    for (unsigned i = 1; i < list->count; i++)
        assert_true(list->keys[i - 1].requests >= list->keys[i].requests);
    (void)rig;
}

static void random_requests_are_bounded(unsigned room, unsigned threads, double exponent,
                                        uint64_t seed) {
    struct rig rig;
    struct cm_random random;
    struct cm_zipf zipf;
    double exact[NAMES_MAX] = {0};
    const double of_one = exp2(-1.0 / CM_HOT_HALF_LIFE_S);
    open_rig(&rig, room, threads);
    cm_random_init(&random, seed);
    cm_zipf_init(&zipf, exponent, NAMES_MAX);
    for (unsigned second = 0; second < 60; second++) {
        const unsigned shift = second / 20 * 37; /* others become hot */
        for (unsigned i = cm_random_below(&random, CM_HOT_TAKEN_MAX - 1); i > 0; i--) {
            const unsigned number = (cm_zipf_next(&zipf, &random) + shift) % NAMES_MAX;
            ask_for_number(&rig, cm_random_below(&random, threads), number);
            exact[number]++;
        }
        struct cm_hot_list *list = read_list(&rig, NAMES_MAX);
        check_against(&rig, list, exact, room);
        cm_hot_list_destroy(list);
        const unsigned passed = 1 + (cm_random_below(&random, 8) == 0 ? 7 : 0);
        rig.now_s += passed;
        for (unsigned i = 0; i < NAMES_MAX; i++)
            exact[i] *= pow(of_one, passed);
    }
    close_rig(&rig);
}

static void bounds_hold_for_random_requests(void **state) {
    (void)state;
    random_requests_are_bounded(16, 1, 1.0, 1);
    random_requests_are_bounded(64, 1, 0.7, 2);
    random_requests_are_bounded(32, 3, 1.2, 3);
    random_requests_are_bounded(1, 2, 1.5, 4);
    random_requests_are_bounded(100, 4, 0.99, 5);
}

/* The hottest of many keys, in their order, at a rate where few requests are looked at. */
static void the_hottest_of_many_are_found(void **state) {
    (void)state;
    enum { MANY = 1000000, SECONDS = 4, A_SECOND = 400000, SURE = 20 };
    struct rig rig;
    struct cm_random random;
    struct cm_zipf zipf;
    unsigned exact[2 * SURE] = {0};
    open_rig(&rig, KEYS, 2);
    cm_random_init(&random, 7);
    cm_zipf_init(&zipf, 1.0, MANY);
    for (unsigned i = 0; i < SECONDS * A_SECOND; i++) {
        const uint32_t rank = cm_zipf_next(&zipf, &random);
        if (i % A_SECOND == 0 && i > 0)
            rig.now_s++;
        if (rank < 2 * SURE)
            exact[rank]++;
        ask_for_number(&rig, i % 2, rank);
    }
    struct cm_hot_list *list = read_list(&rig, 100);
    assert_true(list->count >= SURE);
    for (unsigned i = 0; i < SURE; i++) {
        const struct cm_hot_key *key = find_number(list, i);
        assert_non_null(key);
        const double share = (double)exact[i] / (SECONDS * A_SECOND);
        assert_true(is_near(key->requests / list->requests, share, 0.25));
    }
    assert_true(is(&list->keys[0], "key-0"));
    assert_true(is_near(list->requests / list->seconds, A_SECOND, 0.1));
    /* T3: a second has no more of them, but for the first, in which the rate is found out. */
    assert_true(rig.taken <= 2 * (SECONDS + 8) * CM_HOT_TAKEN_MAX);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

static void keys_asked_for_once_are_never_hot(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 2);
    for (uint64_t i = 0; i < 2000000; i++) {
        if (i % 3000 == 0)
            rig.now_s += i < 600000; /* all looked at, then one in many */
        ask_for_number(&rig, i % 2, i);
        if (i % 50000 == 49999) {
            struct cm_hot_list *list = read_list(&rig, 10);
            assert_int_equal(list->count, 0);
            cm_hot_list_destroy(list);
        }
    }
    close_rig(&rig);
}

static void keys_that_are_all_alike_are_not_hot(void **state) {
    (void)state;
    struct rig rig;
    struct cm_random random;
    open_rig(&rig, KEYS, 1);
    cm_random_init(&random, 3);
    for (unsigned i = 0; i < 1000000; i++) {
        rig.now_s += i % 3500 == 0;
        ask_for_number(&rig, 0, cm_random_below(&random, 20000));
    }
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_int_equal(list->count, 0);
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

/* One among strangers: what they leave in its cell must not hide it. */
static void a_hot_key_is_found_among_strangers(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    for (uint64_t i = 0; i < 300000; i++) {
        rig.now_s += i % 3500 == 0;
        if (i % 100 == 0)
            ask_for(&rig, 0, "hot");
        else
            ask_for_number(&rig, 0, i);
    }
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_int_equal(list->count, 1);
    assert_true(is(&list->keys[0], "hot"));
    assert_true(is_near(list->keys[0].requests / list->requests, 0.01, 0.1));
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

/* Keys in turn, as loops ask for them, whatever their number is to that of the requests passed by. */
static void periods_do_not_fool_it(void **state) {
    (void)state;
    for (unsigned period = 2; period <= 64; period *= 2) {
        struct rig rig;
        open_rig(&rig, KEYS, 1);
        for (unsigned i = 0; i < 1000000; i++)
            ask_for_number(&rig, 0, i % period);
        struct cm_hot_list *list = read_list(&rig, 100);
        assert_int_equal(list->count, period);
        assert_true(is_near(list->requests, 1e6, 0.05));
        for (unsigned i = 0; i < period; i++)
            assert_true(is_near(list->keys[i].requests, 1e6 / period, 0.35));
        cm_hot_list_destroy(list);
        close_rig(&rig);
    }
}

static void after_a_storm_every_request_counts_again(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, KEYS, 1);
    for (unsigned i = 0; i < 3000000; i++)
        ask_for_number(&rig, 0, i);
    rig.now_s += 2;
    rig.taken = 0;
    for (unsigned i = 0; i < 100; i++)
        ask_for(&rig, 0, "calm");
    assert_int_equal(rig.taken, 100);
    rig.now_s += 20 * CM_HOT_HALF_LIFE_S;
    for (unsigned i = 0; i < 100; i++)
        ask_for(&rig, 0, "calm");
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_int_equal(list->count, 1);
    assert_true(is_near(list->keys[0].requests, 100, 1e-3));
    cm_hot_list_destroy(list);
    close_rig(&rig);
}

static void long_keys_are_whole(void **state) {
    (void)state;
    struct rig rig;
    char longest[CM_HOT_KEY_BYTES + 2];
    open_rig(&rig, 1, 1);
    memset(longest, 'x', sizeof longest);
    for (size_t bytes = CM_HOT_KEY_BYTES + 1; bytes >= CM_HOT_KEY_BYTES; bytes--) {
        longest[bytes] = '\0';
        ask_for(&rig, 0, longest);
        ask_for(&rig, 0, longest);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct cm_hot_list *list = read_list(&rig, 10);
        assert_int_equal(list->count, 1); /* what is longer than a key can be is none */
        assert_true(is(&list->keys[0], longest));
        cm_hot_list_destroy(list);
        strcpy(longest, "short"); /* nothing is left of the longer one */
        rig.now_s += 1000;
        for (unsigned j = 0; j < 3; j++)
            ask_for(&rig, 0, longest);
    }
    close_rig(&rig);
}

static void without_room_nothing_is_followed(void **state) {
    (void)state;
    struct rig rig;
    open_rig(&rig, 0, 2);
    assert_false(cm_hot_is_on(rig.group));
    for (unsigned i = 0; i < 100; i++)
        ask_for(&rig, 0, "a");
    rig.turns[0].left = 1;
    ask_for(&rig, 0, "a");
    rig.now_s++;
    ask_for(&rig, 0, "a");
    struct cm_hot_list *list = read_list(&rig, 10);
    assert_true(list->count == 0 && list->requests == 0);
    cm_hot_list_destroy(list);
    close_rig(&rig);
    cm_hot_group_destroy(NULL);
    cm_hot_list_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_requests_are_counted_exactly),
        cmocka_unit_test(no_more_are_shown_than_asked_for),
        cmocka_unit_test(counts_halve_in_half_a_life),
        cmocka_unit_test(seconds_age_as_counts_do),
        cmocka_unit_test(a_clock_that_goes_back_ages_nothing),
        cmocka_unit_test(threads_are_merged),
        cmocka_unit_test(bounds_hold_for_random_requests),
        cmocka_unit_test(the_hottest_of_many_are_found),
        cmocka_unit_test(keys_asked_for_once_are_never_hot),
        cmocka_unit_test(keys_that_are_all_alike_are_not_hot),
        cmocka_unit_test(a_hot_key_is_found_among_strangers),
        cmocka_unit_test(periods_do_not_fool_it),
        cmocka_unit_test(after_a_storm_every_request_counts_again),
        cmocka_unit_test(long_keys_are_whole),
        cmocka_unit_test(without_room_nothing_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

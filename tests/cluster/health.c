/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"
#include <stdatomic.h>

/* Servers that are killed, frozen, restarted, added and removed while threads read and write. What
 * is read must always be a value of that key, whole; a call must end within its deadline, for which
 * a generous multiple is allowed, since the machine may be busy. */

#define SERVERS 5
#define KEYS    2000
#define THREADS 3
/* A call that takes as long has not kept to its deadline, whatever else the machine does. */
#define LATE_NS 20000000000u

struct load {
    cacheman *client;
    atomic_bool ends;
    atomic_uint_fast64_t hits, misses, stored, lost, wrong, late;
    struct cm_os_thread threads[THREADS];
    struct load_thread {
        struct load *load;
        uint32_t chance;
    } each[THREADS];
};

static unsigned draw(struct load_thread *thread, unsigned below) {
    thread->chance = thread->chance * 1664525u + 1013904223u;
    return (thread->chance >> 8) % below;
}

/* A value tells its key, and is as long as it says. */
static size_t make_value(unsigned key, unsigned version, char *to) {
    const size_t filling = version % 200;
    const int head = sprintf(to, "key:%u:%u:%zu:", key, version, filling);
    memset(to + head, 'a' + (int)(version % 26), filling);
    return (size_t)head + filling;
}

static bool is_right(unsigned key, struct cacheman_bytes value) {
    char expected[300];
    unsigned version;
    if (sscanf(value.data, "key:%*u:%u:", &version) != 1)
        return false;
    return make_value(key, version, expected) == value.bytes &&
           memcmp(expected, value.data, value.bytes) == 0;
}

static void note(struct load *load, unsigned key, const struct cacheman_result *result) {
    if (result->outcome == CACHEMAN_HIT && !is_right(key, result->value))
        atomic_fetch_add(&load->wrong, 1);
    if (result->status != CM_OK)
        atomic_fetch_add(&load->lost, 1);
    else if (result->outcome == CACHEMAN_HIT)
        atomic_fetch_add(&load->hits, 1);
    else if (result->outcome == CACHEMAN_STORED)
        atomic_fetch_add(&load->stored, 1);
    else
        atomic_fetch_add(&load->misses, 1);
}

#define BATCH 8

static void run_batch(struct load_thread *thread) {
    struct load *load = thread->load;
    struct cacheman_request requests[BATCH];
    struct cacheman_result results[BATCH];
    char names[BATCH][16], values[BATCH][300];
    unsigned keys[BATCH];
    const struct cacheman_call call = {requests, BATCH, results, 0};
    for (unsigned i = 0; i < BATCH; i++) {
        keys[i] = draw(thread, KEYS);
        sprintf(names[i], "k%u", keys[i]);
        requests[i] =
            (struct cacheman_request){.verb = draw(thread, 3) == 0 ? CACHEMAN_SET : CACHEMAN_GET,
                                      .key = cacheman_text(names[i])};
        requests[i].value =
            cacheman_bytes(values[i], make_value(keys[i], draw(thread, 100000), values[i]));
    }
    const uint64_t begin = cm_os_monotonic_ns();
    if (cacheman_run(load->client, &call) != CM_OK)
        cm_os_thread_yield();
    if (cm_os_monotonic_ns() - begin > LATE_NS)
        atomic_fetch_add(&load->late, 1);
    for (unsigned i = 0; i < BATCH; i++)
        note(load, keys[i], &results[i]);
    cacheman_release(results, BATCH);
}

static void load_main(void *context) {
    struct load_thread *thread = context;
    while (!atomic_load(&thread->load->ends))
        run_batch(thread);
}

static void load_start(struct load *load, cacheman *client) {
    *load = (struct load){.client = client};
    for (unsigned i = 0; i < THREADS; i++) {
        load->each[i] = (struct load_thread){load, i + 1};
        assert_int_equal(cm_os_thread_start(&load->threads[i], load_main, &load->each[i], "load"),
                         CM_OK);
    }
}

static void load_end(struct load *load) {
    atomic_store(&load->ends, true);
    for (unsigned i = 0; i < THREADS; i++)
        cm_os_thread_join(&load->threads[i]);
    assert_int_equal(atomic_load(&load->wrong), 0);
    assert_int_equal(atomic_load(&load->late), 0);
}

/* Waits until so many more calls have succeeded: the rest of the cluster goes on. */
static void await_progress(struct load *load) {
    const uint64_t hits = atomic_load(&load->hits), stored = atomic_load(&load->stored);
    CLUSTER_WAIT(atomic_load(&load->hits) > hits + 500 &&
                 atomic_load(&load->stored) > stored + 500);
}

CLUSTER_OF(SERVERS)

#define OPTIONS "timeout=500ms&connect_timeout=500ms&retry=20ms&retry_max=100ms"

static void torture(const char *options) {
    char text[256];
    struct load load;
    snprintf(text, sizeof text, OPTIONS "&%s", options);
    cacheman *client = cluster_open(&cluster, text);
    load_start(&load, client);
    await_progress(&load);
    cluster_kill(&cluster, 1);
    CLUSTER_WAIT(cluster_health_count(client, CACHEMAN_DOWN) == 1);
    await_progress(&load);
    cluster_signal(&cluster, 2, SIGSTOP);
    CLUSTER_WAIT(cluster_health_count(client, CACHEMAN_DOWN) == 2);
    await_progress(&load);
    cluster_start(&cluster, 1);
    CLUSTER_WAIT(cluster_health_count(client, CACHEMAN_DOWN) == 1);
    await_progress(&load);
    cluster_signal(&cluster, 2, SIGCONT);
    CLUSTER_WAIT(cluster_health_count(client, CACHEMAN_UP) == SERVERS);
    await_progress(&load);
    cluster_kill(&cluster, 3); /* and back before anybody may have noticed */
    cluster_start(&cluster, 3);
    await_progress(&load);
    CLUSTER_WAIT(cluster_health_count(client, CACHEMAN_UP) == SERVERS);
    load_end(&load);
    cacheman_close(client);
}

static void servers_die_and_their_keys_miss(void **state) {
    (void)state;
    torture("dead=miss");
}

static void servers_die_and_others_take_over(void **state) {
    (void)state;
    torture("dead=failover&distribution=ketama");
}

static void servers_die_and_replicas_stay(void **state) {
    (void)state;
    torture("replicas=2");
}

static void servers_die_in_classic_text(void **state) {
    (void)state;
    torture("protocol=text&dead=failover&distribution=modulo-fnv1a");
}

/* The cluster file changes while the load goes on; with a warm-up items move between servers. */
static void come_and_go(const char *options) {
    static const unsigned sets[] = {0x1f, 0x07, 0x1c, 0x15, 0x1f, 0x03, 0x1f};
    char text[256], where[512];
    struct load load;
    cacheman *client = NULL;
    snprintf(text, sizeof text, OPTIONS "&reload=10ms&%s", options);
    cluster_write_file(&cluster, 0x0f, text, where);
    assert_int_equal(cacheman_open(where, &client, NULL), CM_OK);
    load_start(&load, client);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        size_t members = 0;
        for (size_t k = 0; k < SERVERS; k++)
            members += sets[i] >> k & 1;
        cluster_write_file(&cluster, sets[i], text, where);
        CLUSTER_WAIT(cluster_member_count(client) == members);
        await_progress(&load);
    }
    load_end(&load);
    cacheman_close(client);
}

static void servers_come_and_go(void **state) {
    (void)state;
    come_and_go("distribution=rendezvous");
}

static void servers_come_and_go_and_warm_up(void **state) {
    (void)state;
    come_and_go("warmup=1h&distribution=ketama");
}

/* ---- what a death costs ---- */

static void fill(cacheman *client) {
    for (unsigned i = 0; i < KEYS; i++) {
        char name[16], value[300];
        sprintf(name, "k%u", i);
        const size_t bytes = make_value(i, i, value);
        assert_int_equal(
            cacheman_set(client, cacheman_text(name), cacheman_bytes(value, bytes), NULL, NULL),
            CM_OK);
    }
}

static unsigned count_hits(cacheman *client) {
    unsigned hits = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char name[16];
        struct cacheman_result result;
        sprintf(name, "k%u", i);
        if (cacheman_get(client, cacheman_text(name), &result) == CM_OK)
            hits += result.outcome == CACHEMAN_HIT && is_right(i, result.value);
        else
            assert_int_equal(result.outcome, CACHEMAN_MISS);
        cacheman_release(&result, 1);
    }
    return hits;
}

static unsigned share_of(cacheman *client, uint32_t server) {
    unsigned keys = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char name[16];
        uint32_t place;
        sprintf(name, "k%u", i);
        assert_int_equal(cacheman_where(client, cacheman_text(name), NULL, &place, 1), 1);
        keys += place == server;
    }
    return keys;
}

static void a_death_costs_its_share_of_hits(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "failures=1");
    fill(client);
    assert_int_equal(count_hits(client), KEYS);
    cluster_kill(&cluster, 0);
    assert_int_equal(count_hits(client), KEYS - share_of(client, 0));
    struct cacheman_server *servers;
    size_t count;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    assert_int_equal(servers[0].health, CACHEMAN_DOWN);
    assert_string_equal(servers[0].error, "Connection refused");
    assert_string_equal(servers[1].error, "");
    free(servers);
    cacheman_close(client);
}

static void with_replicas_a_death_costs_nothing(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "failures=1&replicas=2");
    fill(client);
    cluster_kill(&cluster, 4);
    assert_int_equal(count_hits(client), KEYS);
    cacheman_close(client);
}

static void with_failover_a_death_costs_its_share_once(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "failures=1&dead=failover");
    fill(client);
    cluster_kill(&cluster, 3);
    assert_int_equal(count_hits(client), KEYS - share_of(client, 3));
    fill(client);
    assert_int_equal(count_hits(client), KEYS);
    cacheman_close(client);
}

/* One that nobody answers at: the first calls wait for their deadline, then it is left out. What the
 * others make of so short a time does not matter. */
static void a_frozen_server_ends_calls_in_time(void **state) {
    (void)state;
    cacheman *client = cluster_open(&cluster, "timeout=2s&failures=3&retry=1h&retry_max=1h");
    cluster_signal(&cluster, 2, SIGSTOP);
    unsigned timeouts = 0, others = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char name[16];
        struct cacheman_result result;
        uint32_t place;
        sprintf(name, "k%u", i);
        const enum cm_status status = cacheman_get(client, cacheman_text(name), &result);
        assert_int_equal(result.outcome, CACHEMAN_MISS);
        assert_int_equal(cacheman_where(client, cacheman_text(name), NULL, &place, 1), 1);
        timeouts += place == 2 && status == CM_TIMEOUT;
        others += place == 2 && status == CM_UNREACHABLE;
    }
    assert_int_equal(timeouts, 3);
    assert_int_equal(others, share_of(client, 2) - 3);
    cluster_signal(&cluster, 2, SIGCONT);
    cacheman_close(client);
}

/* Nobody listens there at all. */
static void a_cluster_that_is_not_there(void **state) {
    (void)state;
    cacheman *client = NULL;
    struct cacheman_result result;
    assert_int_equal(cacheman_open("unix:/nonexistent/socket?failures=1", &client, NULL), CM_OK);
    assert_int_equal(cacheman_get(client, cacheman_text("k"), &result), CM_UNREACHABLE);
    assert_int_equal(result.outcome, CACHEMAN_MISS);
    assert_int_equal(cacheman_set(client, cacheman_text("k"), cacheman_text("v"), NULL, &result),
                     CM_UNREACHABLE);
    assert_int_equal(result.outcome, CACHEMAN_UNKNOWN);
    assert_int_equal(cacheman_version(client, &(struct cacheman_ask){0}), CM_UNREACHABLE);
    cacheman_close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(a_death_costs_its_share_of_hits),
        CASE(with_replicas_a_death_costs_nothing),
        CASE(with_failover_a_death_costs_its_share_once),
        CASE(a_frozen_server_ends_calls_in_time),
        cmocka_unit_test(a_cluster_that_is_not_there),
        CASE(servers_die_and_their_keys_miss),
        CASE(servers_die_and_others_take_over),
        CASE(servers_die_and_replicas_stay),
        CASE(servers_die_in_classic_text),
        CASE(servers_come_and_go),
        CASE(servers_come_and_go_and_warm_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

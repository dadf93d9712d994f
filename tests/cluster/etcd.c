/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/etcd.h"

/* Servers that register themselves in a real etcd, and clients that follow. */

#define SERVERS 5
#define KEYS    300

static struct cluster cluster;
static struct etcd etcd;
static char join[128];

static int start(void **state) {
    (void)state;
    etcd_init(&etcd);
    snprintf(join, sizeof join, "etcd://127.0.0.1:%d/test", etcd.port);
    cluster = (struct cluster){.options = {"--join", join}};
    cluster_init(&cluster, SERVERS);
    return 0;
}

static int stop(void **state) {
    (void)state;
    cluster_deinit(&cluster);
    etcd_deinit(&etcd);
    return 0;
}

static cacheman *try_open(const char *options, struct cacheman_error *error) {
    char where[256];
    cacheman *client;
    snprintf(where, sizeof where, "%s?" CLUSTER_PATIENCE "%s", join, options);
    return cacheman_open(where, &client, error) == CM_OK ? client : NULL;
}

/* Servers register by themselves, in their own time: there may be nobody yet. */
static cacheman *open_all(const char *options, size_t members) {
    cacheman *client;
    struct cacheman_error error;
    CLUSTER_WAIT((client = try_open(options, &error)) != NULL);
    CLUSTER_WAIT(cluster_member_count(client) == members);
    return client;
}

static unsigned count_hits(cacheman *client) {
    unsigned hits = 0;
    char name[16];
    struct cacheman_result result;
    for (unsigned i = 0; i < KEYS; i++) {
        const struct cacheman_bytes key = cluster_key(i, name);
        assert_int_equal(cacheman_get(client, key, &result), CM_OK);
        hits += result.outcome == CACHEMAN_HIT && text_is(result.value, name);
        cacheman_release(&result, 1);
    }
    return hits;
}

static bool has_problem(cacheman *client, const char *text) {
    struct cacheman_error error;
    return cacheman_problem(client, &error) && strstr(error.text, text) != NULL;
}

static bool has_none(cacheman *client) {
    struct cacheman_error error;
    return !cacheman_problem(client, &error);
}

static void end(cacheman *client, size_t number, int signal) {
    cluster_signal(&cluster, number, signal);
    CLUSTER_WAIT(cluster_member_count(client) == SERVERS - 1);
    waitpid(cluster.servers[number].process, NULL, 0);
    cluster.servers[number].process = 0;
}

static void servers_that_join_and_leave_are_followed(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    cluster_fill(client, KEYS, NULL);
    assert_int_equal(count_hits(client), KEYS);
    cluster_start(&cluster, SERVERS);
    CLUSTER_WAIT(cluster_member_count(client) == SERVERS + 1);
    assert_int_equal(count_hits(client) < KEYS, true);
    assert_int_equal(count_hits(client) > KEYS / 2, true);
    cluster_signal(&cluster, SERVERS, SIGTERM);
    CLUSTER_WAIT(cluster_member_count(client) == SERVERS);
    assert_int_equal(count_hits(client), KEYS);
    cacheman_close(client);
}

static void a_crashed_server_vanishes(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    end(client, 2, SIGKILL);
    cluster_fill(client, KEYS, NULL);
    assert_int_equal(count_hits(client), KEYS);
    cluster_start(&cluster, 2); /* where it was */
    CLUSTER_WAIT(cluster_member_count(client) == SERVERS);
    cacheman_close(client);
}

static void etcd_being_away_changes_nothing(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    cluster_fill(client, KEYS, NULL);
    etcd_kill(&etcd);
    CLUSTER_WAIT(has_problem(client, "etcd at 127.0.0.1:"));
    assert_int_equal(cluster_member_count(client), SERVERS);
    assert_int_equal(count_hits(client), KEYS);
    etcd_start(&etcd);
    CLUSTER_WAIT(has_none(client));
    assert_int_equal(cluster_member_count(client), SERVERS);
    assert_int_equal(count_hits(client), KEYS);
    end(client, 0, SIGTERM);
    cacheman_close(client);
}

/* The load goes on in the meantime, and misses nothing. */
static void an_etcd_that_comes_and_goes_costs_nothing(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    cluster_fill(client, KEYS, NULL);
    for (int round = 0; round < 3; round++) {
        etcd_kill(&etcd);
        for (int i = 0; i < 10; i++)
            assert_int_equal(count_hits(client), KEYS);
        etcd_start(&etcd);
        for (int i = 0; i < 10; i++)
            assert_int_equal(count_hits(client), KEYS);
    }
    assert_int_equal(cluster_member_count(client), SERVERS);
    cacheman_close(client);
}

static void an_etcd_that_has_forgotten_is_told_again(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    cluster_fill(client, KEYS, NULL);
    etcd_kill(&etcd);
    CLUSTER_WAIT(has_problem(client, "etcd at 127.0.0.1:")); /* before there is another */
    etcd_forget(&etcd, "/data");
    etcd_start(&etcd);
    while (!has_none(client)) { /* until all have registered anew */
        assert_int_equal(cluster_member_count(client), SERVERS);
        assert_int_equal(count_hits(client), KEYS);
    }
    assert_int_equal(cluster_member_count(client), SERVERS);
    assert_int_equal(count_hits(client), KEYS);
    end(client, 1, SIGTERM);
    cacheman_close(client);
}

static void a_warm_up_works_as_with_files(void **state) {
    (void)state;
    cacheman *client = open_all("&warmup=1h", SERVERS);
    cluster_fill(client, KEYS, NULL);
    cluster_start(&cluster, SERVERS);
    CLUSTER_WAIT(cluster_member_count(client) == SERVERS + 1);
    assert_int_equal(count_hits(client), KEYS);
    assert_int_equal(count_hits(client), KEYS);
    cacheman_close(client);
}

static bool has_weight(cacheman *client, uint32_t weight) {
    struct cacheman_server *servers;
    size_t count;
    bool has = false;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    for (size_t i = 0; i < count; i++)
        has = has || servers[i].weight == weight;
    free(servers);
    return has;
}

static void weights_are_told(void **state) {
    (void)state;
    cacheman *client = open_all("", SERVERS);
    assert_false(has_weight(client, 7));
    cluster.options[2] = "--weight";
    cluster.options[3] = "7";
    cluster_start(&cluster, SERVERS);
    CLUSTER_WAIT(has_weight(client, 7));
    cacheman_close(client);
}

static void opening_without_an_answer_fails(void **state) {
    (void)state;
    cacheman *client;
    struct cacheman_error error;
    char where[128], wanted[64];
    etcd_kill(&etcd);
    snprintf(wanted, sizeof wanted, "etcd at 127.0.0.1:%d: ", etcd.port);
    do { /* the time to connect may be over before anybody has tried */
        assert_int_equal(cacheman_open(join, &client, &error), CM_UNREACHABLE);
    } while (strncmp(error.text, "etcd has not answered", 21) == 0);
    assert_memory_equal(error.text, wanted, strlen(wanted));
    etcd_start(&etcd);
    snprintf(where, sizeof where, "etcd://127.0.0.1:%d/other?" CLUSTER_PATIENCE, etcd.port);
    assert_int_equal(cacheman_open(where, &client, &error), CM_UNREACHABLE);
    assert_string_equal(error.text, "etcd knows no server of the cluster \"other\"");
}

static void the_next_endpoint_is_tried(void **state) {
    (void)state;
    cacheman *client;
    struct cacheman_error error;
    struct cluster_port nobodys;
    char where[128];
    cluster_hold_port(&nobodys);
    cacheman_close(open_all("", SERVERS));
    snprintf(where, sizeof where, "etcd://127.0.0.1:%d,127.0.0.1:%d/test?" CLUSTER_PATIENCE,
             nobodys.number, etcd.port);
    assert_int_equal(cacheman_open(where, &client, &error), CM_OK);
    assert_int_equal(cluster_member_count(client), SERVERS);
    end(client, 4, SIGTERM);
    cacheman_close(client);
    close(nobodys.descriptor);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(servers_that_join_and_leave_are_followed),
        CASE(a_crashed_server_vanishes),
        CASE(etcd_being_away_changes_nothing),
        CASE(an_etcd_that_comes_and_goes_costs_nothing),
        CASE(an_etcd_that_has_forgotten_is_told_again),
        CASE(a_warm_up_works_as_with_files),
        CASE(weights_are_told),
        CASE(opening_without_an_answer_fails),
        CASE(the_next_endpoint_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

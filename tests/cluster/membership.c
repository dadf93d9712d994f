/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/cluster.h"

/* The cluster file is followed, and a warm-up keeps what the cache holds across a change. */

#define KEYS 1000
#define ALL  0x0fu

CLUSTER_OF(4)

static cacheman *open_file(unsigned servers, const char *options) {
    char where[512];
    struct cacheman_error error;
    cacheman *client = NULL;
    cluster_write_file(&cluster, servers, options, where);
    if (cacheman_open(where, &client, &error) != CM_OK)
        fail_msg("%s", error.text);
    return client;
}

static void change_to(cacheman *client, unsigned servers, size_t count) {
    char where[512];
    cluster_write_file(&cluster, servers, "", where);
    CLUSTER_WAIT(cluster_member_count(client) == count);
}

static unsigned count_hits(cacheman *client) {
    unsigned hits = 0;
    char name[16];
    struct cacheman_result result;
    for (unsigned i = 0; i < KEYS; i++) {
        const struct cacheman_bytes key = cluster_key(i, name);
        assert_int_equal(cacheman_get(client, key, &result), CM_OK);
        if (result.outcome == CACHEMAN_HIT) {
            assert_true(result.value.bytes == key.bytes);
            assert_memory_equal(result.value.data, name, key.bytes);
            assert_int_equal(result.flags, 7);
            hits++;
        }
        cacheman_release(&result, 1);
    }
    return hits;
}

static const struct cacheman_how how = {.flags = 7, .ttl_s = 5000};

static void a_changed_file_is_followed(void **state) {
    (void)state;
    cacheman *client = open_file(0x3, "reload=10ms");
    struct cacheman_error error;
    assert_int_equal(cluster_member_count(client), 2);
    change_to(client, 0x7, 3);
    change_to(client, 0x8, 1);
    assert_false(cacheman_problem(client, &error));
    cacheman_close(client);
}

static void a_broken_file_changes_nothing_and_is_told_of(void **state) {
    (void)state;
    cacheman *client = open_file(0x3, "reload=10ms");
    struct cacheman_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/cluster", cluster.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("127.0.0.1:1\nnonsense = 3\n", file);
    fclose(file);
    CLUSTER_WAIT(cacheman_problem(client, &error));
    CLUSTER_WAIT(cacheman_problem(client, &error) && error.line == 2);
    assert_string_equal(error.text, "there is no option \"nonsense\"");
    assert_int_equal(cluster_member_count(client), 2);
    unlink(path);
    CLUSTER_WAIT(cacheman_problem(client, &error) && error.line == 0);
    assert_int_equal(cluster_member_count(client), 2);
    change_to(client, 0x7, 3);
    CLUSTER_WAIT(!cacheman_problem(client, &error));
    cacheman_close(client);
}

static void without_warm_up_a_change_costs_its_share(void **state) {
    (void)state;
    cacheman *client = open_file(0x7, "reload=10ms");
    cluster_fill(client, KEYS, &how);
    change_to(client, ALL, 4);
    assert_in_range(count_hits(client), KEYS * 65 / 100, KEYS * 85 / 100);
    cacheman_close(client);
}

static void with_warm_up_adding_and_removing_cost_nothing(void **state) {
    (void)state;
    static const char *const distributions[] = {"rendezvous", "ketama", "modulo-fnv1a"};
    for (size_t i = 0; i < 3; i++) {
        char options[128];
        snprintf(options, sizeof options, "reload=10ms&warmup=1h&distribution=%s",
                 distributions[i]);
        cacheman *client = open_file(0x7, options);
        assert_int_equal(cacheman_flush(client, 0, NULL), CM_OK);
        cluster_fill(client, KEYS, &how);
        change_to(client, ALL, 4);
        assert_int_equal(count_hits(client), KEYS);
        assert_int_equal(count_hits(client), KEYS); /* now from where they belong */
        change_to(client, 0xe, 3);
        assert_int_equal(count_hits(client), KEYS);
        cacheman_close(client);
    }
}

/* The copy has the rest of the item's time. */
static void a_copied_item_keeps_its_time(void **state) {
    (void)state;
    cacheman *client = open_file(0x7, "reload=10ms&warmup=1h");
    struct cacheman_result result;
    char name[16];
    cluster_fill(client, KEYS, &how);
    change_to(client, ALL, 4);
    assert_int_equal(count_hits(client), KEYS);
    for (unsigned i = 0; i < KEYS; i++) {
        const struct cacheman_request request = {.key = cluster_key(i, name), .want_ttl = true};
        const struct cacheman_call call = {&request, 1, &result, 0};
        assert_int_equal(cacheman_run(client, &call), CM_OK);
        assert_in_range(result.ttl_s, 4900, 5000);
        cacheman_release(&result, 1);
    }
    cacheman_close(client);
}

/* What has been changed or deleted during a warm-up must not come back from the old server. */
static void nothing_old_comes_back(void **state) {
    (void)state;
    cacheman *client = open_file(0x7, "reload=10ms&warmup=1h");
    struct cacheman_result result;
    char name[16];
    cluster_fill(client, KEYS, &how);
    change_to(client, ALL, 4);
    for (unsigned i = 0; i < KEYS; i++) {
        const struct cacheman_bytes key = cluster_key(i, name), x = cacheman_text("x");
        switch (i % 6) {
        case 0:
            assert_int_equal(cacheman_delete(client, key, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_HIT);
            break;
        case 1:
            assert_int_equal(cacheman_set(client, key, x, NULL, NULL), CM_OK);
            break;
        case 2:
            assert_int_equal(cacheman_append(client, key, x, NULL, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_STORED);
            break;
        case 3:
            assert_int_equal(cacheman_add(client, key, x, NULL, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_NOT_STORED);
            break;
        case 4:
            assert_int_equal(cacheman_replace(client, key, x, NULL, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_STORED);
            break;
        default:
            assert_int_equal(cacheman_touch(client, key, 100, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_HIT);
        }
        /* as if the item had been evicted where it belongs now */
        if (i % 6 != 3 && i % 6 != 5) {
            uint32_t place;
            struct cacheman_server *servers;
            size_t count;
            char command[64];
            assert_int_equal(cacheman_where(client, key, NULL, &place, 1), 1);
            assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
            snprintf(command, sizeof command, "delete %s", name);
            const struct cacheman_ask ask = {.server = servers[place].name};
            assert_int_equal(cacheman_command(client, command, &ask), CM_OK);
            free(servers);
            assert_int_equal(cacheman_get(client, key, &result), CM_OK);
            assert_int_equal(result.outcome, CACHEMAN_MISS);
        }
    }
    cacheman_close(client);
}

/* Those that are leaving included. */
static size_t server_count(cacheman *client) {
    struct cacheman_server *servers;
    size_t count;
    assert_int_equal(cacheman_servers(client, &servers, &count), CM_OK);
    free(servers);
    return count;
}

static void a_warm_up_ends(void **state) {
    (void)state;
    cacheman *client = open_file(0x3, "reload=10ms&warmup=50ms");
    change_to(client, 0xe, 3);
    CLUSTER_WAIT(server_count(client) == 3);
    cacheman_close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(a_changed_file_is_followed),
        CASE(a_broken_file_changes_nothing_and_is_told_of),
        CASE(without_warm_up_a_change_costs_its_share),
        CASE(with_warm_up_adding_and_removing_cost_nothing),
        CASE(a_copied_item_keeps_its_time),
        CASE(nothing_old_comes_back),
        CASE(a_warm_up_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

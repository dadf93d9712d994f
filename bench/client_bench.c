/* SPDX-License-Identifier: BSD-3-Clause */

/* libcacheman beside libmemcached, on the same servers in the same run: single gets and gets of 100
 * keys, throughput and the client's processor time a key.
 *
 *     client_bench SECONDS HOST:PORT... */

#include "base/check.h"
#include "base/os/os.h"
#include <cacheman/client.h>
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS        10000
#define BATCH       100
#define VALUE_BYTES 100
#define SERVERS_MAX 16

struct bench {
    double seconds;
    int server_count;
    char **servers;
    char keys[KEYS][24];
    size_t lengths[KEYS];
    char value[VALUE_BYTES];
    uint64_t chance;
};

static unsigned next_key(struct bench *bench) {
    bench->chance = bench->chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(bench->chance >> 33) % KEYS;
}

static uint64_t cpu_us(void) {
    struct cm_os_usage usage;
    cm_os_usage(&usage);
    return usage.user_us + usage.system_us;
}

typedef size_t step(struct bench *bench, void *client);

/* Repeats `one`, which returns how many keys it got, for the time given. */
static void measure(struct bench *bench, const char *name, step *one, void *client) {
    uint64_t keys = 0;
    const uint64_t cpu = cpu_us(), begin = cm_os_monotonic_ns();
    const uint64_t end = begin + (uint64_t)(bench->seconds * 1e9);
    uint64_t now = begin;
    while (now < end) {
        for (int i = 0; i < 16; i++)
            keys += one(bench, client);
        now = cm_os_monotonic_ns();
    }
    printf("%s_keys_per_s=%.0f\n", name, (double)keys / ((double)(now - begin) / 1e9));
    printf("%s_cpu_ns_per_key=%.0f\n", name, (double)(cpu_us() - cpu) * 1000 / (double)keys);
}

/* ---- ours ---- */

static size_t our_single(struct bench *bench, void *client) {
    struct cacheman_result result;
    const unsigned k = next_key(bench);
    CM_CHECK(cacheman_get(client, cacheman_bytes(bench->keys[k], bench->lengths[k]), &result) ==
             CM_OK);
    CM_CHECK(result.value.bytes == VALUE_BYTES);
    cacheman_release(&result, 1);
    return 1;
}

static size_t our_multi(struct bench *bench, void *client) {
    struct cacheman_request requests[BATCH];
    struct cacheman_result results[BATCH];
    const struct cacheman_call call = {requests, BATCH, results, 0};
    for (unsigned i = 0; i < BATCH; i++) {
        const unsigned k = next_key(bench);
        requests[i] =
            (struct cacheman_request){.key = cacheman_bytes(bench->keys[k], bench->lengths[k])};
    }
    CM_CHECK(cacheman_run(client, &call) == CM_OK);
    for (unsigned i = 0; i < BATCH; i++)
        CM_CHECK(results[i].value.bytes == VALUE_BYTES);
    cacheman_release(results, BATCH);
    return BATCH;
}

static void measure_ours(struct bench *bench, const char *name, const char *options) {
    char where[1024] = "", title[64];
    cacheman *client;
    for (int i = 0; i < bench->server_count; i++) {
        strcat(where, i == 0 ? "" : ",");
        strcat(where, bench->servers[i]);
    }
    strcat(where, options);
    CM_CHECK(cacheman_open(where, &client, NULL) == CM_OK);
    for (unsigned k = 0; k < KEYS; k++)
        CM_CHECK(cacheman_set(client, cacheman_bytes(bench->keys[k], bench->lengths[k]),
                              cacheman_bytes(bench->value, VALUE_BYTES), NULL, NULL) == CM_OK);
    snprintf(title, sizeof title, "%s_single", name);
    measure(bench, title, our_single, client);
    snprintf(title, sizeof title, "%s_multi", name);
    measure(bench, title, our_multi, client);
    cacheman_close(client);
}

/* ---- libmemcached's ---- */

static size_t their_single(struct bench *bench, void *client) {
    size_t bytes;
    uint32_t flags;
    memcached_return_t status;
    const unsigned k = next_key(bench);
    char *value = memcached_get(client, bench->keys[k], bench->lengths[k], &bytes, &flags, &status);
    CM_CHECK(status == MEMCACHED_SUCCESS && bytes == VALUE_BYTES);
    free(value);
    return 1;
}

static size_t their_multi(struct bench *bench, void *client) {
    const char *keys[BATCH];
    size_t lengths[BATCH], got = 0;
    memcached_return_t status;
    memcached_result_st *result;
    for (unsigned i = 0; i < BATCH; i++) {
        const unsigned k = next_key(bench);
        keys[i] = bench->keys[k];
        lengths[i] = bench->lengths[k];
    }
    CM_CHECK(memcached_mget(client, keys, lengths, BATCH) == MEMCACHED_SUCCESS);
    while ((result = memcached_fetch_result(client, NULL, &status)) != NULL) {
        CM_CHECK(memcached_result_length(result) == VALUE_BYTES);
        free(memcached_result_take_value(result));
        memcached_result_free(result);
        got++;
    }
    CM_CHECK(got > 0);
    return BATCH; /* a key asked for twice is answered once or twice, as the server likes */
}

static void measure_theirs(struct bench *bench) {
    memcached_st *client = memcached_create(NULL);
    CM_CHECK(client != NULL);
    CM_CHECK(memcached_behavior_set(client, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1) ==
             MEMCACHED_SUCCESS);
    CM_CHECK(memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1) ==
             MEMCACHED_SUCCESS);
    for (int i = 0; i < bench->server_count; i++) {
        char host[64];
        const char *colon = strrchr(bench->servers[i], ':');
        CM_CHECK(colon != NULL);
        snprintf(host, sizeof host, "%.*s", (int)(colon - bench->servers[i]), bench->servers[i]);
        CM_CHECK(memcached_server_add(client, host, (in_port_t)atoi(colon + 1)) ==
                 MEMCACHED_SUCCESS);
    }
    measure(bench, "libmemcached_single", their_single, client);
    measure(bench, "libmemcached_multi", their_multi, client);
    memcached_free(client);
}

int main(int argc, char **argv) {
    static struct bench bench;
    if (argc < 3 || argc - 2 > SERVERS_MAX) {
        fprintf(stderr, "usage: client_bench SECONDS HOST:PORT...\n");
        return 64;
    }
    bench.seconds = atof(argv[1]);
    bench.servers = argv + 2;
    bench.server_count = argc - 2;
    bench.chance = 1;
    memset(bench.value, 'v', sizeof bench.value);
    for (unsigned k = 0; k < KEYS; k++)
        bench.lengths[k] =
            (size_t)snprintf(bench.keys[k], sizeof bench.keys[k], "user:%u:profile", k);
    measure_ours(&bench, "cacheman_rendezvous", "");
    measure_ours(&bench, "cacheman", "?distribution=ketama");
    measure_theirs(&bench); /* last: it finds what was placed by ketama */
    return 0;
}

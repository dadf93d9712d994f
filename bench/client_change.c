/* SPDX-License-Identifier: BSD-3-Clause */

/* What a change of servers costs in hits: a cache-aside load (get, on a miss set) of Zipf-like keys
 * on all servers but one, then on all, then on all but the first.
 *
 *     client_change CLUSTER-FILE OPTIONS HOST:PORT...
 *
 * Writes the cluster file. Prints the hit ratio, in percent, of the reads before the first change
 * and of those right after each. */

#include "base/check.h"
#include "base/os/os.h"
#include <cacheman/client.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS        20000
#define READS       20000
#define VALUE_BYTES 100

static uint64_t chance = 1;

/* Ranks that fall off as 1 / rank. */
static unsigned draw_key(void) {
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    const double u = (double)(chance >> 11) * 0x1p-53;
    return (unsigned)exp(u * log(KEYS));
}

static double hit_percent(cacheman *client, unsigned reads) {
    unsigned hits = 0;
    char name[24], value[VALUE_BYTES];
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < reads; i++) {
        struct cacheman_result result;
        const struct cacheman_bytes key =
            cacheman_bytes(name, (size_t)sprintf(name, "user:%u", draw_key()));
        CM_CHECK(cacheman_get(client, key, &result) == CM_OK);
        hits += result.outcome == CACHEMAN_HIT;
        if (result.outcome != CACHEMAN_HIT)
            CM_CHECK(cacheman_set(client, key, cacheman_bytes(value, sizeof value), NULL, NULL) ==
                     CM_OK);
        cacheman_release(&result, 1);
    }
    return 100.0 * hits / reads;
}

static void write_file(const char *path, char **servers, int from, int to) {
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "w");
    CM_CHECK(file != NULL);
    for (int i = from; i < to; i++)
        fprintf(file, "%s\n", servers[i]);
    CM_CHECK(fclose(file) == 0 && rename(temporary, path) == 0);
}

/* Until the client has the server, or has lost it. */
static void await(cacheman *client, const char *name, bool is_member) {
    bool found;
    do {
        struct cacheman_server *servers;
        size_t count;
        found = false;
        CM_CHECK(cacheman_servers(client, &servers, &count) == CM_OK);
        for (size_t i = 0; i < count; i++)
            found |= strcmp(servers[i].name, name) == 0 && !servers[i].leaving;
        free(servers);
        cm_os_sleep_ms(1);
    } while (found != is_member);
}

int main(int argc, char **argv) {
    char where[4096];
    cacheman *client;
    if (argc < 5) {
        fprintf(stderr, "usage: client_change CLUSTER-FILE OPTIONS HOST:PORT...\n");
        return 64;
    }
    char **servers = argv + 3;
    const int count = argc - 3;
    write_file(argv[1], servers, 0, count - 1);
    snprintf(where, sizeof where, "file:%s?reload=10ms&timeout=10s&%s", argv[1], argv[2]);
    CM_CHECK(cacheman_open(where, &client, NULL) == CM_OK);
    (void)hit_percent(client, 5 * READS);
    printf("before=%.1f\n", hit_percent(client, READS));
    write_file(argv[1], servers, 0, count);
    await(client, servers[count - 1], true);
    printf("added=%.1f\n", hit_percent(client, READS));
    printf("added_later=%.1f\n", hit_percent(client, READS));
    write_file(argv[1], servers, 1, count);
    await(client, servers[0], false);
    printf("removed=%.1f\n", hit_percent(client, READS));
    printf("removed_later=%.1f\n", hit_percent(client, READS));
    cacheman_close(client);
    return 0;
}

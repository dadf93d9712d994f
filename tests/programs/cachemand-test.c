/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/server.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* cachemand with a clock for tests. Environment:
 *   CACHEMAN_TEST_WALL_S      the Unix time at which it starts
 *   CACHEMAN_TEST_DEBUG_TIME  1: clients may move the clock (debugtime)
 *   CACHEMAN_TEST_PAUSED      1: it stands still but for that
 *   CACHEMAN_TEST_STOP_MS     for how long a stop waits for clients */

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && strcmp(value, "1") == 0;
}

int main(int argc, char **argv) {
    const char *wall = getenv("CACHEMAN_TEST_WALL_S"), *stop = getenv("CACHEMAN_TEST_STOP_MS");
    const struct cm_server_test test = {
        .debug_time = is_set("CACHEMAN_TEST_DEBUG_TIME"),
        .paused = is_set("CACHEMAN_TEST_PAUSED"),
        .wall_s = wall != NULL ? strtoll(wall, NULL, 10) : 0,
        .stop_ms = stop != NULL ? (uint32_t)strtoul(stop, NULL, 10) : 0,
    };
    return cm_server_main(argc, argv, &test);
}

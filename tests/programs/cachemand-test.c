/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

/* cachemand with a clock for tests. Environment:
 *   CACHEMAN_TEST_WALL_S      the Unix time at which it starts
 *   CACHEMAN_TEST_DEBUG_TIME  1: clients may move the clock (debugtime) */
int main(int argc, char **argv) {
    const char *wall = getenv("CACHEMAN_TEST_WALL_S");
    const char *debug_time = getenv("CACHEMAN_TEST_DEBUG_TIME");
    const struct cm_server_test test = {
        .debug_time = debug_time != NULL && strcmp(debug_time, "1") == 0,
        .wall_s = wall != NULL ? strtoll(wall, NULL, 10) : 0,
    };
    return cm_server_main(argc, argv, &test);
}

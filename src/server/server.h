/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_SERVER_H
#define CM_SERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses, after sysexits.h. */
enum cm_exit {
    CM_EXIT_OK = 0,
    CM_EXIT_USAGE = 64,         /* an option or its value */
    CM_EXIT_NO_USER = 67,       /* -u names nobody */
    CM_EXIT_SYSTEM = 71,        /* an address, memory, threads refused */
    CM_EXIT_CANNOT_WRITE = 73,  /* -P, MEMCACHED_PORT_FILENAME */
    CM_EXIT_NO_PERMISSION = 77, /* -u needs root */
    CM_EXIT_CONFIG = 78,        /* a file given with an option cannot be used */
};

/* What a server made for tests may do beside. */
struct cm_server_test {
    bool debug_time;  /* clients may move the clock */
    bool paused;      /* and nobody else does */
    int64_t wall_s;   /* the Unix time at which it starts; 0: the true one */
    uint32_t stop_ms; /* for how long a stop sends; 0: as the real one */
};

/* The whole program: reads the command line, serves until told to stop, returns the exit status.
 * `test` is NULL for the real one. */
int cm_server_main(int argc, char **argv, const struct cm_server_test *test);

#endif

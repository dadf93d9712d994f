/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_SETTINGS_H
#define CM_REPLAY_SETTINGS_H

#include "cli/where.h"

/* The command line of `cacheman replay`. */

#define CM_REPLAY_TARGETS_MAX 16
#define CM_REPLAY_WINDOW_MAX  4096

struct cm_replay_settings {
    struct cm_cli_where where;
    bool compare, verify, json;
    int64_t window, keys, limit, skip, interval;
    const char *value_size, *plot;
    int64_t value_least, value_most; /* what --value-size says; -1: nothing */
    const char *trace;
    const char *servers[CM_REPLAY_TARGETS_MAX]; /* NULL: as `where` says */
    size_t server_count;
};

/* Options may stand before and behind the operands. False: exit with *status; a message has been
 * written, or the help. */
bool cm_replay_settings_read(struct cm_replay_settings *settings, char **argv, int *status);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_SERVERS_H
#define CM_CONSOLE_SERVERS_H

#include "console/internal.h"

/* The servers a command is about: those of the cluster, or the one that --server names. */
struct cm_targets {
    struct cacheman_server *all; /* to be freed */
    size_t all_count;
    const char **names; /* to be freed */
    size_t count;
};

/* The exit status, after a message; OK: the caller ends with cm_targets_deinit(). */
CM_MUST_CHECK int cm_targets_init(struct cm_console *console, const char *only,
                                  struct cm_targets *targets);
void cm_targets_deinit(struct cm_targets *targets);

/* What an option is in the client; false, and nothing written, if it is longer than `room`. */
bool cm_option_used(struct cm_console *console, const char *name, char *to, size_t room);

/* A group of one server's statistics (NULL: the general one), as names and values in their order,
 * borrowed from `text`. */
struct cm_stats {
    struct cm_slice *names, *values;
    size_t count, room;
    struct cm_buf text;
};

/* Asks one server; the exit status, after a message. In any case the caller ends with
 * cm_stats_deinit(). */
int cm_stats_read(struct cm_console *console, const char *server, const char *group,
                  struct cm_stats *stats);
#define CM_HOT_GROUP "hotkeys" /* and how many; cachemand's own */
/* The same of what a server says about a key. */
int cm_why_read(struct cm_console *console, const char *server, struct cm_slice key,
                struct cm_stats *stats);
void cm_stats_deinit(struct cm_stats *stats);
/* Empty if there is no such name. */
struct cm_slice cm_stats_get(const struct cm_stats *stats, const char *name);
uint64_t cm_stats_number(const struct cm_stats *stats, const char *name);

/* A value as people like it: sizes and times with units, long numbers in groups of digits. */
#define CM_HUMAN_BYTES 64
const char *cm_human(struct cm_slice name, struct cm_slice value, char *to);

#endif

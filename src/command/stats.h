/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_STATS_H
#define CM_COMMAND_STATS_H

#include "command/command.h"

#include "command/watch.h"

/* Where everything that is counted can be read; all borrowed. */
struct cm_stats_source {
    cmstore *store;
    struct cm_admin *admin;
    const struct cm_control *control;
    bool keys_hidden; /* from whoever asks */
};

/* What was counted at one time, since the last `stats reset`. */
struct cm_stats_readings {
    struct cm_server_stats server;
    struct cm_metric_sums metrics;
    struct cmstore_counters store;
    struct cm_watch_counts watch;
    int64_t now_unix_s;
};

/* Any thread. Waits for nobody who serves. */
void cm_stats_read(const struct cm_stats_source *source, struct cm_stats_readings *readings);

/* How long requests took since then, by command. Likewise. */
void cm_stats_read_durations(const struct cm_stats_source *source,
                             struct cm_duration_sums sums[CM_COMMANDS]);

/* The lines of `stats`. */
void cm_stats_put(const struct cm_stats_readings *readings, struct cm_stat_sink *sink);
void cm_stats_general(const struct cm_command *command, struct cm_stat_sink *sink);

/* The hottest keys; NULL: they are not to be shown, or not followed. As cm_hot_read(). */
CM_MUST_CHECK enum cm_status cm_stats_read_hot_keys(const struct cm_stats_source *source,
                                                    unsigned max, struct cm_hot_list **out);
/* Of a hot key. */
struct cm_hot_rates {
    double share; /* of all requests */
    double requests_per_s, value_bytes_per_s;
};
struct cm_hot_rates cm_stats_hot_rates(const struct cm_hot_list *list,
                                       const struct cm_hot_key *key);
/* The lines of `stats hotkeys`. */
void cm_stats_hot_keys(const struct cm_hot_list *list, struct cm_stat_sink *sink);

/* A line whose value is a number. */
void cm_stats_number(struct cm_stat_sink *sink, struct cm_slice name, uint64_t number);

#endif

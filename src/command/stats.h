/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_STATS_H
#define CM_COMMAND_STATS_H

#include "command/command.h"

/* The lines of `stats`. */
void cm_stats_general(const struct cm_command *command, struct cm_stat_sink *sink);

/* A line whose value is a number. */
void cm_stats_number(struct cm_stat_sink *sink, struct cm_slice name, uint64_t number);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_WHY_H
#define CM_COMMAND_WHY_H

#include "command/command.h"

/* The lines of `stats why KEY`, which counts as no access and marks nothing:
 *
 *   state here       with size, ttl (-1: forever), unused_seconds, fetched (yes, no), flags, cas
 *   state gone       with reason (evicted, expired, deleted, flushed) and, unless it is not known
 *                    when, gone_seconds_ago, unused_seconds (before it went), fetched
 *   state unknown    never there, or gone for longer than the store remembers
 *
 * The store of a key counts as a use. */
void cm_why_put(const struct cm_command *command, struct cm_slice key, struct cm_stat_sink *sink);

#endif

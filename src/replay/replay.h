/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_REPLAY_H
#define CM_REPLAY_REPLAY_H

#include "cli/options.h"

extern const struct cm_cli cm_replay_cli;

/* `cacheman replay`, on words that end with NULL; returns its exit status, see cli/exit.h. */
int cm_replay_main(char **argv);

#endif

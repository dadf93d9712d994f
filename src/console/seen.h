/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONSOLE_SEEN_H
#define CM_CONSOLE_SEEN_H

#include "base/slice.h"

/* The keys that were typed or listed, for completion: the last few thousand different ones. */

struct cm_seen;

struct cm_seen *cm_seen_create(void); /* NULL: no memory */
void cm_seen_destroy(struct cm_seen *seen);
/* Keys that would have to be quoted are left out. */
void cm_seen_add(struct cm_seen *seen, struct cm_slice key);
/* The keys by number from 0, the latest last; NULL past it. */
const char *cm_seen_at(const struct cm_seen *seen, size_t number);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_HOLD_H
#define CM_COMMAND_HOLD_H

#include "base/slice.h"
#include <cacheman/store.h>

/* A pin on the heap: what struct cm_reply_value and struct cm_out_insert hold. */

/* Takes the pin; NULL: no memory, and the pin stays the caller's. */
void *cm_hold_create(const struct cmstore_pin *pin);
/* The value's bytes from `offset` on: one contiguous run, empty at the end. */
struct cm_slice cm_hold_part(const void *hold, size_t offset);
/* NULL is allowed. */
void cm_hold_release(void *hold);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_REPLAY_VALUE_H
#define CM_REPLAY_VALUE_H

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdint.h>

/* Values that follow from their keys: each is a piece of one block of noise, which begins where the
 * key's hash says. They cost nothing to make, and what comes back can be compared. */

struct cm_values {
    char *block;
    size_t bytes;
    uint32_t least, most; /* sizes, by the key's hash */
};

void cm_values_deinit(struct cm_values *values);

/* Makes values of up to so many bytes possible. NO_MEMORY leaves it as it was. */
CM_MUST_CHECK enum cm_status cm_values_reserve(struct cm_values *values, size_t value_bytes);

uint32_t cm_value_bytes(const struct cm_values *values, uint64_t hash);
/* As many bytes have been reserved. Good until the next cm_values_reserve(). */
struct cm_slice cm_value(const struct cm_values *values, uint64_t hash, size_t bytes);
/* Whether so many bytes of the key's value look like this. */
bool cm_value_is(const struct cm_values *values, uint64_t hash, struct cm_slice got);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_STORE_SECONDS_H
#define CM_STORE_SECONDS_H

#include <stdint.h>

/* Clock seconds, of which accesses and the gone keep the lower 24 bits: half a year. */
#define CM_SECONDS_MASK      ((UINT32_C(1) << 24) - 1)
#define CM_SECONDS_AHEAD_MAX 60u

/* Since one that was kept. It may be later than the caller's, if the clock has moved since that was
 * looked at: then it was now, not half a year ago. */
static inline uint32_t cm_seconds_since(uint32_t kept, uint32_t clock_s) {
    uint32_t seconds = (clock_s - kept) & CM_SECONDS_MASK;
    return seconds <= CM_SECONDS_MASK - CM_SECONDS_AHEAD_MAX ? seconds : 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_RING_MD5_H
#define CM_RING_MD5_H

#include "base/slice.h"
#include <stdint.h>

#define CM_MD5_BYTES 16

/* RFC 1321. For placing keys as others place them, never for secrets. */
void cm_md5(struct cm_slice message, uint8_t digest[CM_MD5_BYTES]);

#endif

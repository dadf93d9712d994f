/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CLIENT_SHA256_H
#define CM_CLIENT_SHA256_H

#include "base/slice.h"
#include <stdint.h>

#define CM_SHA256_BYTES 32

/* FIPS 180-4. For keys that are too long: nobody can make two of them alike. */
void cm_sha256(struct cm_slice message, uint8_t digest[CM_SHA256_BYTES]);

#endif

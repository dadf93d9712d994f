/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TLS_DIGEST_H
#define CM_TLS_DIGEST_H

#include "base/slice.h"
#include <cacheman/status.h>
#include <stdint.h>

#define CM_SHA256_BYTES 32

/* FIPS 180-4. For keys that are too long: nobody can make two of them alike. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_sha256(struct cm_slice message, uint8_t digest[CM_SHA256_BYTES]);

#endif

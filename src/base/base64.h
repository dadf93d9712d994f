/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_BASE64_H
#define CM_BASE_BASE64_H

#include "base/slice.h"

/* Base64 with padding (RFC 4648, section 4). */

/* The bytes that encoding `bytes` gives. */
#define CM_BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)

/* Decodes at most `room` bytes; 0: not base64, empty, or too long. */
size_t cm_base64_decode(struct cm_slice text, char *to, size_t room);
/* `to` has room for CM_BASE64_CHARS(bytes.len); returns that. */
size_t cm_base64_encode(struct cm_slice bytes, char *to);

#endif

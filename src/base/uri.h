/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_BASE_URI_H
#define CM_BASE_URI_H

#include "base/slice.h"

/* The longest result for so many bytes. */
#define CM_URI_CHARS(bytes) (3 * (bytes))

/* Bytes other than unreserved ones (RFC 3986) become %XX. `to` has room for CM_URI_CHARS() of
 * them; returns the characters written. */
size_t cm_uri_encode(struct cm_slice bytes, char *to);

/* The opposite; a '%' without two digits stays what it is. `to`, which may be where the text is, has
 * room for as many bytes; returns how many were written. */
size_t cm_uri_decode(struct cm_slice text, char *to);

#endif

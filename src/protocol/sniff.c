/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/memcache_binary.h"

/* The text protocols share a connection and have no first byte of their own: they take whatever no
 * other protocol claims. */
const struct cm_protocol *cm_protocol_sniff(unsigned char first) {
    return first == CM_BINARY_REQUEST ? &cm_protocol_memcache_binary : &cm_protocol_memcache_text;
}

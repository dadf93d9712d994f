/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/memcache_binary.h"

/* The text protocols share a connection and have no first byte of their own: they take whatever no
 * other protocol claims. */
const struct cm_protocol *cm_protocol_sniff(unsigned char first) {
    switch (first) {
    case CM_BINARY_REQUEST:
        return &cm_protocol_memcache_binary;
    case '*':
        return &cm_protocol_resp;
    default:
        return &cm_protocol_memcache_text;
    }
}

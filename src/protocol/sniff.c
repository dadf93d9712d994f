/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/protocol.h"

/* The text protocols share a connection and have no first byte of their own: they take whatever no
 * other protocol claims. */
const struct cm_protocol *cm_protocol_sniff(unsigned char first) {
    (void)first;
    return &cm_protocol_memcache_text;
}

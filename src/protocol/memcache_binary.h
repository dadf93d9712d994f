/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_PROTOCOL_MEMCACHE_BINARY_H
#define CM_PROTOCOL_MEMCACHE_BINARY_H

/* What the files of memcached's binary protocol share, and how its packets are laid out:
 *
 *      0       1       2       3       4       5       6       7
 *     +-------+-------+---------------+-------+-------+---------------+
 *     | magic |opcode | key bytes     |extras | type  | status        |
 *     +-------+-------+---------------+-------+-------+---------------+
 *   8 | body bytes                    | opaque                        |
 *     +-------------------------------+-------------------------------+
 *  16 | cas                                                           |
 *     +---------------------------------------------------------------+
 *  24 | body: extras, key, value                                      |
 *
 * Numbers have their most significant byte first. The type, and in a request what is the status of
 * a response, are ignored; the opaque is answered as it came.
 *
 * In an op `form` is the opcode, `marks` are enum cm_memcache_mark; a CM_OP_REPLY has its status in
 * `number`. */

#include "protocol/protocol.h"

#define CM_BINARY_REQUEST    0x80
#define CM_BINARY_RESPONSE   0x81
#define CM_BINARY_HEAD_BYTES ((size_t)24)
#define CM_BINARY_BODY_MAX   ((uint32_t)1 << 30)
#define CM_BINARY_SASL_MAX   CM_STREAM_ABOVE /* mechanism and message */

enum cm_binary_status {
    CM_BINARY_OK = 0,
    CM_BINARY_NOT_FOUND = 1,
    CM_BINARY_EXISTS = 2,
    CM_BINARY_TOO_LARGE = 3,
    CM_BINARY_INVALID = 4,
    CM_BINARY_NOT_STORED = 5,
    CM_BINARY_NOT_NUMERIC = 6,
    CM_BINARY_AUTH_FAILED = 0x20,
    CM_BINARY_AUTH_CONTINUE = 0x21,
    CM_BINARY_UNKNOWN = 0x81,
    CM_BINARY_NO_MEMORY = 0x82,
};

void cm_binary_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                      struct cm_out *out);
enum cm_status cm_binary_stat_line(struct cm_buf *text, const struct cm_op *op,
                                   struct cm_slice name, struct cm_slice value);
enum cm_status cm_binary_long_end(struct cm_buf *text, const struct cm_op *op);

#endif

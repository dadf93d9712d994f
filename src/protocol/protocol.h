/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_PROTOCOL_PROTOCOL_H
#define CM_PROTOCOL_PROTOCOL_H

#include "base/buf.h"
#include "base/slice.h"
#include "op/op.h"
#include "op/out.h"
#include "op/reply.h"
#include <stdint.h>

/* Bytes to ops, replies to bytes; one struct cm_protocol a dialect.
 *
 * P1. parse() makes ops of whole requests only, and never looks at a byte twice that it has used.
 * P2. Bad input becomes a CM_OP_REPLY in its place, or ends the connection; it never stops others.
 * P3. An op's slices point into the input or the batch's scratch memory. */

/* How a connection's parsing stands between two inputs. All zero: at the start of a request. */
struct cm_parser {
    uint64_t swallow;  /* bytes still to be dropped before the next request */
    size_t need_bytes; /* parsing again is useless with less input than this */
    uint8_t state;     /* the protocol's own, 0: at the start of a request */
    /* Of a request with many keys, half way: what each of its ops is like. */
    bool multi_any; /* a key has been seen */
    uint8_t multi_marks;
    uint16_t multi_options;
    uint32_t multi_expires;
    uint32_t multi_left; /* arguments yet to come, where their number is known before */
};

/* How a connection's answers stand. Small: it is restored when an op is done again. */
struct cm_encoder {
    uint64_t sum;    /* of an answer made of several ops' outcomes; 0 between requests */
    uint8_t version; /* of the protocol, where a client may choose it; 0: the protocol's first */
};

/* What parsing needs to know of the server. */
struct cm_parse_limits {
    uint64_t item_bytes_max; /* values above are skipped, never stored */
    int64_t wall_zero_s;     /* Unix time of clock second 0 */
    uint32_t now_s;          /* the clock */
    /* The client has not logged in yet: a protocol takes what does so, and answers everything else
     * itself or leaves it to be answered with UNAUTHENTICATED. A login is a barrier, so this holds
     * for a whole batch. */
    bool unauthenticated;
};

#define CM_BATCH_OPS     64
#define CM_BATCH_SCRATCH 4096

/* Ops parsed together, executed together. */
struct cm_batch {
    struct cm_parse_limits limits;
    unsigned count;
    size_t scratch_used; /* decoded keys live in scratch */
    struct cm_op ops[CM_BATCH_OPS];
    char scratch[CM_BATCH_SCRATCH];
};

enum cm_parse_status {
    CM_PARSE_MORE,  /* the rest of the input is not a whole request yet */
    CM_PARSE_BATCH, /* execute the batch, then parse on: it is full, or ends in a barrier */
    CM_PARSE_CLOSE, /* execute the batch, then close: nothing after it makes sense */
};

struct cm_protocol {
    const char *name;
    struct cm_slice value_end; /* what follows the value of a CM_OP_STORE_LONG; static */
    /* Adds ops to `batch`; *used tells how much of the input they took. Input not used is given
     * again, with more behind it. */
    enum cm_parse_status (*parse)(struct cm_parser *parser, struct cm_slice input, size_t *used,
                                  struct cm_batch *batch);
    /* Sets the parser to where `op` was parsed, so that input from op->start on can be parsed
     * again. */
    void (*rewind)(struct cm_parser *parser, const struct cm_op *op);
    void (*encode)(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                   struct cm_out *out);
    /* What a request has behind the value of a CM_OP_STORE_LONG and its end; NULL: nothing. The op is
     * the batch's only one and may be changed, even to CM_OP_REPLY: then nothing is stored. MORE:
     * nothing is used, and asked again with more input; CLOSE: as parse(), once the op is done. */
    enum cm_parse_status (*parse_rest)(struct cm_parser *parser, struct cm_slice input,
                                       size_t *used, struct cm_batch *batch);
    /* The pieces of long answers. NO_MEMORY. */
    enum cm_status (*stat_line)(struct cm_buf *text, const struct cm_op *op, struct cm_slice name,
                                struct cm_slice value);
    enum cm_status (*dump_item)(struct cm_buf *text, const struct cm_op *op,
                                const struct cm_dump_item *item);
    enum cm_status (*long_end)(struct cm_buf *text, const struct cm_op *op);
};

/* Drops what a parser is to drop of the `left` bytes that are there: how many. */
static inline size_t cm_parser_swallow(struct cm_parser *parser, size_t left) {
    const size_t dropped = parser->swallow < left ? (size_t)parser->swallow : left;
    parser->swallow -= dropped;
    return dropped;
}

/* Whether no request may be added that takes so much of the scratch memory: there is no room, or
 * the last op is a barrier. */
static inline bool cm_batch_is_full(const struct cm_batch *batch, size_t scratch_bytes) {
    return batch->count == CM_BATCH_OPS || batch->scratch_used + scratch_bytes > CM_BATCH_SCRATCH ||
           (batch->count > 0 &&
            (cm_op_traits(batch->ops[batch->count - 1].kind) & CM_TRAIT_BARRIER) != 0);
}

/* Values longer than this that have not arrived whole are not waited for: CM_OP_STORE_LONG. */
#define CM_STREAM_ABOVE ((size_t)16 << 10)

/* The protocol of a connection by its first byte. */
const struct cm_protocol *cm_protocol_sniff(unsigned char first);

extern const struct cm_protocol cm_protocol_memcache_text;
extern const struct cm_protocol cm_protocol_memcache_binary;
extern const struct cm_protocol cm_protocol_resp;

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_PROTOCOL_MEMCACHE_H
#define CM_PROTOCOL_MEMCACHE_H

/* What the files of memcached's protocols share. Private to protocol/memcache_*.c. */

#include "protocol/protocol.h"

#define CM_KEY_BYTES_MAX     250
#define CM_LINE_BYTES_MAX    2048 /* longer without a line end: hang up; but not for get, gets */
#define CM_META_TOKENS_MAX   20   /* command and key included */
#define CM_OPAQUE_BYTES_MAX  32   /* its letter included */
#define CM_VALUE_BYTES_LIMIT ((uint64_t)INT32_MAX - 2)

/* What ElastiCache's older clients get to discover servers. */
#define CM_CLUSTER_KEY CM_SLICE("AmazonElastiCache:cluster")

/* op->form: which encoder writes the reply. */
enum cm_memcache_form {
    CM_FORM_LINE, /* a fixed line an outcome */
    CM_FORM_VALUE,
    CM_FORM_NUMBER,
    CM_FORM_META_GET,
    CM_FORM_META_SET,
    CM_FORM_META_DELETE,
    CM_FORM_META_ARITH,
    CM_FORM_META_DEBUG,
};

/* op->marks */
enum cm_memcache_mark {
    CM_MARK_NOREPLY = 1, /* classic: says nothing, errors included */
    CM_MARK_QUIET = 2,   /* meta, binary: leaves out what the command's q leaves out */
    CM_MARK_CAS = 4,     /* a value's line ends in its cas */
    CM_MARK_END = 8,     /* the last key of a request: END follows */
    CM_MARK_BASE64 = 16, /* the key arrived, and is answered, in base64 */
    CM_MARK_VALUE = 32,  /* meta: the value is wanted */
    CM_MARK_KEY = 64,    /* binary: the key is repeated */
};

/* parser->state and op->resume */
enum cm_memcache_state {
    CM_STATE_LINE,       /* at the start of a request */
    CM_STATE_KEYS,       /* among the keys of a get, gets, gat or gats */
    CM_STATE_SKIP,       /* dropping the rest of a line */
    CM_STATE_KEYS_FIRST, /* only in op->resume: among the keys, none seen yet */
};

#define CM_TOKENS_MAX 24

/* A line cut at its spaces; count may exceed CM_TOKENS_MAX, of which only `last` is known then. */
struct cm_tokens {
    unsigned count;
    struct cm_slice last;
    struct cm_slice at[CM_TOKENS_MAX];
};

/* One request while it is parsed. */
struct cm_request {
    struct cm_parser *parser;
    struct cm_batch *batch;
    struct cm_slice input;
    size_t start; /* offset of the request in input */
    size_t next;  /* offset of what follows: set to the end of the line, moved past a value */
    unsigned argument;
    bool noreply; /* the last token says so */
    struct cm_tokens tokens;
};

enum cm_request_end {
    CM_REQUEST_DONE,
    CM_REQUEST_MORE,  /* incomplete: nothing was added */
    CM_REQUEST_CLOSE, /* hang up */
};

/* A new op at the end of the batch, zero but for its kind and place. */
static inline struct cm_op *cm_memcache_op(const struct cm_request *request, enum cm_op_kind kind) {
    struct cm_batch *batch = request->batch;
    CM_CHECK(batch->count < CM_BATCH_OPS);
    struct cm_op *op = &batch->ops[batch->count++];
    cm_op_clear(op);
    op->kind = (uint8_t)kind;
    op->start = (uint32_t)request->start;
    return op;
}

/* Answers with a fixed line, its \r\n included; with noreply an error only counts. */
enum cm_request_end cm_memcache_answer(const struct cm_request *request, struct cm_slice text);
/* Same, and drops the value of `bytes` that follows the line. */
enum cm_request_end cm_memcache_refuse(struct cm_request *request, struct cm_slice text,
                                       uint64_t bytes);
/* Finds the value of a storage request and settles its kind; `op` is the batch's last. */
enum cm_request_end cm_memcache_value(struct cm_request *request, struct cm_op *op, uint64_t bytes);

/* Cuts text at its spaces. */
void cm_memcache_tokenize(struct cm_tokens *tokens, struct cm_slice line);
/* The whole line from request->start on, without its end, and its tokens; `next` is behind it. */
enum cm_request_end cm_memcache_take_line(struct cm_request *request, struct cm_slice *line);
/* What a client that has not logged in sends, from request->start on. */
enum cm_request_end cm_memcache_parse_login(struct cm_request *request);

/* exptime as on the wire to a clock second: 0 never, up to 30 days relative, else Unix time. */
uint32_t cm_memcache_expiry(const struct cm_parse_limits *limits, int64_t exptime);

/* Sets the op's key, decoded if need be. False: there is no such key. */
bool cm_memcache_set_key(const struct cm_request *request, struct cm_op *op, struct cm_slice token,
                         bool base64);

/* The group of `stats NAME`. False: there is none of that name. */
bool cm_memcache_stats_group(struct cm_slice name, enum cm_stats_group *group);
/* The N of `stats hotkeys N`. False: it is none. */
bool cm_memcache_hot_keys(struct cm_slice text, uint32_t *number);

#define CM_COMMAND(name, parser, argument, usage)                                                  \
    enum cm_request_end cm_memcache_parse_##parser(struct cm_request *request);
#include "tables/commands.def"

void cm_memcache_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                        struct cm_out *out);
void cm_memcache_encode_meta(const struct cm_op *op, struct cm_reply *reply, struct cm_out *out);
/* The line of an outcome that is an error or says nothing more; shared by both dialects. */
struct cm_slice cm_memcache_error_line(enum cm_outcome outcome);
/* The bytes of a value, copied or inserted. */
void cm_memcache_put_value(struct cm_reply *reply, struct cm_out *out);

enum cm_status cm_memcache_stat_line(struct cm_buf *text, const struct cm_op *op,
                                     struct cm_slice name, struct cm_slice value);
enum cm_status cm_memcache_dump_item(struct cm_buf *text, const struct cm_op *op,
                                     const struct cm_dump_item *item);
enum cm_status cm_memcache_long_end(struct cm_buf *text, const struct cm_op *op);

#define CM_BAD_FORMAT CM_SLICE("CLIENT_ERROR bad command line format\r\n")

#endif

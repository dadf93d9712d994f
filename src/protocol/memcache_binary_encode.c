/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/endian.h"
#include "protocol/memcache.h"
#include "protocol/memcache_binary.h"

/* Responses of the binary protocol. O1 of op/out.h holds for each: a head, a key, a short text, and
 * a value that is copied only up to CM_OUT_COPY_MAX. */

#define FLAG_BYTES   4
#define NUMBER_BYTES 8

struct response {
    uint64_t cas;
    size_t value_bytes;
    uint32_t key_bytes;
    uint32_t extra_bytes;
    uint32_t status;
};

static char *put_head(char *to, const struct cm_op *op, const struct response *response) {
    const size_t body_bytes = response->extra_bytes + response->key_bytes + response->value_bytes;
    cm_store_be64(to, (uint64_t)CM_BINARY_RESPONSE << 56 | (uint64_t)op->form << 48 |
                          (uint64_t)response->key_bytes << 32 |
                          (uint64_t)response->extra_bytes << 24 | response->status);
    cm_store_be32(to + 8, (uint32_t)body_bytes);
    memcpy(to + 12, &op->opaque, sizeof op->opaque);
    cm_store_be64(to + 16, response->cas);
    return to + CM_BINARY_HEAD_BYTES;
}

static char *put(char *to, struct cm_slice bytes) {
    if (bytes.len > 0) {
        memcpy(to, bytes.data, bytes.len);
    }
    return to + bytes.len;
}

/* A response without extras, key and cas. */
static void encode_text(const struct cm_op *op, enum cm_binary_status status, struct cm_slice text,
                        struct cm_out *out) {
    const struct response response = {.status = status, .value_bytes = text.len};
    cm_out_wrote(out, put(put_head(cm_out_tail(out), op, &response), text));
}

/* ---- errors ---- */

static enum cm_binary_status not_stored(const struct cm_op *op) {
    switch (op->mode) {
    case CM_MODE_ADD:
        return CM_BINARY_EXISTS;
    case CM_MODE_REPLACE:
        return CM_BINARY_NOT_FOUND;
    default:
        return CM_BINARY_NOT_STORED;
    }
}

static enum cm_binary_status missing(const struct cm_op *op) {
    const bool joins = op->mode == CM_MODE_APPEND || op->mode == CM_MODE_PREPEND;
    return joins ? CM_BINARY_NOT_STORED : CM_BINARY_NOT_FOUND;
}

static enum cm_binary_status status_of(const struct cm_op *op, enum cm_outcome outcome) {
    switch (outcome) {
    case CM_OUTCOME_MISS:
        return missing(op);
    case CM_OUTCOME_NOT_STORED:
        return not_stored(op);
    case CM_OUTCOME_EXISTS:
        return CM_BINARY_EXISTS;
    case CM_OUTCOME_TOO_LARGE:
        return CM_BINARY_TOO_LARGE;
    case CM_OUTCOME_NO_MEMORY:
        return CM_BINARY_NO_MEMORY;
    case CM_OUTCOME_NOT_NUMERIC:
        return CM_BINARY_NOT_NUMERIC;
    case CM_OUTCOME_BAD_END:
    case CM_OUTCOME_BAD_LIMIT:
        return CM_BINARY_INVALID;
    case CM_OUTCOME_DISABLED:
        return op->kind == CM_OP_SASL ? CM_BINARY_UNKNOWN : CM_BINARY_AUTH_FAILED;
    case CM_OUTCOME_AUTH_CONTINUE:
        return CM_BINARY_AUTH_CONTINUE;
    case CM_OUTCOME_AUTH_FAILED:
    case CM_OUTCOME_UNAUTHENTICATED:
        return CM_BINARY_AUTH_FAILED;
    default:
        return CM_BINARY_OK;
    }
}

static struct cm_slice no_memory_text(const struct cm_op *op) {
    switch (op->kind) {
    case CM_OP_STORE:
    case CM_OP_STORE_LONG:
        return CM_SLICE("Out of memory allocating item");
    case CM_OP_ARITH:
        return CM_SLICE("Out of memory incrementing value");
    case CM_OP_STATS:
        return CM_SLICE("Out of memory generating stats");
    default:
        return CM_SLICE("Out of memory");
    }
}

static struct cm_slice text_of(const struct cm_op *op, enum cm_binary_status status) {
    switch (status) {
    case CM_BINARY_NOT_FOUND:
        return CM_SLICE("Not found");
    case CM_BINARY_EXISTS:
        return CM_SLICE("Data exists for key.");
    case CM_BINARY_TOO_LARGE:
        return CM_SLICE("Too large.");
    case CM_BINARY_INVALID:
        return CM_SLICE("Invalid arguments");
    case CM_BINARY_NOT_STORED:
        return CM_SLICE("Not stored.");
    case CM_BINARY_NOT_NUMERIC:
        return CM_SLICE("Non-numeric server-side value for incr or decr");
    case CM_BINARY_AUTH_FAILED:
        return CM_SLICE("Auth failure.");
    case CM_BINARY_UNKNOWN:
        return CM_SLICE("Unknown command");
    case CM_BINARY_NO_MEMORY:
        return no_memory_text(op);
    default:
        return CM_SLICE("");
    }
}

static void encode_error(const struct cm_op *op, enum cm_outcome outcome, struct cm_out *out) {
    const enum cm_binary_status status = status_of(op, outcome);
    encode_text(op, status, text_of(op, status), out);
}

/* ---- answers ---- */

static bool is_quiet(const struct cm_op *op) {
    return (op->marks & CM_MARK_QUIET) != 0;
}

/* A miss tells the key where a hit would, and nothing else. */
static void encode_miss(const struct cm_op *op, struct cm_out *out) {
    if (is_quiet(op)) {
        return;
    }
    if ((op->marks & CM_MARK_KEY) == 0) {
        encode_error(op, CM_OUTCOME_MISS, out);
        return;
    }
    const struct response response = {.status = CM_BINARY_NOT_FOUND,
                                      .key_bytes = (uint32_t)op->key.len};
    cm_out_wrote(out, put(put_head(cm_out_tail(out), op, &response), op->key));
}

/* A touch is answered as a get, but without the value. */
static void encode_item(const struct cm_op *op, struct cm_reply *reply, struct cm_out *out) {
    if (CM_UNLIKELY(reply->outcome != CM_OUTCOME_HIT)) {
        if (reply->outcome == CM_OUTCOME_MISS) {
            encode_miss(op, out);
        } else {
            encode_error(op, reply->outcome, out);
        }
        return;
    }
    const bool with_key = (op->marks & CM_MARK_KEY) != 0;
    const struct response response = {
        .cas = reply->cas,
        .extra_bytes = FLAG_BYTES,
        .key_bytes = with_key ? (uint32_t)op->key.len : 0,
        .value_bytes = op->kind == CM_OP_TOUCH ? 0 : reply->value.bytes,
    };
    char *to = put_head(cm_out_tail(out), op, &response);
    cm_store_be32(to, reply->client_flags);
    to += FLAG_BYTES;
    cm_out_wrote(out, with_key ? put(to, op->key) : to);
    if (op->kind != CM_OP_TOUCH) {
        cm_memcache_put_value(reply, out);
    }
}

/* What has no answer but that it was done. */
static void encode_done(const struct cm_op *op, const struct cm_reply *reply, struct cm_out *out) {
    if (CM_UNLIKELY(status_of(op, reply->outcome) != CM_BINARY_OK)) {
        encode_error(op, reply->outcome, out);
    } else if (!is_quiet(op)) {
        const struct response response = {.cas = reply->cas};
        cm_out_wrote(out, put_head(cm_out_tail(out), op, &response));
    }
}

static void encode_number(const struct cm_op *op, const struct cm_reply *reply,
                          struct cm_out *out) {
    if (reply->outcome != CM_OUTCOME_HIT && reply->outcome != CM_OUTCOME_STORED) {
        encode_error(op, reply->outcome, out);
    } else if (!is_quiet(op)) {
        const struct response response = {.cas = reply->cas, .value_bytes = NUMBER_BYTES};
        char *to = put_head(cm_out_tail(out), op, &response);
        cm_store_be64(to, reply->number);
        cm_out_wrote(out, to + NUMBER_BYTES);
    }
}

/* The list of mechanisms, a challenge, or that it has worked. */
static void encode_sasl(const struct cm_op *op, struct cm_reply *reply, struct cm_out *out) {
    const enum cm_binary_status status = status_of(op, reply->outcome);
    if (status != CM_BINARY_OK && status != CM_BINARY_AUTH_CONTINUE) {
        encode_error(op, reply->outcome, out);
    } else if (status == CM_BINARY_OK && op->selector != CM_SASL_LIST) {
        encode_text(op, status, CM_SLICE("Authenticated"), out);
    } else {
        const struct response response = {.status = status, .value_bytes = reply->value.bytes};
        cm_out_wrote(out, put_head(cm_out_tail(out), op, &response));
        cm_memcache_put_value(reply, out);
    }
}

void cm_binary_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                      struct cm_out *out) {
    (void)encoder;
    switch (op->kind) {
    case CM_OP_GET:
    case CM_OP_TOUCH:
        encode_item(op, reply, out);
        break;
    case CM_OP_ARITH:
        encode_number(op, reply, out);
        break;
    case CM_OP_REPLY:
        encode_text(op, (enum cm_binary_status)op->number, op->text, out);
        break;
    case CM_OP_SASL:
        encode_sasl(op, reply, out);
        break;
    default:
        encode_done(op, reply, out);
        break;
    }
}

/* ---- statistics ---- */

/* A packet a line; the per-prefix ones are one line, ended as in the text protocol. */
enum cm_status cm_binary_stat_line(struct cm_buf *text, const struct cm_op *op,
                                   struct cm_slice name, struct cm_slice value) {
    const struct cm_slice end =
        op->selector == CM_STATS_DETAIL ? CM_SLICE("END\r\n") : CM_SLICE("");
    const struct response response = {.key_bytes = (uint32_t)name.len,
                                      .value_bytes = value.len + end.len};
    const enum cm_status status =
        cm_buf_reserve(text, CM_BINARY_HEAD_BYTES + name.len + value.len + end.len);
    if (status == CM_OK) {
        put_head(cm_buf_tail(text), op, &response);
        cm_buf_wrote(text, CM_BINARY_HEAD_BYTES);
        cm_buf_put(text, name);
        cm_buf_put(text, value);
        cm_buf_put(text, end);
    }
    return status;
}

/* The empty packet that ends the answer. */
enum cm_status cm_binary_long_end(struct cm_buf *text, const struct cm_op *op) {
    const struct response response = {.status = CM_BINARY_OK};
    const enum cm_status status = cm_buf_reserve(text, CM_BINARY_HEAD_BYTES);
    if (status == CM_OK) {
        put_head(cm_buf_tail(text), op, &response);
        cm_buf_wrote(text, CM_BINARY_HEAD_BYTES);
    }
    return status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"
#include "base/num.h"
#include "protocol/resp.h"

/* Replies in RESP2, or RESP3 once HELLO has asked for it. O1 of op/out.h holds for each: lines of
 * at most a few hundred bytes, and a message or value that is copied only up to CM_OUT_COPY_MAX. */

static char *put_end(char *to) {
    to[0] = '\r';
    to[1] = '\n';
    return to + 2;
}

/* A marker, a number, the line's end. */
static char *put_head(char *to, char marker, uint64_t number) {
    *to++ = marker;
    if (CM_LIKELY(number < 10)) {
        *to++ = (char)('0' + number);
    } else {
        to += cm_num_format_u64(to, number);
    }
    return put_end(to);
}

static void encode_head(struct cm_out *out, char marker, uint64_t number) {
    cm_out_wrote(out, put_head(cm_out_tail(out), marker, number));
}

static void encode_integer(struct cm_out *out, int64_t number) {
    char *to = cm_out_tail(out);
    *to++ = ':';
    to += cm_num_format_i64(to, number);
    cm_out_wrote(out, put_end(to));
}

static bool is_third(const struct cm_encoder *encoder) {
    return encoder->version == 3;
}

static void encode_nil(const struct cm_encoder *encoder, struct cm_out *out) {
    cm_out_put(out, is_third(encoder) ? CM_SLICE("_\r\n") : CM_SLICE("$-1\r\n"));
}

/* A map of so many pairs: what RESP2 has instead is an array of both. */
static void encode_map(const struct cm_encoder *encoder, struct cm_out *out, unsigned pairs) {
    encode_head(out, is_third(encoder) ? '%' : '*', is_third(encoder) ? pairs : 2 * pairs);
}

static void encode_bulk(struct cm_out *out, struct cm_slice text) {
    encode_head(out, '$', text.len);
    cm_out_put(out, text);
    cm_out_put(out, CM_SLICE("\r\n"));
}

static void encode_value(struct cm_reply *reply, struct cm_out *out) {
    struct cm_reply_value *value = &reply->value;
    char *to = put_head(cm_out_tail(out), '$', value->bytes);
    if (CM_UNLIKELY(value->hold != NULL)) {
        cm_out_wrote(out, to);
        cm_out_insert(out, value->bytes, value->hold);
        value->hold = NULL;
        to = cm_out_tail(out);
    } else if (value->bytes > 0) {
        cm_copy_shared(to, value->data, value->bytes);
        to += value->bytes;
    }
    cm_out_wrote(out, put_end(to));
}

/* ---- errors ---- */

static struct cm_slice disabled_line(const struct cm_op *op) {
    if (op->kind == CM_OP_LOGIN) {
        return CM_SLICE("-ERR AUTH <password> called without any password configured for the "
                        "default user. Are you sure your configuration is correct?\r\n");
    }
    return CM_SLICE("-ERR this command is switched off in this server\r\n");
}

/* Empty: the outcome is no error. */
static struct cm_slice error_line(const struct cm_op *op, enum cm_outcome outcome) {
    switch (outcome) {
    case CM_OUTCOME_NOT_STORED: /* an APPEND has become too long */
        return op->form == CM_RESP_LENGTH ? CM_RESP_TOO_LARGE : CM_SLICE("");
    case CM_OUTCOME_TOO_LARGE:
        return CM_RESP_TOO_LARGE;
    case CM_OUTCOME_NO_MEMORY:
        return CM_SLICE("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    case CM_OUTCOME_NOT_NUMERIC:
        return CM_RESP_NOT_INTEGER;
    case CM_OUTCOME_OVERFLOW:
        return CM_SLICE("-ERR increment or decrement would overflow\r\n");
    case CM_OUTCOME_DISABLED:
        return disabled_line(op);
    case CM_OUTCOME_AUTH_FAILED:
        return CM_RESP_WRONGPASS;
    case CM_OUTCOME_UNAUTHENTICATED:
        return CM_RESP_NOAUTH;
    default:
        return CM_SLICE("");
    }
}

/* ---- one answer an op ---- */

static void encode_hello(struct cm_encoder *encoder, const struct cm_op *op, struct cm_out *out) {
    if (op->number != 0) {
        encoder->version = (uint8_t)op->number;
    }
    encode_map(encoder, out, 7);
    cm_out_put(out, CM_SLICE("$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n"));
    encode_bulk(out, CM_SLICE(CM_RESP_VERSION));
    cm_out_put(out, CM_SLICE("$5\r\nproto\r\n"));
    encode_integer(out, is_third(encoder) ? 3 : 2);
    cm_out_put(out, CM_SLICE("$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
                             "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"));
}

static void encode_nils(const struct cm_encoder *encoder, const struct cm_op *op,
                        struct cm_out *out) {
    encode_head(out, '*', op->number);
    for (uint64_t i = 0; i < op->number; i++) {
        encode_nil(encoder, out);
    }
}

/* Replies that need nothing done. */
static void encode_reply(struct cm_encoder *encoder, const struct cm_op *op, struct cm_out *out) {
    switch (op->form) {
    case CM_RESP_BULK:
        encode_bulk(out, op->text);
        break;
    case CM_RESP_NIL:
        encode_nil(encoder, out);
        break;
    case CM_RESP_EMPTY:
        encode_map(encoder, out, 0);
        break;
    case CM_RESP_NILS:
        encode_nils(encoder, op, out);
        break;
    case CM_RESP_SETTING:
        encode_map(encoder, out, 1);
        cm_out_put(out, op->text);
        break;
    case CM_RESP_HELLO:
        encode_hello(encoder, op, out);
        break;
    default:
        encoder->sum = 0; /* an error may end what had begun */
        cm_out_put(out, op->text);
        break;
    }
}

static void encode_ttl(const struct cm_reply *reply, struct cm_out *out, int64_t unit) {
    const int64_t missing = -2;
    if (reply->outcome != CM_OUTCOME_HIT) {
        encode_integer(out, missing);
    } else {
        encode_integer(out, reply->ttl_s < 0 ? -1 : reply->ttl_s * unit);
    }
}

static void encode_done(const struct cm_encoder *encoder, const struct cm_reply *reply,
                        struct cm_out *out) {
    if (reply->outcome == CM_OUTCOME_STORED || reply->outcome == CM_OUTCOME_DONE) {
        cm_out_put(out, CM_RESP_OK);
    } else {
        encode_nil(encoder, out);
    }
}

static void encode_found(const struct cm_encoder *encoder, struct cm_reply *reply, bool found,
                         struct cm_out *out) {
    if (found) {
        encode_value(reply, out);
    } else {
        encode_nil(encoder, out);
    }
}

static bool is_done(const struct cm_reply *reply) {
    return reply->outcome == CM_OUTCOME_HIT || reply->outcome == CM_OUTCOME_STORED;
}

static void encode_other(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                         struct cm_out *out) {
    const bool done = is_done(reply);
    switch (op->form) {
    case CM_RESP_VALUE:
        encode_found(encoder, reply, done, out);
        break;
    case CM_RESP_OLD:
        encode_found(encoder, reply, reply->replaced, out);
        break;
    case CM_RESP_BOOL:
        encode_integer(out, done ? 1 : 0);
        break;
    case CM_RESP_PERSIST:
        encode_integer(out, done && reply->ttl_old_s >= 0 ? 1 : 0);
        break;
    case CM_RESP_NUMBER:
        encode_integer(out, (int64_t)reply->number);
        break;
    case CM_RESP_LENGTH:
        encode_integer(out, done ? (int64_t)reply->value.bytes : 0);
        break;
    case CM_RESP_TTL:
        encode_ttl(reply, out, 1);
        break;
    case CM_RESP_PTTL:
        encode_ttl(reply, out, 1000);
        break;
    case CM_RESP_TYPE:
        cm_out_put(out, done ? CM_SLICE("+string\r\n") : CM_SLICE("+none\r\n"));
        break;
    case CM_RESP_HELLO:
        encode_hello(encoder, op, out);
        break;
    default:
        encode_done(encoder, reply, out);
        break;
    }
}

/* ---- one answer from several ops ---- */

/* An element that cannot be had is nil: few clients would understand an error among elements. */
static void encode_element(const struct cm_encoder *encoder, const struct cm_op *op,
                           struct cm_reply *reply, struct cm_out *out) {
    if ((op->marks & CM_RESP_FIRST) != 0) {
        encode_head(out, '*', op->initial);
    }
    encode_found(encoder, reply, reply->outcome == CM_OUTCOME_HIT, out);
}

/* `sum` is what has been counted, or, above all counts, the first error's outcome. */
#define FAILED ((uint64_t)1 << 32)

static void encode_part(struct cm_encoder *encoder, const struct cm_op *op,
                        const struct cm_reply *reply, struct cm_out *out) {
    if (encoder->sum < FAILED) {
        if (error_line(op, reply->outcome).len > 0) {
            encoder->sum = FAILED + reply->outcome;
        } else if (is_done(reply)) {
            encoder->sum++;
        }
    }
    if ((op->marks & CM_RESP_LAST) == 0) {
        return;
    }
    if (encoder->sum >= FAILED) {
        cm_out_put(out, error_line(op, (enum cm_outcome)(encoder->sum - FAILED)));
    } else if (op->form == CM_RESP_ALL) {
        cm_out_put(out, CM_RESP_OK);
    } else {
        encode_integer(out, (int64_t)encoder->sum);
    }
    encoder->sum = 0;
}

void cm_resp_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                    struct cm_out *out) {
    if (CM_LIKELY(op->form == CM_RESP_VALUE && reply->outcome == CM_OUTCOME_HIT)) {
        encode_value(reply, out);
        return;
    }
    const struct cm_slice error = error_line(op, reply->outcome);
    if (op->form == CM_RESP_ELEMENT) {
        encode_element(encoder, op, reply, out);
    } else if (op->form == CM_RESP_COUNT || op->form == CM_RESP_ALL) {
        encode_part(encoder, op, reply, out);
    } else if (CM_UNLIKELY(error.len > 0)) {
        cm_out_put(out, error);
    } else if (op->kind == CM_OP_REPLY) {
        encode_reply(encoder, op, out);
    } else {
        encode_other(encoder, op, reply, out);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/copy.h"
#include "base/num.h"
#include "protocol/memcache.h"

/* Replies of the classic commands. O1 of op/out.h holds for each: a line of at most a few hundred
 * bytes, and a value that is copied only up to CM_OUT_COPY_MAX. */

static const char end_line[] = "END\r\n";

static char *put(char *to, struct cm_slice text) {
    memcpy(to, text.data, text.len);
    return to + text.len;
}

static char *put_number(char *to, uint64_t number) {
    if (CM_LIKELY(number < 10)) {
        *to = (char)('0' + number);
        return to + 1;
    }
    return to + cm_num_format_u64(to, number);
}

struct cm_slice cm_memcache_error_line(enum cm_outcome outcome) {
    switch (outcome) {
    case CM_OUTCOME_TOO_LARGE:
        return CM_SLICE("SERVER_ERROR object too large for cache\r\n");
    case CM_OUTCOME_NO_MEMORY:
        return CM_SLICE("SERVER_ERROR out of memory storing object\r\n");
    case CM_OUTCOME_NOT_NUMERIC:
        return CM_SLICE("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    case CM_OUTCOME_BAD_END:
        return CM_SLICE("CLIENT_ERROR bad data chunk\r\n");
    case CM_OUTCOME_AUTH_FAILED:
        return CM_SLICE("CLIENT_ERROR authentication failure\r\n");
    case CM_OUTCOME_UNAUTHENTICATED:
        return CM_SLICE("CLIENT_ERROR unauthenticated\r\n");
    default:
        return CM_SLICE("");
    }
}

static struct cm_slice disabled_line(enum cm_op_kind kind) {
    switch (kind) {
    case CM_OP_FLUSH:
        return CM_SLICE("CLIENT_ERROR flush_all not allowed\r\n");
    case CM_OP_SHUTDOWN:
        return CM_SLICE("SERVER_ERROR: shutdown not enabled\r\n");
    case CM_OP_REFRESH_CERTS:
        return CM_SLICE("Error TLS not enabled\r\n");
    case CM_OP_CRAWLER:
        return CM_SLICE("CLIENT_ERROR lru crawler disabled\r\n");
    case CM_OP_WATCH:
        return CM_SLICE("CLIENT_ERROR watch commands not allowed\r\n");
    default:
        return CM_SLICE("ERROR\r\n");
    }
}

/* A dump refused: by the switch for dumps (-X), or because the crawler is off. */
static struct cm_slice refused_dump_line(const struct cm_op *op, enum cm_outcome outcome) {
    if (outcome == CM_OUTCOME_NOT_STORED) {
        return CM_SLICE("CLIENT_ERROR lru crawler disabled\r\n");
    }
    switch (op->selector) {
    case CM_DUMP_META:
        return CM_SLICE("ERROR metadump not allowed\r\n");
    case CM_DUMP_KEYS:
        return CM_SLICE("ERROR key dump not allowed\r\n");
    default:
        return CM_SLICE("CLIENT_ERROR stats cachedump not allowed\r\n");
    }
}

static struct cm_slice pipelined_line(const struct cm_op *op) {
    if (op->kind == CM_OP_WATCH) {
        return CM_SLICE("ERROR cannot pipeline other commands before watch\r\n");
    }
    return op->selector == CM_DUMP_META
               ? CM_SLICE("ERROR cannot pipeline other commands before metadump\r\n")
               : CM_SLICE("ERROR cannot pipeline other commands before mgdump\r\n");
}

static struct cm_slice bad_argument_line(enum cm_op_kind kind) {
    switch (kind) {
    case CM_OP_WATCH:
        return CM_SLICE("ERROR\r\n");
    case CM_OP_FLUSH:
        return CM_SLICE("CLIENT_ERROR invalid exptime argument\r\n");
    case CM_OP_SHUTDOWN:
        return CM_SLICE("CLIENT_ERROR invalid shutdown mode\r\n");
    case CM_OP_STORE:
    case CM_OP_STORE_LONG:
        return cm_memcache_error_line(CM_OUTCOME_BAD_END);
    default:
        return CM_SLICE("BADCLASS invalid class id\r\n");
    }
}

static struct cm_slice hit_line(enum cm_op_kind kind) {
    return kind == CM_OP_DELETE ? CM_SLICE("DELETED\r\n") : CM_SLICE("TOUCHED\r\n");
}

static struct cm_slice done_line(enum cm_op_kind kind) {
    switch (kind) {
    case CM_OP_RESET:
        return CM_SLICE("RESET\r\n");
    case CM_OP_LOGIN:
        return CM_SLICE("STORED\r\n");
    default:
        return CM_SLICE("OK\r\n");
    }
}

static struct cm_slice refused_line(const struct cm_op *op, enum cm_outcome outcome) {
    if (op->kind == CM_OP_DUMP) {
        return refused_dump_line(op, outcome);
    }
    if (op->kind == CM_OP_STATS && op->selector == CM_STATS_HOT_KEYS) {
        return CM_SLICE("CLIENT_ERROR stats hotkeys not allowed\r\n");
    }
    if (op->kind == CM_OP_STATS || op->kind == CM_OP_DETAIL) {
        return CM_SLICE("CLIENT_ERROR stats detail not allowed\r\n");
    }
    return disabled_line(op->kind);
}

static struct cm_slice not_stored_line(const struct cm_op *op) {
    switch (op->kind) {
    case CM_OP_DUMP:
        return refused_line(op, CM_OUTCOME_NOT_STORED);
    case CM_OP_REFRESH_CERTS:
        return CM_SLICE("SERVER_ERROR certificates could not be reloaded\r\n");
    default:
        return CM_SLICE("NOT_STORED\r\n");
    }
}

/* The fixed line that an op's outcome is answered with. */
static struct cm_slice outcome_line(const struct cm_op *op, enum cm_outcome outcome) {
    switch (outcome) {
    case CM_OUTCOME_STORED:
        return CM_SLICE("STORED\r\n");
    case CM_OUTCOME_HIT:
        return hit_line(op->kind);
    case CM_OUTCOME_MISS:
        return CM_SLICE("NOT_FOUND\r\n");
    case CM_OUTCOME_NOT_STORED:
        return not_stored_line(op);
    case CM_OUTCOME_EXISTS:
        return CM_SLICE("EXISTS\r\n");
    case CM_OUTCOME_DONE:
        return done_line(op->kind);
    case CM_OUTCOME_BAD_END:
        return bad_argument_line(op->kind);
    case CM_OUTCOME_BAD_LIMIT:
        return CM_SLICE("MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n");
    case CM_OUTCOME_DISABLED:
        return refused_line(op, outcome);
    case CM_OUTCOME_PIPELINED:
        return pipelined_line(op);
    case CM_OUTCOME_BUSY:
        return CM_SLICE("BUSY currently processing crawler request\r\n");
    case CM_OUTCOME_TOO_MANY:
        return CM_SLICE("WATCHER_TOO_MANY log watcher limit reached\r\n");
    default:
        return cm_memcache_error_line(outcome);
    }
}

void cm_memcache_put_value(struct cm_reply *reply, struct cm_out *out) {
    struct cm_reply_value *value = &reply->value;
    if (value->hold != NULL) {
        cm_out_insert(out, value->bytes, value->hold);
        value->hold = NULL;
    } else if (value->bytes > 0) {
        cm_copy_shared(cm_out_tail(out), value->data, value->bytes);
        out->len += value->bytes;
    }
}

/* VALUE key flags bytes [cas]\r\n */
static void encode_value_line(const struct cm_op *op, const struct cm_reply *reply,
                              struct cm_out *out) {
    char *to = put(cm_out_tail(out), CM_SLICE("VALUE "));
    to = put(to, op->key);
    *to++ = ' ';
    to = put_number(to, reply->client_flags);
    *to++ = ' ';
    to = put_number(to, reply->value.bytes);
    if ((op->marks & CM_MARK_CAS) != 0) {
        *to++ = ' ';
        to = put_number(to, reply->cas);
    }
    cm_out_wrote(out, put(to, CM_SLICE("\r\n")));
}

static void encode_value(const struct cm_op *op, struct cm_reply *reply, struct cm_out *out) {
    if (reply->outcome == CM_OUTCOME_HIT) {
        encode_value_line(op, reply, out);
        cm_memcache_put_value(reply, out);
        cm_out_put(out, CM_SLICE("\r\n"));
    } else if (reply->outcome == CM_OUTCOME_NO_MEMORY) {
        cm_out_put(out, CM_SLICE("SERVER_ERROR out of memory writing get response\r\n"));
    }
    if ((op->marks & CM_MARK_END) != 0) {
        cm_out_put(out, cm_slice(end_line, sizeof end_line - 1));
    }
}

static void encode_number(const struct cm_op *op, const struct cm_reply *reply,
                          struct cm_out *out) {
    if (reply->outcome == CM_OUTCOME_HIT) {
        char *to = put_number(cm_out_tail(out), reply->number);
        cm_out_wrote(out, put(to, CM_SLICE("\r\n")));
    } else if (reply->outcome == CM_OUTCOME_NO_MEMORY) {
        cm_out_put(out, CM_SLICE("SERVER_ERROR out of memory\r\n"));
    } else {
        cm_out_put(out, outcome_line(op, reply->outcome));
    }
}

/* The reply's value are the names of those there are. */
static void encode_unknown_policy(const struct cm_reply *reply, struct cm_out *out) {
    cm_out_put(out, CM_SLICE("CLIENT_ERROR unknown eviction policy; there are "));
    cm_out_put(out, cm_slice(reply->value.data, reply->value.bytes));
    cm_out_put(out, CM_SLICE("\r\n"));
}

void cm_memcache_encode(struct cm_encoder *encoder, const struct cm_op *op, struct cm_reply *reply,
                        struct cm_out *out) {
    (void)encoder;
    if (op->kind == CM_OP_REPLY) {
        cm_out_put(out, op->text);
        return;
    }
    if ((op->marks & CM_MARK_NOREPLY) != 0) {
        return;
    }
    switch (op->form) {
    case CM_FORM_VALUE:
        encode_value(op, reply, out);
        break;
    case CM_FORM_LINE:
        if (op->kind == CM_OP_POLICY && reply->outcome == CM_OUTCOME_BAD_END) {
            encode_unknown_policy(reply, out);
        } else {
            cm_out_put(out, outcome_line(op, reply->outcome));
        }
        break;
    case CM_FORM_NUMBER:
        encode_number(op, reply, out);
        break;
    default:
        cm_memcache_encode_meta(op, reply, out);
        break;
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include "base/num.h"
#include "protocol/memcache.h"

/* Replies of the meta commands: a code of two letters, the flags that were asked for in the order
 * they came, and maybe a value. */

/* The code of an outcome; empty for errors. */
static struct cm_slice code_of(const struct cm_op *op, const struct cm_reply *reply) {
    switch (reply->outcome) {
    case CM_OUTCOME_HIT:
    case CM_OUTCOME_STORED:
        return (op->marks & CM_MARK_VALUE) != 0 && !reply->known ? CM_SLICE("VA ") : CM_SLICE("HD");
    case CM_OUTCOME_MISS:
        return op->form == CM_FORM_META_GET ? CM_SLICE("EN") : CM_SLICE("NF");
    case CM_OUTCOME_NOT_STORED:
        return CM_SLICE("NS");
    case CM_OUTCOME_EXISTS:
        return CM_SLICE("EX");
    default:
        return CM_SLICE("");
    }
}

/* What q leaves out: the miss of a get, the success of all else. */
static bool is_hushed(const struct cm_op *op, enum cm_outcome outcome) {
    if ((op->marks & CM_MARK_QUIET) == 0) {
        return false;
    }
    if (op->form == CM_FORM_META_GET) {
        return outcome == CM_OUTCOME_MISS;
    }
    return outcome == CM_OUTCOME_HIT || outcome == CM_OUTCOME_STORED;
}

static char *put_flag(char *to, char letter) {
    to[0] = ' ';
    to[1] = letter;
    return to + 2;
}

static char *put_number_flag(char *to, char letter, uint64_t number) {
    to = put_flag(to, letter);
    return to + cm_num_format_u64(to, number);
}

/* -1 stands for no limit. */
static char *put_ttl(char *to, int64_t ttl_s) {
    to = put_flag(to, 't');
    return to + cm_num_format_i64(to, ttl_s);
}

static char *put_key(char *to, const struct cm_op *op) {
    to = put_flag(to, 'k');
    if ((op->marks & CM_MARK_BASE64) == 0) {
        memcpy(to, op->key.data, op->key.len);
        return to + op->key.len;
    }
    to += cm_base64_encode(op->key, to);
    return put_flag(to, 'b');
}

static char *put_token(char *to, struct cm_slice token) {
    *to++ = ' ';
    memcpy(to, token.data, token.len);
    return to + token.len;
}

/* One flag of the request. `touched`: T came before it, so its answer tells what T did. */
struct flag {
    struct cm_slice text;
    bool touched;
};

static char *put_current_ttl(char *to, const struct cm_reply *reply, bool touched) {
    return put_ttl(to, touched ? reply->ttl_s : reply->ttl_old_s);
}

/* Flags that tell of the item a get found. */
static char *put_get_flag(char *to, const struct cm_reply *reply, char letter, bool touched) {
    switch (letter) {
    case 'c':
        return put_number_flag(to, 'c', reply->cas);
    case 'f':
        return put_number_flag(to, 'f', reply->client_flags);
    case 'h':
        return put_number_flag(to, 'h', reply->fetched);
    case 'l':
        return put_number_flag(to, 'l', reply->idle_s);
    case 's':
        return put_number_flag(to, 's', reply->value.bytes);
    case 't':
        return put_current_ttl(to, reply, touched);
    default:
        return to;
    }
}

static char *put_set_flag(char *to, const struct cm_reply *reply, char letter) {
    if (letter == 'c') {
        return put_number_flag(to, 'c', reply->cas);
    }
    return letter == 's' ? put_number_flag(to, 's', reply->value.bytes) : to;
}

static char *put_arith_flag(char *to, const struct cm_reply *reply, char letter, bool touched) {
    if (letter == 'c') {
        return put_number_flag(to, 'c', reply->cas);
    }
    return letter == 't' ? put_current_ttl(to, reply, touched) : to;
}

/* The answer to one flag of the request. `found`: there is an item to tell of. */
static char *put_flag_answer(char *to, const struct cm_op *op, const struct cm_reply *reply,
                             struct flag flag) {
    const bool found = reply->outcome == CM_OUTCOME_HIT || reply->outcome == CM_OUTCOME_STORED;
    const char letter = flag.text.data[0];
    if (letter == 'O') {
        return put_token(to, flag.text);
    }
    if (letter == 'k') {
        return put_key(to, op);
    }
    if (op->form == CM_FORM_META_SET) {
        return put_set_flag(to, reply, letter);
    }
    if (!found) {
        return to;
    }
    if (op->form == CM_FORM_META_GET) {
        return put_get_flag(to, reply, letter, flag.touched);
    }
    return op->form == CM_FORM_META_ARITH ? put_arith_flag(to, reply, letter, flag.touched) : to;
}

static char *put_flags(char *to, const struct cm_op *op, const struct cm_reply *reply) {
    if (op->echo_bytes == 0) {
        return to;
    }
    const char *at = op->echo;
    const char *end = at + op->echo_bytes;
    struct flag flag = {.touched = false};
    while (at < end) {
        const char *from = at;
        while (at < end && *at != ' ') {
            at++;
        }
        if (at > from) {
            flag.text = cm_slice(from, (size_t)(at - from));
            to = put_flag_answer(to, op, reply, flag);
            flag.touched = flag.touched || *from == 'T';
        }
        at++;
    }
    return to;
}

/* W, X and Z, which the server adds by itself. */
static char *put_win_flags(char *to, const struct cm_reply *reply) {
    if (reply->win_sent) {
        to = put_flag(to, 'Z');
    }
    if (reply->stale) {
        to = put_flag(to, 'X');
    }
    return reply->won ? put_flag(to, 'W') : to;
}

/* ME key exp= la= cas= fetch= cls= size= */
static void encode_debug(const struct cm_op *op, const struct cm_reply *reply, struct cm_out *out) {
    if (reply->outcome != CM_OUTCOME_HIT) {
        cm_out_put(out, CM_SLICE("EN\r\n"));
        return;
    }
    char *to = cm_out_tail(out);
    const struct {
        struct cm_slice name;
        int64_t number;
    } fields[] = {
        {CM_SLICE(" exp="), reply->ttl_s},
        {CM_SLICE(" la="), reply->idle_s},
    };
    memcpy(to, "ME ", 3);
    to += 3;
    if ((op->marks & CM_MARK_BASE64) != 0) {
        to += cm_base64_encode(op->key, to);
    } else {
        memcpy(to, op->key.data, op->key.len);
        to += op->key.len;
    }
    for (size_t i = 0; i < 2; i++) {
        memcpy(to, fields[i].name.data, fields[i].name.len);
        to += fields[i].name.len;
        to += cm_num_format_i64(to, fields[i].number);
    }
    cm_out_wrote(out, to);
    cm_out_put(out, CM_SLICE(" cas="));
    out->len += cm_num_format_u64(cm_out_tail(out), reply->cas);
    cm_out_put(out, reply->fetched ? CM_SLICE(" fetch=yes cls=") : CM_SLICE(" fetch=no cls="));
    out->len += cm_num_format_u64(cm_out_tail(out), reply->size_class);
    cm_out_put(out, CM_SLICE(" size="));
    out->len += cm_num_format_u64(cm_out_tail(out), reply->item_bytes);
    cm_out_put(out, CM_SLICE("\r\n"));
}

/* The number of an ma, as a value. */
static void encode_arith_value(uint64_t number, struct cm_out *out) {
    out->len += cm_num_format_u64(cm_out_tail(out), number);
    cm_out_put(out, CM_SLICE("\r\n"));
}

static uint64_t value_bytes(const struct cm_op *op, const struct cm_reply *reply) {
    char digits[CM_NUM_U64_CHARS];
    return op->form == CM_FORM_META_ARITH ? cm_num_format_u64(digits, reply->number)
                                          : reply->value.bytes;
}

static void encode_error(const struct cm_op *op, enum cm_outcome outcome, struct cm_out *out) {
    if (outcome == CM_OUTCOME_NO_MEMORY && op->form != CM_FORM_META_SET) {
        cm_out_put(out, CM_SLICE("SERVER_ERROR out of memory\r\n"));
    } else {
        cm_out_put(out, cm_memcache_error_line(outcome));
    }
}

void cm_memcache_encode_meta(const struct cm_op *op, struct cm_reply *reply, struct cm_out *out) {
    if (op->form == CM_FORM_META_DEBUG) {
        encode_debug(op, reply, out);
        return;
    }
    const struct cm_slice code = code_of(op, reply);
    if (code.len == 0) {
        encode_error(op, reply->outcome, out);
        return;
    }
    if (is_hushed(op, reply->outcome)) {
        return;
    }
    char *to = cm_out_tail(out);
    memcpy(to, code.data, code.len);
    to += code.len;
    const bool with_value = code.len == 3;
    if (with_value) {
        to += cm_num_format_u64(to, value_bytes(op, reply));
    }
    to = put_flags(to, op, reply);
    if (op->form == CM_FORM_META_GET && reply->outcome == CM_OUTCOME_HIT) {
        to = put_win_flags(to, reply);
    }
    memcpy(to, "\r\n", 2);
    cm_out_wrote(out, to + 2);
    if (with_value && op->form == CM_FORM_META_ARITH) {
        encode_arith_value(reply->number, out);
    } else if (with_value) {
        cm_memcache_put_value(reply, out);
        cm_out_put(out, CM_SLICE("\r\n"));
    }
}

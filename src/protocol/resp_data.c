/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/resp.h"

/* The commands on one key. Arguments are judged from left to right, because those behind a long one
 * may not have been seen. */

/* The op of a request whose first argument is a key; NULL: answered, the key is none. */
static struct cm_op *keyed_op(const struct cm_resp_request *request, enum cm_op_kind kind,
                              enum cm_resp_form form) {
    if (!cm_resp_is_key(request->at[1].len)) {
        (void)cm_resp_answer(request, CM_RESP_BAD_KEY);
        return NULL;
    }
    struct cm_op *op = cm_resp_op(request, kind, form);
    op->key = request->at[1];
    return op;
}

/* Takes the op back and answers instead. */
static enum cm_resp_end answer_instead(const struct cm_resp_request *request,
                                       struct cm_slice line) {
    request->batch->count--;
    return cm_resp_answer(request, line);
}

void cm_resp_set_value(struct cm_resp_request *request, struct cm_op *op, unsigned argument) {
    op->value = request->at[argument];
    if (op->key.len + op->value.len > request->batch->limits.item_bytes_max) {
        op->kind = CM_OP_STORE_REFUSE;
        op->value.data = NULL;
    } else if (request->cut && argument == request->known - 1) {
        op->kind = CM_OP_STORE_LONG;
        op->value.data = NULL;
        request->streams = true;
    }
}

/* ---- expiry ---- */

static bool is_too_late(const struct cm_parse_limits *limits, int64_t number, unsigned unit) {
    const int64_t ms_max = INT64_MAX - (limits->wall_zero_s + limits->now_s) * 1000;
    if (number <= 0) {
        return false;
    }
    if ((unit & CM_RESP_MILLISECONDS) == 0 && number > INT64_MAX / 1000) {
        return true;
    }
    const int64_t ms = (unit & CM_RESP_MILLISECONDS) != 0 ? number : number * 1000;
    return (unit & CM_RESP_ABSOLUTE) == 0 && ms > ms_max;
}

/* The clock second, rounded up. `number` is positive. */
static uint32_t clock_second(const struct cm_parse_limits *limits, int64_t number, unsigned unit) {
    const int64_t seconds =
        (unit & CM_RESP_MILLISECONDS) != 0 ? number / 1000 + (number % 1000 != 0) : number;
    const int64_t at =
        (unit & CM_RESP_ABSOLUTE) != 0 ? seconds - limits->wall_zero_s : seconds + limits->now_s;
    /* 0 means never: what lies before the clock's start has expired at its first second. */
    return at < 1 ? 1 : at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

static struct cm_slice bad_expiry(enum cm_op_kind kind) {
    return kind == CM_OP_GET ? CM_SLICE("-ERR invalid expire time in 'getex' command\r\n")
                             : CM_SLICE("-ERR invalid expire time in 'set' command\r\n");
}

/* Empty, or the line that refuses it. */
static struct cm_slice set_expiry(const struct cm_parse_limits *limits, struct cm_op *op,
                                  struct cm_slice text, unsigned unit) {
    int64_t number;
    if (!cm_resp_integer(text, &number)) {
        return CM_RESP_NOT_INTEGER;
    }
    if (number <= 0 || is_too_late(limits, number, unit)) {
        return bad_expiry(op->kind);
    }
    op->expires = clock_second(limits, number, unit);
    return CM_SLICE("");
}

/* ---- options ---- */

static const struct {
    struct cm_slice word;
    unsigned unit;
} units[] = {
    {{"ex", 2}, CM_RESP_SECONDS},
    {{"px", 2}, CM_RESP_MILLISECONDS},
    {{"exat", 4}, CM_RESP_ABSOLUTE},
    {{"pxat", 4}, CM_RESP_ABSOLUTE | CM_RESP_MILLISECONDS},
};

static bool find_unit(struct cm_slice word, unsigned *unit) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (cm_resp_is(word, units[i].word)) {
            *unit = units[i].unit;
            return true;
        }
    }
    return false;
}

/* What SET and GETEX may be told about the expiry. */
struct expiry {
    bool timed;    /* one of the units has been given */
    bool settled;  /* or KEEPTTL, or PERSIST */
    bool too_long; /* to be a number */
    unsigned unit;
    struct cm_slice number;
};

/* EX and the like, at `*i`: moves to its number. False: it is none. */
static bool take_unit(const struct cm_resp_request *request, unsigned *i, struct expiry *expiry) {
    if (expiry->settled || *i + 1 >= request->known || !find_unit(request->at[*i], &expiry->unit)) {
        return false;
    }
    expiry->settled = expiry->timed = true;
    expiry->number = request->at[++*i];
    expiry->too_long = expiry->number.len > CM_RESP_WORD_MAX;
    return true;
}

static struct cm_slice finish_expiry(const struct cm_resp_request *request,
                                     const struct expiry *expiry, struct cm_op *op) {
    return expiry->timed ? set_expiry(&request->batch->limits, op, expiry->number, expiry->unit)
                         : CM_SLICE("");
}

/* NX, XX, GET and KEEPTTL. */
static bool take_set_word(struct cm_slice word, struct expiry *expiry, struct cm_op *op) {
    if (cm_resp_is(word, CM_SLICE("nx")) && op->mode != CM_MODE_REPLACE) {
        op->mode = CM_MODE_ADD;
    } else if (cm_resp_is(word, CM_SLICE("xx")) && op->mode != CM_MODE_ADD) {
        op->mode = CM_MODE_REPLACE;
    } else if (cm_resp_is(word, CM_SLICE("get"))) {
        op->options |= CM_OP_WANT_OLD;
        op->form = CM_RESP_OLD;
    } else if (cm_resp_is(word, CM_SLICE("keepttl")) && !expiry->timed) {
        op->options |= CM_OP_KEEP_TTL;
        expiry->settled = true;
    } else {
        return false;
    }
    return true;
}

struct cm_slice cm_resp_set_options(const struct cm_resp_request *request, unsigned first,
                                    struct cm_op *op) {
    struct expiry expiry = {.timed = false};
    for (unsigned i = first; i < request->known; i++) {
        if (take_unit(request, &i, &expiry)) {
            if (expiry.too_long) {
                return CM_RESP_NOT_INTEGER; /* what follows has not been looked at */
            }
        } else if (!take_set_word(request->at[i], &expiry, op)) {
            return CM_RESP_SYNTAX;
        }
    }
    return finish_expiry(request, &expiry, op);
}

/* ---- reading ---- */

enum cm_resp_end cm_resp_parse_get(struct cm_resp_request *request) {
    (void)keyed_op(request, CM_OP_GET, CM_RESP_VALUE);
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_inspect(struct cm_resp_request *request) {
    (void)keyed_op(request, CM_OP_INSPECT, request->command->argument);
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_getex(struct cm_resp_request *request) {
    if (request->count > CM_RESP_ARGS_MAX) {
        return cm_resp_answer(request, CM_RESP_SYNTAX);
    }
    struct cm_op *op = keyed_op(request, CM_OP_GET, CM_RESP_VALUE);
    struct expiry expiry = {.timed = false};
    if (op == NULL) {
        return CM_RESP_DONE;
    }
    for (unsigned i = 2; i < request->known; i++) {
        if (take_unit(request, &i, &expiry)) {
            if (expiry.too_long) {
                return answer_instead(request, CM_RESP_NOT_INTEGER);
            }
        } else if (cm_resp_is(request->at[i], CM_SLICE("persist")) && !expiry.timed) {
            expiry.settled = true;
        } else {
            return answer_instead(request, CM_RESP_SYNTAX);
        }
    }
    const struct cm_slice refusal = finish_expiry(request, &expiry, op);
    op->options = expiry.settled ? CM_OP_SET_EXPIRES : 0;
    return refusal.len > 0 ? answer_instead(request, refusal) : CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_getdel(struct cm_resp_request *request) {
    struct cm_op *op = keyed_op(request, CM_OP_DELETE, CM_RESP_OLD);
    if (op != NULL) {
        op->options = CM_OP_WANT_OLD;
    }
    return CM_RESP_DONE;
}

/* ---- storing ---- */

enum cm_resp_end cm_resp_parse_set(struct cm_resp_request *request) {
    if (CM_UNLIKELY(request->count > CM_RESP_ARGS_MAX)) {
        return cm_resp_answer(request, CM_RESP_SYNTAX);
    }
    struct cm_op *op = keyed_op(request, CM_OP_STORE, CM_RESP_TEXT);
    if (op == NULL) {
        return CM_RESP_DONE;
    }
    cm_resp_set_value(request, op, 2);
    if (op->kind == CM_OP_STORE_REFUSE || request->known <= 3) {
        return CM_RESP_DONE;
    }
    const struct cm_slice refusal = cm_resp_set_options(request, 3, op);
    return refusal.len > 0 ? answer_instead(request, refusal) : CM_RESP_DONE;
}

/* KEY VALUE, with nothing behind it. */
static struct cm_op *store_op(struct cm_resp_request *request, enum cm_store_mode mode,
                              enum cm_resp_form form) {
    struct cm_op *op = keyed_op(request, CM_OP_STORE, form);
    if (op != NULL) {
        op->mode = (uint8_t)mode;
        cm_resp_set_value(request, op, 2);
    }
    return op;
}

enum cm_resp_end cm_resp_parse_setnx(struct cm_resp_request *request) {
    (void)store_op(request, CM_MODE_ADD, CM_RESP_BOOL);
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_getset(struct cm_resp_request *request) {
    struct cm_op *op = store_op(request, CM_MODE_SET, CM_RESP_OLD);
    if (op != NULL) {
        op->options = CM_OP_WANT_OLD;
    }
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_append(struct cm_resp_request *request) {
    struct cm_op *op = store_op(request, CM_MODE_APPEND, CM_RESP_LENGTH);
    if (op != NULL) {
        op->options = CM_OP_VIVIFY | CM_OP_WANT_SIZE;
    }
    return CM_RESP_DONE;
}

/* As an error names it: in the words of the command that was sent. */
static enum cm_resp_end complain_expiry(const struct cm_resp_request *request) {
    const struct cm_slice pieces[] = {CM_SLICE("invalid expire time in '"), request->command->name,
                                      CM_SLICE("' command")};
    request->batch->count--;
    return cm_resp_complain(request, pieces, 3);
}

enum cm_resp_end cm_resp_parse_setex(struct cm_resp_request *request) {
    const struct cm_parse_limits *limits = &request->batch->limits;
    const unsigned unit = request->command->argument;
    int64_t number;
    struct cm_op *op = keyed_op(request, CM_OP_STORE, CM_RESP_TEXT);
    if (op == NULL) {
        return CM_RESP_DONE;
    }
    if (!cm_resp_integer(request->at[2], &number)) {
        return answer_instead(request, CM_RESP_NOT_INTEGER);
    }
    if (number <= 0 || is_too_late(limits, number, unit)) {
        return complain_expiry(request);
    }
    op->expires = clock_second(limits, number, unit);
    cm_resp_set_value(request, op, 3);
    return CM_RESP_DONE;
}

/* ---- counting ---- */

/* A missing item begins at zero. */
static enum cm_resp_end count(const struct cm_resp_request *request, struct cm_op *op,
                              int64_t delta) {
    op->options = CM_OP_VIVIFY;
    op->selector = CM_ARITH_SIGNED;
    op->delta = (uint64_t)delta;
    op->initial = (uint64_t)delta;
    if (request->command->argument == CM_OP_DECREMENT) {
        op->options |= CM_OP_DECREMENT;
        op->initial = 0 - op->initial;
    }
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_incr(struct cm_resp_request *request) {
    struct cm_op *op = keyed_op(request, CM_OP_ARITH, CM_RESP_NUMBER);
    return op == NULL ? CM_RESP_DONE : count(request, op, 1);
}

enum cm_resp_end cm_resp_parse_incrby(struct cm_resp_request *request) {
    int64_t delta;
    struct cm_op *op = keyed_op(request, CM_OP_ARITH, CM_RESP_NUMBER);
    if (op == NULL) {
        return CM_RESP_DONE;
    }
    if (!cm_resp_integer(request->at[2], &delta)) {
        return answer_instead(request, CM_RESP_NOT_INTEGER);
    }
    if (request->command->argument == CM_OP_DECREMENT && delta == INT64_MIN) {
        return answer_instead(request, CM_SLICE("-ERR decrement would overflow\r\n"));
    }
    return count(request, op, delta);
}

/* ---- expiring ---- */

static enum cm_resp_end refuse_condition(const struct cm_resp_request *request) {
    const struct cm_slice pieces[] = {CM_SLICE("Unsupported option "), request->at[3]};
    request->batch->count--;
    return cm_resp_complain(request, pieces, 2);
}

/* What is to have expired already is deleted. */
enum cm_resp_end cm_resp_parse_expire(struct cm_resp_request *request) {
    const struct cm_parse_limits *limits = &request->batch->limits;
    const unsigned unit = request->command->argument;
    int64_t number;
    struct cm_op *op = keyed_op(request, CM_OP_TOUCH, CM_RESP_BOOL);
    if (op == NULL) {
        return CM_RESP_DONE;
    }
    if (!cm_resp_integer(request->at[2], &number)) {
        return answer_instead(request, CM_RESP_NOT_INTEGER);
    }
    if (request->known > 3) {
        return refuse_condition(request);
    }
    if (is_too_late(limits, number, unit)) {
        return complain_expiry(request);
    }
    op->expires = number > 0 ? clock_second(limits, number, unit) : 0;
    if (op->expires <= limits->now_s) {
        op->kind = CM_OP_DELETE;
    }
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_parse_persist(struct cm_resp_request *request) {
    (void)keyed_op(request, CM_OP_TOUCH, CM_RESP_PERSIST);
    return CM_RESP_DONE;
}

/* SPDX-License-Identifier: BSD-3-Clause */

/* Redis' protocol, RESP2. */
#include "stress/dialect.h"

#define LITERAL(at, text) cm_stress_put((at), CM_SLICE(text))

static char *put_count(char *at, char sign, uint64_t count) {
    *at++ = sign;
    return LITERAL(cm_stress_put_number(at, count), "\r\n");
}

static char *put_word(char *at, struct cm_slice word) {
    at = put_count(at, '$', word.len);
    return LITERAL(cm_stress_put(at, word), "\r\n");
}

static char *put_number_word(char *at, uint32_t number) {
    char digits[CM_NUM_U64_CHARS];
    return put_word(at, cm_slice(digits, cm_num_format_u64(digits, number)));
}

/* SET key value [EX seconds] [NX] */
static char *put_store(char *at, const struct cm_stress_ask *ask) {
    at = put_count(at, '*', 3 + (ask->ttl_s > 0 ? 2u : 0) + (ask->kind != CM_STRESS_SET));
    at = put_word(LITERAL(at, "$3\r\nSET\r\n"), ask->key);
    return put_count(at, '$', ask->value_bytes);
}

static char *resp_put_end(char *at, const struct cm_stress_ask *ask) {
    at = LITERAL(at, "\r\n");
    if (ask->ttl_s > 0)
        at = put_number_word(LITERAL(at, "$2\r\nEX\r\n"), ask->ttl_s);
    return ask->kind == CM_STRESS_SET ? at : LITERAL(at, "$2\r\nNX\r\n");
}

static char *resp_put(char *at, const struct cm_stress_ask *ask) {
    switch (ask->kind) {
    case CM_STRESS_GET:
        at = LITERAL(at, "*2\r\n$3\r\nGET\r\n");
        break;
    case CM_STRESS_SET:
    case CM_STRESS_ADD:
    case CM_STRESS_COUNTER:
        return put_store(at, ask);
    case CM_STRESS_DELETE:
        at = LITERAL(at, "*2\r\n$3\r\nDEL\r\n");
        break;
    case CM_STRESS_TOUCH:
        if (ask->ttl_s == 0) {
            at = LITERAL(at, "*2\r\n$5\r\nTOUCH\r\n");
            break;
        }
        at = put_word(LITERAL(at, "*3\r\n$6\r\nEXPIRE\r\n"), ask->key);
        return put_number_word(at, ask->ttl_s);
    case CM_STRESS_INCR:
        at = LITERAL(at, "*2\r\n$4\r\nINCR\r\n");
        break;
    case CM_STRESS_LOGIN:
        break;
    }
    return put_word(at, ask->key);
}

static char *resp_put_many(char *at, const struct cm_slice *keys, size_t count) {
    at = LITERAL(put_count(at, '*', count + 1), "$4\r\nMGET\r\n");
    for (size_t i = 0; i < count; i++)
        at = put_word(at, keys[i]);
    return at;
}

static char *resp_put_login(char *at, const struct cm_stress_login *login) {
    at = LITERAL(at, "*3\r\n$4\r\nAUTH\r\n");
    at = put_word(at, cm_slice(login->user, strlen(login->user)));
    return put_word(at, cm_slice(login->password, strlen(login->password)));
}

/* ---- answers ---- */

/* "$-1" or "$bytes" and so many */
static void scan_bulk(struct cm_slice in, struct cm_slice number, struct cm_stress_piece *piece) {
    uint32_t bytes = 0;
    if (cm_slice_equal(number, CM_SLICE("-1")))
        piece->found = CM_STRESS_MISS;
    else if (cm_num_u32(number, &bytes))
        cm_stress_take_value(in, piece->used, bytes, piece);
    else
        piece->found = CM_STRESS_BAD;
}

/* A get's, of one key, or of several in an array. */
static void scan_get(struct cm_slice in, struct cm_slice line,
                     const struct cm_stress_request *request, struct cm_stress_piece *piece) {
    const bool is_array = request->count > 1;
    const struct cm_slice number = cm_slice(line.data + 1, line.len - 1);
    uint32_t count = 0;
    piece->found = CM_STRESS_BAD;
    if (is_array && request->seen == 0) {
        if (line.data[0] == '*' && cm_num_u32(number, &count) && count == request->count)
            piece->found = CM_STRESS_NEXT;
        return;
    }
    if (line.data[0] == '$')
        scan_bulk(in, number, piece);
    piece->last = !is_array || request->seen == request->count;
}

static enum cm_stress_found outcome(struct cm_slice line, unsigned kind) {
    const bool is_add = kind == CM_STRESS_ADD || kind == CM_STRESS_COUNTER;
    uint64_t number = 0;
    if (is_add && cm_slice_equal(line, CM_SLICE("$-1")))
        return CM_STRESS_NO;
    if (is_add || kind == CM_STRESS_SET || kind == CM_STRESS_LOGIN)
        return cm_slice_equal(line, CM_SLICE("+OK")) ? CM_STRESS_DONE : CM_STRESS_BAD;
    if (line.data[0] != ':' || !cm_num_u64(cm_slice(line.data + 1, line.len - 1), &number))
        return CM_STRESS_BAD;
    return number > 0 || kind == CM_STRESS_INCR ? CM_STRESS_DONE : CM_STRESS_NO;
}

static void resp_scan(struct cm_slice in, const struct cm_stress_request *request,
                      struct cm_stress_piece *piece) {
    struct cm_slice line;
    if (!cm_stress_line(in, &line, piece))
        return;
    if (line.len == 0) {
        piece->found = CM_STRESS_BAD;
    } else if (line.data[0] == '-' && (request->seen == 0 || request->count == 1)) {
        cm_stress_end(piece, CM_STRESS_ERROR);
        piece->text = cm_slice(line.data + 1, line.len - 1);
    } else if (request->kind == CM_STRESS_GET) {
        scan_get(in, line, request, piece);
    } else {
        cm_stress_end(piece, outcome(line, request->kind));
    }
}

const struct cm_stress_dialect cm_stress_resp = {
    "resp", resp_put, resp_put_end, resp_put_many, resp_put_login, resp_scan,
};

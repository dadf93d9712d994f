/* SPDX-License-Identifier: BSD-3-Clause */

/* memcached's binary protocol. */
#include "base/endian.h"
#include "stress/dialect.h"

enum {
    HEAD_BYTES = 24,
    EXPIRY_BYTES = 4,
    STORE_EXTRAS_BYTES = 8,
    INCR_EXTRAS_BYTES = 20,
    /* opcodes */
    GET = 0x00,
    SET = 0x01,
    ADD = 0x02,
    DELETE = 0x04,
    INCREMENT = 0x05,
    NOOP = 0x0a,
    GETKQ = 0x0d,
    TOUCH = 0x1c,
    SASL_AUTH = 0x21,
    /* statuses */
    NOT_FOUND = 1,
    EXISTS = 2,
    NOT_STORED = 5,
};

static unsigned char opcode_of(unsigned kind) {
    static const unsigned char opcodes[] = {
        [CM_STRESS_GET] = GET,       [CM_STRESS_SET] = SET,         [CM_STRESS_ADD] = ADD,
        [CM_STRESS_DELETE] = DELETE, [CM_STRESS_TOUCH] = TOUCH,     [CM_STRESS_INCR] = INCREMENT,
        [CM_STRESS_COUNTER] = ADD,   [CM_STRESS_LOGIN] = SASL_AUTH,
    };
    return opcodes[kind];
}

struct body {
    size_t key_bytes, extras_bytes, value_bytes;
};

static char *put_head(char *at, unsigned char opcode, const struct body *body) {
    memset(at, 0, HEAD_BYTES);
    at[0] = (char)0x80;
    at[1] = (char)opcode;
    cm_store_be16(at + 2, (uint16_t)body->key_bytes);
    at[4] = (char)body->extras_bytes;
    cm_store_be32(at + 8, (uint32_t)(body->key_bytes + body->extras_bytes + body->value_bytes));
    return at + HEAD_BYTES;
}

static char *binary_put(char *at, const struct cm_stress_ask *ask) {
    struct body body = {.key_bytes = ask->key.len};
    char extras[INCR_EXTRAS_BYTES] = {0};
    switch (ask->kind) {
    case CM_STRESS_SET:
    case CM_STRESS_ADD:
    case CM_STRESS_COUNTER:
        body.extras_bytes = STORE_EXTRAS_BYTES; /* flags, expiry */
        body.value_bytes = ask->value_bytes;
        break;
    case CM_STRESS_TOUCH:
        body.extras_bytes = EXPIRY_BYTES;
        break;
    case CM_STRESS_INCR: /* by one, from zero if it is not there; expiry */
        body.extras_bytes = INCR_EXTRAS_BYTES;
        cm_store_be64(extras, 1);
        break;
    case CM_STRESS_GET:
    case CM_STRESS_DELETE:
    case CM_STRESS_LOGIN:
        break;
    }
    at = put_head(at, opcode_of(ask->kind), &body);
    if (body.extras_bytes > 0)
        cm_store_be32(extras + body.extras_bytes - EXPIRY_BYTES, ask->ttl_s);
    at = cm_stress_put(at, cm_slice(extras, body.extras_bytes));
    return cm_stress_put(at, ask->key);
}

static char *binary_put_end(char *at, const struct cm_stress_ask *ask) {
    (void)ask;
    return at;
}

static char *binary_put_many(char *at, const struct cm_slice *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        at = put_head(at, GETKQ, &(struct body){.key_bytes = keys[i].len});
        at = cm_stress_put(at, keys[i]);
    }
    return put_head(at, NOOP, &(struct body){0});
}

/* SASL's PLAIN: nobody to act for, the user, the password, with zeros between them */
static char *binary_put_login(char *at, const struct cm_stress_login *login) {
    const struct cm_slice mechanism = CM_SLICE("PLAIN");
    const struct cm_slice user = cm_slice(login->user, strlen(login->user));
    const struct cm_slice password = cm_slice(login->password, strlen(login->password));
    const struct body body = {.key_bytes = mechanism.len,
                              .value_bytes = user.len + password.len + 2};
    at = cm_stress_put(put_head(at, SASL_AUTH, &body), mechanism);
    *at++ = '\0';
    at = cm_stress_put(at, user);
    *at++ = '\0';
    return cm_stress_put(at, password);
}

/* ---- answers ---- */

static bool is_expected(unsigned char opcode, const struct cm_stress_request *request) {
    if (request->count > 1)
        return opcode == GETKQ || opcode == NOOP;
    return opcode == opcode_of(request->kind);
}

static void take_value(struct cm_slice body, const char *head, struct cm_stress_piece *piece) {
    const size_t key_bytes = cm_load_be16(head + 2), extras_bytes = (unsigned char)head[4];
    if (key_bytes + extras_bytes > body.len) {
        piece->found = CM_STRESS_BAD;
        return;
    }
    const size_t before = key_bytes + extras_bytes;
    piece->found = CM_STRESS_VALUE;
    piece->key = cm_slice(body.data + extras_bytes, key_bytes);
    piece->text = cm_slice(body.data + before, body.len - before);
}

/* memcached answers an increment NOT_STORED if another client has created the counter between its look
 * for it and its own attempt to create it. */
static void take_outcome(unsigned status, const struct cm_stress_request *request,
                         struct cm_stress_piece *piece) {
    const bool is_get = request->kind == CM_STRESS_GET;
    const bool is_store = request->kind == CM_STRESS_SET || request->kind == CM_STRESS_ADD ||
                          request->kind == CM_STRESS_COUNTER;
    if (status == 0)
        cm_stress_end(piece, CM_STRESS_DONE);
    else if (status == NOT_FOUND && is_get)
        cm_stress_end(piece, CM_STRESS_MISS);
    else if ((status == NOT_FOUND && !is_store && request->kind != CM_STRESS_LOGIN) ||
             (status == EXISTS && is_store) ||
             (status == NOT_STORED && (is_store || request->kind == CM_STRESS_INCR)))
        cm_stress_end(piece, CM_STRESS_NO);
    else
        cm_stress_end(piece, CM_STRESS_ERROR);
}

static void binary_scan(struct cm_slice in, const struct cm_stress_request *request,
                        struct cm_stress_piece *piece) {
    const char *head = in.data;
    piece->found = CM_STRESS_PART;
    if ((unsigned char)head[0] != 0x81)
        piece->found = CM_STRESS_BAD;
    if (in.len < HEAD_BYTES || piece->found == CM_STRESS_BAD)
        return;
    const unsigned char opcode = (unsigned char)head[1];
    const uint32_t body_bytes = cm_load_be32(head + 8);
    const unsigned status = cm_load_be16(head + 6);
    const bool is_value = request->kind == CM_STRESS_GET && opcode != NOOP && status == 0;
    const size_t most =
        is_value ? CM_STRESS_VALUE_BYTES_MAX + CM_STRESS_LINE_MAX : CM_STRESS_LINE_MAX;
    if (!is_expected(opcode, request) || body_bytes > most)
        piece->found = CM_STRESS_BAD;
    else if (in.len >= HEAD_BYTES + (size_t)body_bytes) {
        const struct cm_slice body = cm_slice(in.data + HEAD_BYTES, body_bytes);
        piece->used = HEAD_BYTES + (size_t)body_bytes;
        if (is_value)
            take_value(body, head, piece);
        else
            take_outcome(status, request, piece);
        if (piece->found == CM_STRESS_ERROR)
            piece->text = body;
        piece->last = request->count <= 1 || opcode == NOOP;
    }
}

const struct cm_stress_dialect cm_stress_binary = {
    "binary", binary_put, binary_put_end, binary_put_many, binary_put_login, binary_scan,
};

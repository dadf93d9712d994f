/* SPDX-License-Identifier: BSD-3-Clause */

/* memcached's text protocol, classic and meta. */
#include "stress/dialect.h"

#define LITERAL(at, text) cm_stress_put((at), CM_SLICE(text))

static bool begins(struct cm_slice in, struct cm_slice with) {
    return in.len >= with.len && memcmp(in.data, with.data, with.len) == 0;
}

/* The word up to the next space, taken off `rest` with the space. */
static struct cm_slice take_word(struct cm_slice *rest) {
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, ' ', rest->len);
    const struct cm_slice word =
        cm_slice(rest->data, end == NULL ? rest->len : (size_t)(end - rest->data));
    const size_t taken = word.len + (end != NULL);
    if (taken > 0)
        *rest = cm_slice(rest->data + taken, rest->len - taken);
    return word;
}

static bool is_error(struct cm_slice line, struct cm_stress_piece *piece) {
    if (!begins(line, CM_SLICE("ERROR")) && !begins(line, CM_SLICE("SERVER_ERROR ")) &&
        !begins(line, CM_SLICE("CLIENT_ERROR ")))
        return false;
    cm_stress_end(piece, CM_STRESS_ERROR);
    piece->text = line;
    return true;
}

static bool is_line(struct cm_slice line, const char *text) {
    return text != NULL && cm_slice_equal(line, cm_slice(text, strlen(text)));
}

static enum cm_stress_found outcome_of(struct cm_slice line, const char *done, const char *no) {
    if (is_line(line, done))
        return CM_STRESS_DONE;
    return is_line(line, no) ? CM_STRESS_NO : CM_STRESS_BAD;
}

static char *put_end(char *at, const struct cm_stress_ask *ask) {
    (void)ask;
    return LITERAL(at, "\r\n");
}

/* ---- classic ---- */

static char *put_store(char *at, struct cm_slice verb, const struct cm_stress_ask *ask) {
    at = cm_stress_put(at, verb);
    at = cm_stress_put(at, ask->key);
    at = LITERAL(at, " 0 ");
    at = cm_stress_put_number(at, ask->ttl_s);
    *at++ = ' ';
    at = cm_stress_put_number(at, ask->value_bytes);
    return LITERAL(at, "\r\n");
}

static char *text_put(char *at, const struct cm_stress_ask *ask) {
    switch (ask->kind) {
    case CM_STRESS_GET:
        at = LITERAL(at, "get ");
        break;
    case CM_STRESS_SET:
        return put_store(at, CM_SLICE("set "), ask);
    case CM_STRESS_ADD:
    case CM_STRESS_COUNTER:
        return put_store(at, CM_SLICE("add "), ask);
    case CM_STRESS_DELETE:
        at = LITERAL(at, "delete ");
        break;
    case CM_STRESS_TOUCH:
        at = cm_stress_put(LITERAL(at, "touch "), ask->key);
        *at++ = ' ';
        return LITERAL(cm_stress_put_number(at, ask->ttl_s), "\r\n");
    case CM_STRESS_INCR:
        return LITERAL(cm_stress_put(LITERAL(at, "incr "), ask->key), " 1\r\n");
    case CM_STRESS_LOGIN:
        break;
    }
    return LITERAL(cm_stress_put(at, ask->key), "\r\n");
}

static char *text_put_many(char *at, const struct cm_slice *keys, size_t count) {
    at = LITERAL(at, "get");
    for (size_t i = 0; i < count; i++) {
        *at++ = ' ';
        at = cm_stress_put(at, keys[i]);
    }
    return LITERAL(at, "\r\n");
}

/* A store command of any key, which has expired already. */
static char *text_put_login(char *at, const struct cm_stress_login *login) {
    const struct cm_slice user = cm_slice(login->user, strlen(login->user));
    const struct cm_slice password = cm_slice(login->password, strlen(login->password));
    at = LITERAL(at, "set auth 0 -1 ");
    at = LITERAL(cm_stress_put_number(at, user.len + 1 + password.len), "\r\n");
    at = LITERAL(cm_stress_put(at, user), " ");
    return LITERAL(cm_stress_put(at, password), "\r\n");
}

/* "VALUE key flags bytes" */
static void scan_value(struct cm_slice in, struct cm_stress_piece *piece) {
    struct cm_slice line;
    uint32_t bytes = 0, flags = 0;
    if (!cm_stress_line(in, &line, piece))
        return;
    struct cm_slice rest = cm_slice(line.data + 6, line.len - 6);
    piece->key = take_word(&rest);
    if (piece->key.len > 0 && cm_num_u32(take_word(&rest), &flags) && cm_num_u32(rest, &bytes))
        cm_stress_take_value(in, piece->used, bytes, piece);
    else
        piece->found = CM_STRESS_BAD;
}

static enum cm_stress_found text_outcome(struct cm_slice line, unsigned kind) {
    static const struct {
        const char *done, *no; /* NULL: no line says that */
    } words[] = {
        [CM_STRESS_GET] = {"END", NULL},
        [CM_STRESS_SET] = {"STORED", "NOT_STORED"},
        [CM_STRESS_ADD] = {"STORED", "NOT_STORED"},
        [CM_STRESS_DELETE] = {"DELETED", "NOT_FOUND"},
        [CM_STRESS_TOUCH] = {"TOUCHED", "NOT_FOUND"},
        [CM_STRESS_INCR] = {NULL, "NOT_FOUND"},
        [CM_STRESS_COUNTER] = {"STORED", "NOT_STORED"},
        [CM_STRESS_LOGIN] = {"STORED", NULL},
    };
    uint64_t number = 0;
    if (kind == CM_STRESS_INCR && cm_num_u64(line, &number))
        return CM_STRESS_DONE;
    return outcome_of(line, words[kind].done, words[kind].no);
}

static void text_scan(struct cm_slice in, const struct cm_stress_request *request,
                      struct cm_stress_piece *piece) {
    struct cm_slice line;
    if (request->kind == CM_STRESS_GET && begins(in, CM_SLICE("VALUE ")))
        scan_value(in, piece);
    else if (cm_stress_line(in, &line, piece) && !is_error(line, piece))
        cm_stress_end(piece, text_outcome(line, request->kind));
}

const struct cm_stress_dialect cm_stress_text = {
    "text", text_put, put_end, text_put_many, text_put_login, text_scan,
};

/* ---- meta ---- */

static char *put_meta(char *at, struct cm_slice verb, const struct cm_stress_ask *ask) {
    at = cm_stress_put(at, verb);
    return cm_stress_put(at, ask->key);
}

static char *put_flag(char *at, char flag, uint32_t number) {
    *at++ = ' ';
    *at++ = flag;
    return cm_stress_put_number(at, number);
}

static char *put_meta_store(char *at, const struct cm_stress_ask *ask) {
    at = put_meta(at, CM_SLICE("ms "), ask);
    *at++ = ' ';
    at = cm_stress_put_number(at, ask->value_bytes);
    if (ask->kind != CM_STRESS_SET)
        at = LITERAL(at, " ME");
    return ask->ttl_s == 0 ? at : put_flag(at, 'T', ask->ttl_s);
}

static char *meta_put(char *at, const struct cm_stress_ask *ask) {
    switch (ask->kind) {
    case CM_STRESS_GET:
        at = LITERAL(put_meta(at, CM_SLICE("mg "), ask), " v");
        break;
    case CM_STRESS_SET:
    case CM_STRESS_ADD:
    case CM_STRESS_COUNTER:
        at = put_meta_store(at, ask);
        break;
    case CM_STRESS_DELETE:
        at = put_meta(at, CM_SLICE("md "), ask);
        break;
    case CM_STRESS_TOUCH:
        at = put_flag(put_meta(at, CM_SLICE("mg "), ask), 'T', ask->ttl_s);
        break;
    case CM_STRESS_INCR: /* created if it is not there, to live so long */
        at = LITERAL(put_flag(put_meta(at, CM_SLICE("ma "), ask), 'N', ask->ttl_s), " J0");
        break;
    case CM_STRESS_LOGIN:
        break;
    }
    return LITERAL(at, "\r\n");
}

static char *meta_put_many(char *at, const struct cm_slice *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        at = cm_stress_put(LITERAL(at, "mg "), keys[i]);
        at = LITERAL(at, " v k q\r\n");
    }
    return LITERAL(at, "mn\r\n");
}

/* "VA bytes flags", of which one is the key */
static void scan_meta_value(struct cm_slice in, struct cm_stress_piece *piece) {
    struct cm_slice line;
    uint32_t bytes = 0;
    if (!cm_stress_line(in, &line, piece))
        return;
    struct cm_slice rest = cm_slice(line.data + 3, line.len - 3);
    const bool is_number = cm_num_u32(take_word(&rest), &bytes);
    while (rest.len > 0) {
        const struct cm_slice flag = take_word(&rest);
        if (flag.len > 0 && flag.data[0] == 'k')
            piece->key = cm_slice(flag.data + 1, flag.len - 1);
    }
    if (is_number)
        cm_stress_take_value(in, piece->used, bytes, piece);
    else
        piece->found = CM_STRESS_BAD;
}

static enum cm_stress_found meta_outcome(struct cm_slice line,
                                         const struct cm_stress_request *request) {
    static const struct {
        const char *done, *no; /* NULL: no line says that */
    } words[] = {
        [CM_STRESS_GET] = {NULL, NULL},     [CM_STRESS_SET] = {"HD", "NS"},
        [CM_STRESS_ADD] = {"HD", "NS"},     [CM_STRESS_DELETE] = {"HD", "NF"},
        [CM_STRESS_TOUCH] = {"HD", "EN"},   [CM_STRESS_INCR] = {"HD", "NF"},
        [CM_STRESS_COUNTER] = {"HD", "NS"}, [CM_STRESS_LOGIN] = {"STORED", NULL},
    };
    if (request->kind == CM_STRESS_GET && request->count == 1)
        return cm_slice_equal(line, CM_SLICE("EN")) ? CM_STRESS_MISS : CM_STRESS_BAD;
    if (request->kind == CM_STRESS_GET)
        return cm_slice_equal(line, CM_SLICE("MN")) ? CM_STRESS_DONE : CM_STRESS_BAD;
    return outcome_of(line, words[request->kind].done, words[request->kind].no);
}

static void meta_scan(struct cm_slice in, const struct cm_stress_request *request,
                      struct cm_stress_piece *piece) {
    struct cm_slice line;
    if (request->kind == CM_STRESS_GET && begins(in, CM_SLICE("VA "))) {
        scan_meta_value(in, piece);
        piece->last = request->count == 1;
    } else if (cm_stress_line(in, &line, piece) && !is_error(line, piece)) {
        cm_stress_end(piece, meta_outcome(line, request));
    }
}

const struct cm_stress_dialect cm_stress_meta = {
    "meta", meta_put, put_end, meta_put_many, text_put_login, meta_scan,
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include "base/num.h"
#include "protocol/memcache.h"

/* The meta commands: a key, and flags of one letter each, some with a token behind it. Every
 * command takes every flag, as in memcached, and ignores those that mean nothing to it. */

struct flags {
    uint64_t seen[2]; /* a bit a letter */
    uint64_t cas;
    uint64_t cas_new;
    uint64_t delta;
    uint64_t initial;
    uint32_t client_flags;
    uint32_t ttl;         /* T, as a clock second */
    uint32_t vivify_ttl;  /* N, as a clock second */
    uint32_t recache_s;   /* R */
    struct cm_slice mode; /* M's token */
    bool opaque_too_long;
    struct cm_slice error; /* the last one that did not stop the parsing; empty: none */
};

static bool has(const struct flags *flags, char letter) {
    return (flags->seen[(unsigned char)letter >> 6] >> ((unsigned char)letter & 63) & 1) != 0;
}

static bool is_flag_start(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void bad_token(struct flags *flags) {
    flags->error = CM_SLICE("CLIENT_ERROR bad token in command line format\r\n");
}

/* A token that is a TTL. */
static void parse_ttl(struct flags *flags, const struct cm_parse_limits *limits,
                      struct cm_slice token, uint32_t *out) {
    int64_t exptime;
    if (cm_num_i64(token, &exptime)) {
        *out = cm_memcache_expiry(limits, exptime);
    } else {
        bad_token(flags);
    }
}

/* R compares with what is left to live, so it stays a number of seconds. */
static void parse_recache(struct flags *flags, const struct cm_parse_limits *limits,
                          struct cm_slice token) {
    uint32_t at = 0;
    parse_ttl(flags, limits, token, &at);
    flags->recache_s = at > limits->now_s ? at - limits->now_s : 0;
}

static void parse_number(struct flags *flags, struct cm_slice token, uint64_t *out) {
    if (!cm_num_u64(token, out)) {
        bad_token(flags);
    }
}

/* A flag with a token. False: no such flag. */
static bool parse_token_flag(struct flags *flags, const struct cm_parse_limits *limits, char letter,
                             struct cm_slice token) {
    switch (letter) {
    case 'T':
        parse_ttl(flags, limits, token, &flags->ttl);
        return true;
    case 'N':
        parse_ttl(flags, limits, token, &flags->vivify_ttl);
        return true;
    case 'R':
        parse_recache(flags, limits, token);
        return true;
    case 'C':
        parse_number(flags, token, &flags->cas);
        return true;
    case 'E':
        parse_number(flags, token, &flags->cas_new);
        return true;
    case 'F':
        if (!cm_num_u32(token, &flags->client_flags)) {
            flags->error = CM_BAD_FORMAT;
        }
        return true;
    case 'J':
        if (!cm_num_u64(token, &flags->initial)) {
            flags->error = CM_SLICE("CLIENT_ERROR invalid numeric initial value\r\n");
        }
        return true;
    case 'D':
        if (!cm_num_u64(token, &flags->delta)) {
            flags->error = CM_SLICE("CLIENT_ERROR invalid numeric delta value\r\n");
        }
        return true;
    case 'M':
        flags->mode = token;
        return true;
    case 'O':
        flags->opaque_too_long = token.len + 1 > CM_OPAQUE_BYTES_MAX;
        return true;
    default:
        return false;
    }
}

static bool is_plain_flag(char letter) {
    return letter != '\0' && strchr("bcfhIkLlPqstuvx", letter) != NULL;
}

/* The flags from token `first` on. An empty slice, or the error to answer. */
static struct cm_slice parse_flags(const struct cm_request *request, unsigned first,
                                   struct flags *flags) {
    const struct cm_tokens *tokens = &request->tokens;
    *flags = (struct flags){.delta = 1};
    if (tokens->count > CM_META_TOKENS_MAX) {
        return CM_SLICE("CLIENT_ERROR options flags are too long\r\n");
    }
    for (unsigned i = first; i < tokens->count; i++) {
        const struct cm_slice token = tokens->at[i];
        const char letter = token.data[0];
        if (has(flags, letter)) {
            return CM_SLICE("CLIENT_ERROR duplicate flag\r\n");
        }
        flags->seen[(unsigned char)letter >> 6] |= (uint64_t)1 << ((unsigned char)letter & 63);
        if (!is_plain_flag(letter) && !parse_token_flag(flags, &request->batch->limits, letter,
                                                        cm_slice(token.data + 1, token.len - 1))) {
            return CM_SLICE("CLIENT_ERROR invalid flag\r\n");
        }
    }
    return flags->error;
}

/* False: a token cannot be a flag at all, or there are too few; the line as a whole is bad. */
static bool is_well_formed(const struct cm_request *request, unsigned first) {
    const struct cm_tokens *tokens = &request->tokens;
    if (tokens->count < first) {
        return false;
    }
    for (unsigned i = first; i < tokens->count && i < CM_TOKENS_MAX; i++) {
        if (!is_flag_start(tokens->at[i].data[0])) {
            return false;
        }
    }
    return true;
}

bool cm_memcache_set_key(const struct cm_request *request, struct cm_op *op, struct cm_slice token,
                         bool base64) {
    struct cm_batch *batch = request->batch;
    op->key = token;
    if (!base64) {
        return token.len <= CM_KEY_BYTES_MAX;
    }
    char *to = batch->scratch + batch->scratch_used;
    const size_t bytes = cm_base64_decode(token, to, CM_KEY_BYTES_MAX);
    if (bytes == 0) {
        return false;
    }
    batch->scratch_used += bytes;
    op->key = cm_slice(to, bytes);
    op->marks |= CM_MARK_BASE64;
    return true;
}

static bool key_is_too_long(const struct cm_request *request, const struct flags *flags) {
    const size_t max =
        has(flags, 'b') ? CM_BASE64_CHARS((size_t)CM_KEY_BYTES_MAX) : CM_KEY_BYTES_MAX;
    return request->tokens.at[1].len > max;
}

/* What all commands take from their flags, for the op `kind`; NULL: *error is to be answered. */
static struct cm_op *meta_op(const struct cm_request *request, enum cm_op_kind kind,
                             const struct flags *flags, struct cm_slice *error) {
    struct cm_op *op = cm_memcache_op(request, kind);
    if (!cm_memcache_set_key(request, op, request->tokens.at[1], has(flags, 'b'))) {
        request->batch->count--;
        *error = CM_SLICE("CLIENT_ERROR error decoding key\r\n");
        return NULL;
    }
    op->options = CM_OP_META | (has(flags, 'T') ? CM_OP_SET_EXPIRES : 0) |
                  (has(flags, 'N') ? CM_OP_VIVIFY : 0) | (has(flags, 'C') ? CM_OP_CAS : 0);
    op->marks |= has(flags, 'q') ? CM_MARK_QUIET : 0;
    op->expires = flags->ttl;
    op->vivify_expires = flags->vivify_ttl;
    op->cas = flags->cas;
    op->cas_new = flags->cas_new;
    return op;
}

/* The flags are answered in the order they came: keep their place in the line. */
static void set_echo(const struct cm_request *request, struct cm_op *op, unsigned first) {
    const struct cm_tokens *tokens = &request->tokens;
    if (tokens->count > first) {
        op->echo = tokens->at[first].data;
        op->echo_bytes = (uint16_t)(tokens->last.data + tokens->last.len - op->echo);
    }
}

/* Key and flags of a command without a value. NULL: it has been answered. */
static struct cm_op *parse_keyed(struct cm_request *request, enum cm_op_kind kind,
                                 struct flags *flags) {
    if (!is_well_formed(request, 2)) {
        (void)cm_memcache_answer(request, CM_BAD_FORMAT);
        return NULL;
    }
    struct cm_slice error = parse_flags(request, 2, flags);
    if (key_is_too_long(request, flags)) {
        error = CM_BAD_FORMAT;
    }
    if (error.len == 0 && flags->opaque_too_long) {
        error = CM_SLICE("CLIENT_ERROR opaque token too long\r\n");
    }
    struct cm_op *op = error.len == 0 ? meta_op(request, kind, flags, &error) : NULL;
    if (op == NULL) {
        (void)cm_memcache_answer(request, error);
        return NULL;
    }
    set_echo(request, op, 2);
    return op;
}

/* ---- the commands ---- */

enum cm_request_end cm_memcache_parse_meta_get(struct cm_request *request) {
    struct flags flags;
    struct cm_op *op = parse_keyed(request, CM_OP_GET, &flags);
    if (op == NULL) {
        return CM_REQUEST_DONE;
    }
    op->form = CM_FORM_META_GET;
    op->options |= (has(&flags, 'R') ? CM_OP_RECACHE : 0) | (has(&flags, 'u') ? CM_OP_NO_BUMP : 0) |
                   (has(&flags, 'v') ? 0 : CM_OP_NO_VALUE);
    op->marks |= has(&flags, 'v') ? CM_MARK_VALUE : 0;
    op->recache_s = flags.recache_s;
    return CM_REQUEST_DONE;
}

/* What M asks for; false: there is no such mode. */
static bool set_store_mode(struct cm_op *op, struct cm_slice mode) {
    switch (mode.len > 0 ? mode.data[0] : '\0') {
    case 'E':
        op->mode = CM_MODE_ADD;
        return true;
    case 'A':
        op->mode = CM_MODE_APPEND;
        return true;
    case 'P':
        op->mode = CM_MODE_PREPEND;
        return true;
    case 'R':
        op->mode = CM_MODE_REPLACE;
        return true;
    case 'S':
        op->mode = CM_MODE_SET;
        return true;
    default:
        return false;
    }
}

/* The options that depend on the mode. A cas makes set and replace the classic cas; add has no
 * item to compare with. Only appending and prepending vivify. */
static void settle_store_options(struct cm_op *op, const struct flags *flags) {
    const bool joins = op->mode == CM_MODE_APPEND || op->mode == CM_MODE_PREPEND;
    if (op->mode == CM_MODE_ADD) {
        op->options &= (uint16_t)~CM_OP_CAS;
    }
    if (!joins) {
        op->options &= (uint16_t)~CM_OP_VIVIFY;
        if ((op->options & CM_OP_CAS) != 0 && has(flags, 'I')) {
            op->options |= CM_OP_LOWER_CAS;
        }
    }
    op->options |= CM_OP_DROP_OLD | (has(flags, 's') ? CM_OP_WANT_SIZE : 0);
    op->client_flags = flags->client_flags;
}

/* The op of an ms whose line has nothing wrong. NULL: *error is to be answered. */
static struct cm_op *meta_set_op(const struct cm_request *request, const struct flags *flags,
                                 struct cm_slice *error) {
    struct cm_op *op = meta_op(request, CM_OP_STORE, flags, error);
    if (op == NULL) {
        return NULL;
    }
    if (has(flags, 'M') && !set_store_mode(op, flags->mode)) {
        *error = CM_SLICE("CLIENT_ERROR invalid mode for ms M token\r\n");
    } else if (flags->opaque_too_long) {
        *error = CM_SLICE("CLIENT_ERROR opaque token too long\r\n");
    }
    if (error->len > 0) {
        request->batch->count--;
        return NULL;
    }
    return op;
}

enum cm_request_end cm_memcache_parse_meta_set(struct cm_request *request) {
    struct flags flags;
    uint64_t bytes;
    if (!is_well_formed(request, 3) || !cm_num_u64(request->tokens.at[2], &bytes) ||
        bytes > CM_VALUE_BYTES_LIMIT) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    struct cm_slice error = parse_flags(request, 3, &flags);
    if (key_is_too_long(request, &flags)) {
        error = CM_BAD_FORMAT;
    }
    struct cm_op *op = error.len == 0 ? meta_set_op(request, &flags, &error) : NULL;
    if (op == NULL) {
        return cm_memcache_refuse(request, error, bytes);
    }
    op->form = CM_FORM_META_SET;
    settle_store_options(op, &flags);
    set_echo(request, op, 3);
    return cm_memcache_value(request, op, bytes);
}

enum cm_request_end cm_memcache_parse_meta_delete(struct cm_request *request) {
    struct flags flags;
    struct cm_op *op = parse_keyed(request, CM_OP_DELETE, &flags);
    if (op == NULL) {
        return CM_REQUEST_DONE;
    }
    op->form = CM_FORM_META_DELETE;
    op->options &= (uint16_t)~CM_OP_VIVIFY;
    op->options |= (has(&flags, 'I') ? CM_OP_STALE : 0) | (has(&flags, 'x') ? CM_OP_CLEAR : 0);
    return CM_REQUEST_DONE;
}

/* memcached answers any flag of ma that it cannot take with one and the same line. */
enum cm_request_end cm_memcache_parse_meta_arith(struct cm_request *request) {
    struct flags flags;
    if (!is_well_formed(request, 2)) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    struct cm_slice error = parse_flags(request, 2, &flags);
    struct cm_op *op = NULL;
    if (error.len == 0 && !key_is_too_long(request, &flags)) {
        op = meta_op(request, CM_OP_ARITH, &flags, &error);
    }
    if (op == NULL) {
        return cm_memcache_answer(request, CM_SLICE("CLIENT_ERROR invalid or duplicate flag\r\n"));
    }
    op->form = CM_FORM_META_ARITH;
    op->delta = flags.delta;
    op->initial = flags.initial;
    op->marks |= has(&flags, 'v') ? CM_MARK_VALUE : 0;
    set_echo(request, op, 2);
    const char mode = flags.mode.len > 0 ? flags.mode.data[0] : has(&flags, 'M') ? '\0' : 'I';
    if (mode == 'D' || mode == '-') {
        op->options |= CM_OP_DECREMENT;
    } else if (mode != 'I' && mode != '+') {
        error = CM_SLICE("CLIENT_ERROR invalid mode for ma M token\r\n");
    }
    if (error.len == 0 && flags.opaque_too_long) {
        error = CM_SLICE("CLIENT_ERROR opaque token too long\r\n");
    }
    if (error.len > 0) {
        request->batch->count--;
        return cm_memcache_answer(request, error);
    }
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_parse_meta_noop(struct cm_request *request) {
    return cm_memcache_answer(request, CM_SLICE("MN\r\n"));
}

enum cm_request_end cm_memcache_parse_meta_debug(struct cm_request *request) {
    const struct cm_tokens *tokens = &request->tokens;
    const bool base64 = tokens->count > 2 && cm_slice_equal(tokens->at[2], CM_SLICE("b"));
    struct cm_op *op = cm_memcache_op(request, CM_OP_INSPECT);
    if (tokens->count < 2 || !cm_memcache_set_key(request, op, request->tokens.at[1], base64)) {
        request->batch->count--;
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    op->form = CM_FORM_META_DEBUG;
    op->options = CM_OP_META;
    return CM_REQUEST_DONE;
}

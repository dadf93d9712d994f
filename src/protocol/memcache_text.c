/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/num.h"
#include "protocol/memcache.h"

/* The frame of memcached's text protocols: lines, the keys of multigets, what is to be dropped.
 *
 *            "get "                      \n or error
 *   LINE ------------------> KEYS -------------------------> LINE
 *    |  gat: the whole line   |  a key is too long
 *    |  has been seen         +-----------------> SKIP ----> LINE
 *    +---- a line: its command's parser ---+          \n
 *    ^                                     |
 *    +-------------------------------------+
 *
 * A get's keys become ops as they come, so that a line of any length needs no memory; any other
 * line is parsed whole. `swallow` bytes are dropped before anything else. */

struct command {
    struct cm_slice name;
    enum cm_request_end (*parse)(struct cm_request *request);
    unsigned argument;
};

static const struct command commands[] = {
#define CM_COMMAND(name, parser, argument, usage)                                                  \
    {{#name, sizeof #name - 1}, cm_memcache_parse_##parser, argument},
#include "tables/commands.def"
};

static bool is_error(struct cm_slice text) {
    static const struct cm_slice beginnings[] = {
        {"ERROR", 5}, {"CLIENT_ERROR", 12}, {"SERVER_ERROR", 12}};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        const size_t len = beginnings[i].len;
        if (text.len >= len && memcmp(text.data, beginnings[i].data, len) == 0) {
            return true;
        }
    }
    return false;
}

enum cm_request_end cm_memcache_answer(const struct cm_request *request, struct cm_slice text) {
    const bool counts = is_error(text);
    if (counts || !request->noreply) {
        struct cm_op *op = cm_memcache_op(request, CM_OP_REPLY);
        op->text = request->noreply ? CM_SLICE("") : text;
        op->selector = counts ? CM_REPLY_ERROR : CM_REPLY_PLAIN;
    }
    return CM_REQUEST_DONE;
}

enum cm_request_end cm_memcache_refuse(struct cm_request *request, struct cm_slice text,
                                       uint64_t bytes) {
    request->parser->swallow = bytes + 2;
    return cm_memcache_answer(request, text);
}

uint32_t cm_memcache_expiry(const struct cm_parse_limits *limits, int64_t exptime) {
    const int64_t relative_max = 60 * 60 * 24 * 30;
    if (exptime == 0) {
        return 0;
    }
    int64_t at = limits->now_s;
    if (exptime > relative_max) {
        at = exptime - limits->wall_zero_s;
    } else if (exptime > 0) {
        at += exptime;
    }
    /* 0 means never: what lies before the clock's start has expired at its first second. */
    return at < 1 ? 1 : at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

/* ---- lines ---- */

void cm_memcache_tokenize(struct cm_tokens *tokens, struct cm_slice line) {
    const char *at = line.data;
    const char *end = line.data + line.len;
    tokens->count = 0;
    while (at < end) {
        if (*at == ' ') {
            at++;
            continue;
        }
        const char *from = at;
        while (at < end && *at != ' ') {
            at++;
        }
        tokens->last = cm_slice(from, (size_t)(at - from));
        if (tokens->count < CM_TOKENS_MAX) {
            tokens->at[tokens->count] = tokens->last;
        }
        tokens->count++;
    }
}

static bool starts_with(struct cm_slice text, struct cm_slice prefix) {
    return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static bool last_is_noreply(const struct cm_tokens *tokens) {
    return tokens->count > 0 && cm_slice_equal(tokens->last, CM_SLICE("noreply"));
}

static enum cm_request_end parse_unknown(struct cm_request *request) {
    const struct cm_tokens *tokens = &request->tokens;
    if (tokens->count > 1 && starts_with(tokens->last, CM_SLICE("HTTP/"))) {
        return CM_REQUEST_CLOSE;
    }
    request->noreply = last_is_noreply(tokens);
    return cm_memcache_answer(request, CM_SLICE("ERROR\r\n"));
}

static const struct command *find_command(struct cm_slice name) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (cm_slice_equal(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

/* The most frequent ones are recognised without searching the table. */
static enum cm_request_end dispatch(struct cm_request *request, struct cm_slice line) {
    if (request->tokens.count == 0 || line.data[0] == ' ') {
        return parse_unknown(request);
    }
    const struct cm_slice name = request->tokens.at[0];
    if (name.len == 2 && name.data[0] == 'm' && name.data[1] == 'g') {
        return cm_memcache_parse_meta_get(request);
    }
    if (name.len == 3 && memcmp(name.data, "set", 3) == 0) {
        request->argument = CM_MODE_SET;
        return cm_memcache_parse_storage(request);
    }
    const struct command *command = find_command(name);
    if (command == NULL) {
        return parse_unknown(request);
    }
    request->argument = command->argument;
    return command->parse(request);
}

enum cm_request_end cm_memcache_take_line(struct cm_request *request, struct cm_slice *line) {
    const char *from = request->input.data + request->start;
    const size_t left = request->input.len - request->start;
    const size_t search = left <= CM_LINE_BYTES_MAX ? left : CM_LINE_BYTES_MAX + 1;
    const char *end = memchr(from, '\n', search);
    if (end == NULL) {
        request->parser->need_bytes = 0;
        return left > CM_LINE_BYTES_MAX ? CM_REQUEST_CLOSE : CM_REQUEST_MORE;
    }
    request->next = (size_t)(end - request->input.data) + 1;
    if (end > from && end[-1] == '\r') {
        end--;
    }
    request->noreply = false;
    *line = cm_slice(from, (size_t)(end - from));
    cm_memcache_tokenize(&request->tokens, *line);
    return CM_REQUEST_DONE;
}

/* One whole line from request->start on. */
static enum cm_request_end parse_line(struct cm_request *request) {
    struct cm_slice line;
    const enum cm_request_end end = cm_memcache_take_line(request, &line);
    return end == CM_REQUEST_DONE ? dispatch(request, line) : end;
}

/* ---- keys ---- */

static void start_keys(struct cm_parser *parser, unsigned marks) {
    parser->state = CM_STATE_KEYS;
    parser->multi_any = false;
    parser->multi_marks = (uint8_t)marks;
    parser->multi_options = 0;
    parser->multi_expires = 0;
}

/* True: the line starts a get or gets, and parser and `next` stand before its keys. */
static bool try_start_get(struct cm_request *request) {
    const struct cm_slice rest =
        cm_slice(request->input.data + request->start, request->input.len - request->start);
    if (starts_with(rest, CM_SLICE("get "))) {
        start_keys(request->parser, 0);
        request->next = request->start + 4;
        return true;
    }
    if (starts_with(rest, CM_SLICE("gets "))) {
        start_keys(request->parser, CM_MARK_CAS);
        request->next = request->start + 5;
        return true;
    }
    return false;
}

/* get or gets without any key. */
enum cm_request_end cm_memcache_parse_keys(struct cm_request *request) {
    return cm_memcache_answer(request, CM_BAD_FORMAT);
}

/* An op of the request whose keys are being parsed. Its own start is the line's for the first key,
 * so that it needs no state to start over from; `resume` says which. */
static struct cm_op *multi_op(const struct cm_request *request, enum cm_op_kind kind,
                              uint8_t resume) {
    const struct cm_parser *parser = request->parser;
    struct cm_op *op = cm_memcache_op(request, kind);
    op->form = kind == CM_OP_GET ? CM_FORM_VALUE : CM_FORM_LINE;
    op->marks = parser->multi_marks;
    op->options = parser->multi_options;
    op->expires = parser->multi_expires;
    op->resume = resume == CM_STATE_KEYS && !parser->multi_any ? CM_STATE_KEYS_FIRST : resume;
    return op;
}

/* The line has ended at `end`, a '\n'. */
static void end_keys(struct cm_request *request, size_t end, uint8_t resume) {
    struct cm_parser *parser = request->parser;
    struct cm_op *op = multi_op(request, CM_OP_REPLY, resume);
    op->text = parser->multi_any ? CM_SLICE("END\r\n") : CM_BAD_FORMAT;
    op->selector = parser->multi_any ? CM_REPLY_PLAIN : CM_REPLY_ERROR;
    parser->state = CM_STATE_LINE;
    request->next = end + 1;
}

static enum cm_request_end key_too_long(struct cm_request *request, size_t next, uint8_t resume) {
    struct cm_op *op = multi_op(request, CM_OP_REPLY, resume);
    op->text = CM_BAD_FORMAT;
    op->selector = CM_REPLY_ERROR;
    request->parser->state = CM_STATE_SKIP;
    request->next = next;
    return CM_REQUEST_DONE;
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* The high bit of each byte up to ' '; bytes above the first such may be marked wrongly. */
static uint64_t low_bytes(uint64_t word) {
    return (word - EACH_BYTE(' ' + 1)) & ~word & EACH_BYTE(0x80);
}

/* Where a key that begins at `at` ends: at a space, a '\n', or `len`. Eight bytes at a time as far as
 * it has no control characters. */
static size_t find_key_end(const char *data, size_t at, size_t len) {
    for (; at + sizeof(uint64_t) <= len; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, data + at, sizeof word);
        const uint64_t low = low_bytes(word);
        if (low != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            at += (size_t)__builtin_ctzll(low) / 8; /* the first in memory is the lowest */
#endif
            break;
        }
    }
    while (at < len && data[at] != ' ' && data[at] != '\n') {
        at++;
    }
    return at;
}

/* Whether a get of one key is ElastiCache's old way to discover servers. */
static bool asks_for_cluster(const struct cm_parser *parser, const char *key) {
    return !parser->multi_any && parser->multi_marks == 0 && parser->multi_options == 0 &&
           memcmp(key, CM_CLUSTER_KEY.data, CM_CLUSTER_KEY.len) == 0;
}

/* The next key of the line, or its end. MORE leaves `next` where parsing can go on. */
static enum cm_request_end parse_key(struct cm_request *request, uint8_t resume) {
    struct cm_parser *parser = request->parser;
    const char *data = request->input.data;
    const size_t len = request->input.len;
    size_t from = request->next;
    while (from < len && data[from] == ' ') {
        from++;
    }
    const size_t to = find_key_end(data, from, len);
    request->next = from;
    if (to == len) {
        /* One more than a key may have could still be the '\r' of the line's end. */
        return to - from > CM_KEY_BYTES_MAX + 1 ? key_too_long(request, to, resume)
                                                : CM_REQUEST_MORE;
    }
    const bool last = data[to] == '\n';
    size_t key_len = to - from;
    if (last && key_len > 0 && data[to - 1] == '\r') {
        key_len--;
    }
    if (key_len == 0) {
        end_keys(request, to, resume);
        return CM_REQUEST_DONE;
    }
    if (key_len > CM_KEY_BYTES_MAX) {
        return key_too_long(request, to, resume);
    }
    request->next = to + 1;
    if (CM_UNLIKELY(key_len == CM_CLUSTER_KEY.len) && last &&
        asks_for_cluster(parser, data + from)) {
        struct cm_op *op = multi_op(request, CM_OP_STATS, resume);
        op->key = cm_slice(data + from, key_len);
        op->form = CM_FORM_VALUE;
        op->selector = CM_STATS_CLUSTER;
        parser->state = CM_STATE_LINE;
        return CM_REQUEST_DONE;
    }
    struct cm_op *op = multi_op(request, CM_OP_GET, resume);
    op->key = cm_slice(data + from, key_len);
    parser->multi_any = true;
    if (last) {
        op->marks |= CM_MARK_END;
        parser->state = CM_STATE_LINE;
    }
    return CM_REQUEST_DONE;
}

/* gat and gats: the line is whole, its keys are parsed like a get's. */
enum cm_request_end cm_memcache_parse_touch_keys(struct cm_request *request) {
    int64_t exptime;
    if (request->tokens.count < 3) {
        return cm_memcache_answer(request, CM_BAD_FORMAT);
    }
    if (!cm_num_i64(request->tokens.at[1], &exptime)) {
        return cm_memcache_answer(request, CM_SLICE("CLIENT_ERROR invalid exptime argument\r\n"));
    }
    struct cm_parser *parser = request->parser;
    start_keys(parser, request->argument);
    parser->multi_options = CM_OP_SET_EXPIRES;
    parser->multi_expires = cm_memcache_expiry(&request->batch->limits, exptime);
    request->next = (size_t)(request->tokens.at[2].data - request->input.data);
    return parse_key(request, CM_STATE_LINE);
}

/* ---- the frame ---- */

static void skip_line(struct cm_parser *parser, struct cm_request *request) {
    const char *from = request->input.data + request->next;
    const char *end = memchr(from, '\n', request->input.len - request->next);
    if (end == NULL) {
        request->next = request->input.len;
    } else {
        request->next = (size_t)(end - request->input.data) + 1;
        parser->state = CM_STATE_LINE;
    }
}

/* One step from request->next on, which on MORE is left at the first byte not used. */
static enum cm_request_end step(struct cm_request *request) {
    struct cm_parser *parser = request->parser;
    if (CM_UNLIKELY(parser->swallow > 0)) {
        request->next += cm_parser_swallow(parser, request->input.len - request->next);
        return CM_REQUEST_DONE;
    }
    request->start = request->next;
    if (parser->state == CM_STATE_KEYS) {
        return parse_key(request, CM_STATE_KEYS);
    }
    if (parser->state == CM_STATE_SKIP) {
        skip_line(parser, request);
        return CM_REQUEST_DONE;
    }
    if (CM_UNLIKELY(request->batch->limits.unauthenticated)) {
        const enum cm_request_end end = cm_memcache_parse_login(request);
        if (end == CM_REQUEST_MORE) {
            request->next = request->start;
        }
        return end;
    }
    if (try_start_get(request)) {
        /* An incomplete key leaves the parser among the keys, with "get " used. */
        return parse_key(request, CM_STATE_LINE);
    }
    const enum cm_request_end end = parse_line(request);
    if (end == CM_REQUEST_MORE) {
        request->next = request->start;
    }
    return end;
}

static enum cm_parse_status parse(struct cm_parser *parser, struct cm_slice input, size_t *used,
                                  struct cm_batch *batch) {
    struct cm_request request;
    request.parser = parser;
    request.batch = batch;
    request.input = input;
    request.next = 0;
    request.noreply = false;
    parser->need_bytes = 0;
    enum cm_parse_status status = CM_PARSE_MORE;
    while (request.next < input.len) {
        if (cm_batch_is_full(batch, CM_KEY_BYTES_MAX)) {
            status = CM_PARSE_BATCH;
            break;
        }
        const enum cm_request_end end = step(&request);
        if (end != CM_REQUEST_DONE) {
            status = end == CM_REQUEST_CLOSE ? CM_PARSE_CLOSE : CM_PARSE_MORE;
            break;
        }
    }
    *used = request.next;
    return status;
}

static void rewind_to(struct cm_parser *parser, const struct cm_op *op) {
    parser->swallow = 0;
    parser->state = op->resume;
    if (op->resume == CM_STATE_KEYS || op->resume == CM_STATE_KEYS_FIRST) {
        parser->state = CM_STATE_KEYS;
        parser->multi_any = op->resume == CM_STATE_KEYS;
        parser->multi_marks = op->marks & CM_MARK_CAS;
        parser->multi_options = op->options;
        parser->multi_expires = op->expires;
    }
}

const struct cm_protocol cm_protocol_memcache_text = {
    .name = "memcache",
    .value_end = {"\r\n", 2},
    .parse = parse,
    .rewind = rewind_to,
    .encode = cm_memcache_encode,
    .stat_line = cm_memcache_stat_line,
    .dump_item = cm_memcache_dump_item,
    .long_end = cm_memcache_long_end,
};

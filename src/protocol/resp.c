/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/resp.h"
#include "base/num.h"

/* The frame of the Redis protocol: requests are arrays of bulk strings.
 *
 *               *N, the name of a command on several keys
 *   REQUEST -------------------------------------------------> KEYS --+
 *    ^  | |                                                     | |   | a key, or key and value:
 *    |  | +-- SET with a value that is streamed --> REST        | |   | an op
 *    |  |                                            |          | +<--+
 *    |  +--- arguments nobody looks at --> SKIP <----+----------+
 *    |                                      |  refused      a bad key
 *    +--------------------------------------+--- none left
 *
 * Any other request is parsed whole, from at most CM_RESP_ARGS_MAX arguments, of which one, the
 * value, may have CM_STREAM_ABOVE bytes and the others CM_RESP_WORD_MAX: that bounds what an
 * incomplete request keeps. What an answer says depends on announced lengths only, never on how
 * much of a long argument happens to be there. `swallow` bytes are dropped before anything else.
 * As in Redis, the two bytes behind a bulk string are not looked at. */

#define LINE_BYTES_MAX 32 /* of a length and its \r\n */
#define END_BYTES      2  /* \r\n */

static const struct cm_resp_command commands[] = {
#define CM_RESP_COMMAND(name, parser, argument, arity, value_at, usage)                            \
    {{#name, sizeof #name - 1}, cm_resp_parse_##parser, argument, arity, value_at},
#include "tables/resp_commands.def"
};

unsigned cm_resp_command_count(void) {
    return sizeof commands / sizeof commands[0];
}

/* Of an op among the keys of a request: enough to start over at it. */
static uint8_t many_marks(const struct cm_parser *parser) {
    const unsigned first = parser->multi_any ? 0 : CM_RESP_FIRST;
    return (uint8_t)((unsigned)parser->multi_marks << CM_RESP_MANY_SHIFT | first);
}

struct cm_op *cm_resp_op(const struct cm_resp_request *request, enum cm_op_kind kind,
                         enum cm_resp_form form) {
    const struct cm_parser *parser = request->parser;
    struct cm_batch *batch = request->batch;
    CM_CHECK(batch->count < CM_BATCH_OPS);
    struct cm_op *op = &batch->ops[batch->count++];
    cm_op_clear(op);
    op->kind = (uint8_t)kind;
    op->form = (uint8_t)form;
    op->start = (uint32_t)request->start;
    op->resume = parser->state;
    op->marks = parser->state == CM_RESP_KEYS ? many_marks(parser) : 0;
    op->initial = parser->multi_left;
    return op;
}

/* ---- words and numbers ---- */

bool cm_resp_integer(struct cm_slice text, int64_t *number) {
    const size_t first = text.len > 0 && text.data[0] == '-' ? 1 : 0;
    const bool zero = text.len == 1 && text.data[0] == '0';
    return (zero || (text.len > first && text.data[first] != '0')) && cm_num_i64(text, number);
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool cm_resp_is(struct cm_slice text, struct cm_slice word) {
    if (text.len != word.len) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        if (lower(text.data[i]) != word.data[i]) {
            return false;
        }
    }
    return true;
}

static const struct cm_resp_command *find_command(struct cm_slice name) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (cm_resp_is(name, commands[i].name)) {
            return &commands[i];
        }
    }
    return NULL;
}

/* ---- answers ---- */

enum cm_resp_end cm_resp_answer(const struct cm_resp_request *request, struct cm_slice line) {
    struct cm_op *op = cm_resp_op(request, CM_OP_REPLY, CM_RESP_TEXT);
    op->text = line;
    op->selector = line.len > 0 && line.data[0] == '-' ? CM_REPLY_ERROR : CM_REPLY_PLAIN;
    return CM_RESP_DONE;
}

enum cm_resp_end cm_resp_fail(const struct cm_resp_request *request, struct cm_slice line) {
    (void)cm_resp_answer(request, line);
    return CM_RESP_CLOSE;
}

static char *put_quoted(char *to, struct cm_slice piece) {
    for (size_t i = 0; i < piece.len && i < CM_RESP_QUOTED_MAX; i++) {
        const char c = piece.data[i];
        *to++ = c == '\r' || c == '\n' ? ' ' : c;
    }
    return to;
}

enum cm_resp_end cm_resp_complain(const struct cm_resp_request *request,
                                  const struct cm_slice *pieces, unsigned count) {
    struct cm_batch *batch = request->batch;
    char *line = batch->scratch + batch->scratch_used;
    memcpy(line, "-ERR ", 5);
    char *to = line + 5;
    for (unsigned i = 0; i < count; i++) {
        to = put_quoted(to, pieces[i]);
    }
    memcpy(to, "\r\n", END_BYTES);
    const struct cm_slice text = cm_slice(line, (size_t)(to - line) + END_BYTES);
    CM_CHECK(text.len <= CM_RESP_SCRATCH);
    batch->scratch_used += text.len;
    return cm_resp_answer(request, text);
}

static enum cm_resp_end fail_expected(const struct cm_resp_request *request, const char *marker,
                                      char got) {
    const struct cm_slice pieces[] = {CM_SLICE("Protocol error: expected '"), cm_slice(marker, 1),
                                      CM_SLICE("', got '"), cm_slice(&got, 1), CM_SLICE("'")};
    (void)cm_resp_complain(request, pieces, 5);
    return CM_RESP_CLOSE;
}

static enum cm_resp_end bad_arity(const struct cm_resp_request *request) {
    const struct cm_slice pieces[] = {CM_SLICE("wrong number of arguments for '"),
                                      request->command->name, CM_SLICE("' command")};
    return cm_resp_complain(request, pieces, 3);
}

static enum cm_resp_end unknown_command(const struct cm_resp_request *request) {
    struct cm_slice pieces[3 + 3 * CM_RESP_ARGS_MAX];
    unsigned count = 0;
    size_t quoted = 0; /* of the arguments, as Redis counts them */
    pieces[count++] = CM_SLICE("unknown command '");
    pieces[count++] = request->at[0];
    pieces[count++] = CM_SLICE("', with args beginning with: ");
    for (unsigned i = 1; i < request->known && quoted < CM_RESP_QUOTED_MAX; i++) {
        const size_t room = CM_RESP_QUOTED_MAX - quoted;
        struct cm_slice argument = request->at[i];
        argument.len = argument.len < room ? argument.len : room;
        pieces[count++] = CM_SLICE("'");
        pieces[count++] = argument;
        pieces[count++] = CM_SLICE("' ");
        quoted += argument.len + 3;
    }
    return cm_resp_complain(request, pieces, count);
}

/* ---- arguments ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The number behind the marker at `next`; moves behind its line. MORE leaves `next` alone. */
static enum cm_resp_end scan_number(struct cm_resp_request *request, int64_t *number,
                                    bool *is_good) {
    const char *from = request->input.data + request->next + 1;
    const size_t left = request->input.len - request->next - 1;
    *is_good = true;
    if (CM_LIKELY(left >= 3 && is_digit(from[0]) && from[1] == '\r' && from[2] == '\n')) {
        *number = from[0] - '0';
        request->next += 4;
        return CM_RESP_DONE;
    }
    const char *end = memchr(from, '\r', left < LINE_BYTES_MAX ? left : LINE_BYTES_MAX);
    if (end == NULL ? left < LINE_BYTES_MAX : end + 1 == from + left) {
        return CM_RESP_MORE;
    }
    *is_good = end != NULL && end[1] == '\n' &&
               cm_resp_integer(cm_slice(from, (size_t)(end - from)), number);
    if (*is_good) {
        request->next = (size_t)(end + END_BYTES - request->input.data);
    }
    return CM_RESP_DONE;
}

/* The length of the argument at `next`; moves to its bytes. */
static enum cm_resp_end scan_length(struct cm_resp_request *request, uint64_t *bytes) {
    int64_t length = 0;
    bool is_good;
    if (request->next == request->input.len) {
        return CM_RESP_MORE;
    }
    const char marker = request->input.data[request->next];
    if (marker != '$') {
        return fail_expected(request, "$", marker);
    }
    const enum cm_resp_end end = scan_number(request, &length, &is_good);
    if (end == CM_RESP_DONE && (!is_good || length < 0 || length > CM_RESP_BULK_MAX)) {
        return cm_resp_fail(request, CM_SLICE("-ERR Protocol error: invalid bulk length\r\n"));
    }
    *bytes = (uint64_t)length;
    return end;
}

static size_t left_from(const struct cm_resp_request *request, size_t from) {
    return request->input.len - from;
}

/* MORE, until `bytes` from `from` on are there. */
static enum cm_resp_end wait_for(const struct cm_resp_request *request, size_t from, size_t bytes) {
    request->parser->need_bytes = from - request->start + bytes;
    return CM_RESP_MORE;
}

/* A long value is taken, and what follows it looked at, only if nothing speaks against storing it. */
static bool is_storable(const struct cm_resp_request *request, uint64_t bytes) {
    const size_t key_bytes = request->known >= 2 ? request->at[1].len : 0;
    return cm_resp_is_key(key_bytes) && request->count <= CM_RESP_ARGS_MAX &&
           key_bytes + bytes <= request->batch->limits.item_bytes_max;
}

static enum cm_resp_end collect_one(struct cm_resp_request *request, bool is_value) {
    uint64_t bytes = 0;
    const enum cm_resp_end end = scan_length(request, &bytes);
    if (end != CM_RESP_DONE) {
        return end;
    }
    const size_t from = request->next;
    const size_t left = left_from(request, from);
    const bool is_short = bytes <= (is_value ? CM_STREAM_ABOVE : CM_RESP_WORD_MAX);
    const bool whole = left >= bytes + END_BYTES;
    if (is_short && !whole) {
        return wait_for(request, from, (size_t)bytes + END_BYTES);
    }
    if (!is_short && left < CM_RESP_QUOTED_MAX) {
        return wait_for(request, from, CM_RESP_QUOTED_MAX);
    }
    request->at[request->known] = cm_slice(request->input.data + from, (size_t)bytes);
    request->cut = !is_short && !(whole && is_value && is_storable(request, bytes));
    request->known++;
    if (!request->cut) {
        request->next = from + (size_t)bytes + END_BYTES;
    }
    return CM_RESP_DONE;
}

/* The arguments from the known ones on. */
static enum cm_resp_end collect(struct cm_resp_request *request, unsigned value_at) {
    const unsigned wanted = request->count < CM_RESP_ARGS_MAX ? request->count : CM_RESP_ARGS_MAX;
    while (request->known < wanted && !request->cut) {
        const enum cm_resp_end end = collect_one(request, request->known == value_at);
        if (end != CM_RESP_DONE) {
            return end;
        }
    }
    return CM_RESP_DONE;
}

/* Leaves the parser behind the known arguments. */
static void conclude(struct cm_resp_request *request) {
    struct cm_parser *parser = request->parser;
    parser->multi_left = request->count - request->known;
    if (request->streams) {
        parser->state = parser->multi_left > 0 ? CM_RESP_REST : CM_RESP_REQUEST;
        return;
    }
    if (request->cut) {
        parser->swallow = request->at[request->known - 1].len + END_BYTES;
    }
    parser->state = parser->multi_left > 0 ? CM_RESP_SKIP : CM_RESP_REQUEST;
}

/* ---- requests ---- */

static bool has_arity(const struct cm_resp_request *request) {
    const int arity = request->command->arity;
    return arity >= 0 ? request->count == (uint32_t)arity : request->count >= (uint32_t)-arity;
}

static bool precedes_login(const struct cm_resp_command *command) {
    return command->parse == cm_resp_parse_auth || command->parse == cm_resp_parse_hello ||
           command->parse == cm_resp_parse_quit;
}

static enum cm_resp_end dispatch(struct cm_resp_request *request) {
    const struct cm_resp_command *command = request->command;
    if (CM_LIKELY(command != NULL && has_arity(request))) {
        if (CM_UNLIKELY(request->batch->limits.unauthenticated) && !precedes_login(command)) {
            return cm_resp_answer(request, CM_RESP_NOAUTH);
        }
        if (command->value_at == CM_RESP_EACH) {
            return command->parse(request);
        }
        const enum cm_resp_end end = collect(request, command->value_at);
        return CM_LIKELY(end == CM_RESP_DONE) ? command->parse(request) : end;
    }
    if (command != NULL) {
        return bad_arity(request);
    }
    const enum cm_resp_end end = collect(request, 0);
    return end == CM_RESP_DONE ? unknown_command(request) : end;
}

/* Lines of nothing between requests are passed over, as in Redis: redis-cli sends them. */
static enum cm_resp_end pass_empty_line(struct cm_resp_request *request) {
    const char *from = request->input.data + request->start;
    if (*from != '\r') {
        request->next = request->start + 1;
        return CM_RESP_DONE;
    }
    if (left_from(request, request->start) == 1) {
        return CM_RESP_MORE;
    }
    if (from[1] != '\n') {
        return fail_expected(request, "*", *from);
    }
    request->next = request->start + END_BYTES;
    return CM_RESP_DONE;
}

static enum cm_resp_end parse_request(struct cm_resp_request *request) {
    int64_t count = 0;
    bool is_good;
    const char marker = request->input.data[request->start];
    if (CM_UNLIKELY(marker == '\r' || marker == '\n')) {
        return pass_empty_line(request);
    }
    if (CM_UNLIKELY(marker != '*')) {
        return fail_expected(request, "*", marker);
    }
    enum cm_resp_end end = scan_number(request, &count, &is_good);
    if (end == CM_RESP_DONE && (!is_good || count > CM_RESP_COUNT_MAX)) {
        return cm_resp_fail(request, CM_SLICE("-ERR Protocol error: invalid multibulk length\r\n"));
    }
    if (end != CM_RESP_DONE || count <= 0) {
        return end;
    }
    request->count = (uint32_t)count;
    request->known = 0;
    request->cut = false;
    request->streams = false;
    end = collect_one(request, false);
    if (end != CM_RESP_DONE) {
        return end;
    }
    request->command = find_command(request->at[0]);
    end = dispatch(request);
    if (end == CM_RESP_DONE && request->parser->state == CM_RESP_REQUEST) {
        conclude(request);
    }
    return end;
}

/* ---- requests of many keys ---- */

struct many {
    enum cm_op_kind kind;
    enum cm_resp_form form;
    unsigned options;
};

static const struct many manys[] = {
    [CM_RESP_MGET] = {CM_OP_GET, CM_RESP_ELEMENT, 0},
    [CM_RESP_DELETE] = {CM_OP_DELETE, CM_RESP_COUNT, 0},
    [CM_RESP_EXISTS] = {CM_OP_INSPECT, CM_RESP_COUNT, 0},
    [CM_RESP_TOUCH] = {CM_OP_GET, CM_RESP_COUNT, CM_OP_NO_VALUE},
    [CM_RESP_MSET] = {CM_OP_STORE, CM_RESP_ALL, 0},
};

enum cm_resp_end cm_resp_parse_many(struct cm_resp_request *request) {
    struct cm_parser *parser = request->parser;
    const unsigned which = request->command->argument;
    if (which == CM_RESP_MSET && request->count % 2 == 0) {
        return bad_arity(request);
    }
    parser->state = CM_RESP_KEYS;
    parser->multi_any = false;
    parser->multi_marks = (uint8_t)which;
    parser->multi_left = request->count - 1;
    return CM_RESP_DONE;
}

/* The op of the next key, or pair. */
static struct cm_op *many_op(const struct cm_resp_request *request) {
    const struct cm_parser *parser = request->parser;
    const struct many *many = &manys[parser->multi_marks];
    struct cm_op *op = cm_resp_op(request, many->kind, many->form);
    const uint32_t arguments = parser->multi_marks == CM_RESP_MSET ? 2 : 1;
    op->options = (uint16_t)many->options;
    if (parser->multi_left == arguments) {
        op->marks |= CM_RESP_LAST;
    }
    return op;
}

static void pass_arguments(struct cm_parser *parser, uint32_t count) {
    parser->multi_left -= count;
    parser->multi_any = true;
    if (parser->multi_left == 0) {
        parser->state = CM_RESP_REQUEST;
    }
}

/* No item has such a key: MGET says so, the others end with an error. */
static enum cm_resp_end pass_bad_key(struct cm_resp_request *request, uint64_t bytes) {
    struct cm_parser *parser = request->parser;
    struct cm_op *op = many_op(request);
    op->kind = CM_OP_REPLY;
    op->selector = CM_REPLY_ERROR;
    parser->swallow = bytes + END_BYTES;
    if (parser->multi_marks == CM_RESP_MGET) {
        pass_arguments(parser, 1);
        return CM_RESP_DONE;
    }
    op->form = CM_RESP_TEXT;
    op->text = CM_RESP_BAD_KEY;
    pass_arguments(parser, 1);
    if (parser->state == CM_RESP_KEYS) {
        parser->state = CM_RESP_SKIP;
    }
    return CM_RESP_DONE;
}

/* `next` stands before the value. */
static enum cm_resp_end parse_pair(struct cm_resp_request *request, struct cm_slice key) {
    uint64_t bytes = 0;
    const enum cm_resp_end end = scan_length(request, &bytes);
    if (end != CM_RESP_DONE) {
        return end;
    }
    const size_t from = request->next;
    const bool whole = left_from(request, from) >= bytes + END_BYTES;
    const bool too_large = key.len + bytes > request->batch->limits.item_bytes_max;
    if (!too_large && !whole && bytes <= CM_STREAM_ABOVE) {
        return wait_for(request, from, (size_t)bytes + END_BYTES);
    }
    struct cm_op *op = many_op(request);
    op->key = key;
    op->value = cm_slice(NULL, (size_t)bytes);
    if (too_large) {
        op->kind = CM_OP_STORE_REFUSE;
        request->parser->swallow = bytes + END_BYTES;
    } else if (whole) {
        op->value.data = request->input.data + from;
        request->next = from + (size_t)bytes + END_BYTES;
    } else {
        op->kind = CM_OP_STORE_LONG;
    }
    return CM_RESP_DONE;
}

static enum cm_resp_end parse_key(struct cm_resp_request *request) {
    struct cm_parser *parser = request->parser;
    uint64_t bytes = 0;
    enum cm_resp_end end = scan_length(request, &bytes);
    if (end != CM_RESP_DONE) {
        return end;
    }
    if (!cm_resp_is_key(bytes)) {
        return pass_bad_key(request, bytes);
    }
    const size_t from = request->next;
    if (left_from(request, from) < bytes + END_BYTES) {
        return wait_for(request, from, (size_t)bytes + END_BYTES);
    }
    const struct cm_slice key = cm_slice(request->input.data + from, (size_t)bytes);
    request->next = from + (size_t)bytes + END_BYTES;
    if (parser->multi_marks == CM_RESP_MSET) {
        end = parse_pair(request, key);
        if (end == CM_RESP_DONE) {
            pass_arguments(parser, 2);
        }
        return end;
    }
    many_op(request)->key = key;
    pass_arguments(parser, 1);
    return CM_RESP_DONE;
}

/* ---- the frame ---- */

static enum cm_resp_end skip_argument(struct cm_parser *parser, struct cm_resp_request *request) {
    uint64_t bytes = 0;
    const enum cm_resp_end end = scan_length(request, &bytes);
    if (end == CM_RESP_DONE) {
        parser->swallow = bytes + END_BYTES;
        parser->multi_left--;
        parser->state = parser->multi_left > 0 ? CM_RESP_SKIP : CM_RESP_REQUEST;
    }
    return end;
}

/* One step from request->next on, which on MORE is left at the first byte not used. */
static enum cm_resp_end step(struct cm_resp_request *request) {
    struct cm_parser *parser = request->parser;
    if (CM_UNLIKELY(parser->swallow > 0)) {
        request->next += cm_parser_swallow(parser, left_from(request, request->next));
        return CM_RESP_DONE;
    }
    if (CM_UNLIKELY(parser->state == CM_RESP_REST)) { /* the value was refused */
        parser->state = CM_RESP_SKIP;
    }
    request->start = request->next;
    enum cm_resp_end end;
    if (parser->state == CM_RESP_KEYS) {
        end = parse_key(request);
    } else if (parser->state == CM_RESP_SKIP) {
        end = skip_argument(parser, request);
    } else {
        parser->multi_left = 0;
        end = parse_request(request);
    }
    if (end == CM_RESP_MORE) {
        request->next = request->start;
    }
    return end;
}

static enum cm_parse_status parse(struct cm_parser *parser, struct cm_slice input, size_t *used,
                                  struct cm_batch *batch) {
    struct cm_resp_request request;
    request.parser = parser;
    request.batch = batch;
    request.input = input;
    request.next = 0;
    parser->need_bytes = 0;
    enum cm_parse_status status = CM_PARSE_MORE;
    while (request.next < input.len) {
        if (cm_batch_is_full(batch, CM_RESP_SCRATCH)) {
            status = CM_PARSE_BATCH;
            break;
        }
        const enum cm_resp_end end = step(&request);
        if (end != CM_RESP_DONE) {
            status = end == CM_RESP_CLOSE ? CM_PARSE_CLOSE : CM_PARSE_MORE;
            break;
        }
    }
    *used = request.next;
    return status;
}

/* Whatever refuses the request takes the op's place. */
static enum cm_parse_status refuse_rest(struct cm_batch *batch, enum cm_parse_status status) {
    batch->ops[0] = batch->ops[1];
    batch->count = 1;
    return status;
}

/* The options of SET behind a streamed value. */
static enum cm_parse_status parse_options(struct cm_resp_request *request, size_t *used) {
    struct cm_op *op = &request->batch->ops[0];
    const enum cm_resp_end end = collect(request, CM_RESP_EACH);
    if (end == CM_RESP_MORE) {
        return CM_PARSE_MORE;
    }
    *used = request->next;
    if (end == CM_RESP_CLOSE) {
        return refuse_rest(request->batch, CM_PARSE_CLOSE);
    }
    const struct cm_slice refusal = cm_resp_set_options(request, 0, op);
    conclude(request);
    if (refusal.len > 0) {
        (void)cm_resp_answer(request, refusal);
        return refuse_rest(request->batch, CM_PARSE_BATCH);
    }
    return CM_PARSE_BATCH;
}

static enum cm_parse_status parse_rest(struct cm_parser *parser, struct cm_slice input,
                                       size_t *used, struct cm_batch *batch) {
    struct cm_resp_request request = {
        .parser = parser, .batch = batch, .input = input, .count = parser->multi_left};
    parser->need_bytes = 0;
    *used = 0;
    batch->ops[0].options &= (uint16_t)~CM_OP_BAD_END;
    return parser->state == CM_RESP_REST ? parse_options(&request, used) : CM_PARSE_BATCH;
}

static void rewind_to(struct cm_parser *parser, const struct cm_op *op) {
    parser->swallow = 0;
    parser->state = op->resume;
    parser->multi_left = (uint32_t)op->initial;
    parser->multi_marks = (uint8_t)(op->marks >> CM_RESP_MANY_SHIFT);
    parser->multi_any = (op->marks & CM_RESP_FIRST) == 0;
}

const struct cm_protocol cm_protocol_resp = {
    .name = "resp",
    .value_end = {"\r\n", END_BYTES},
    .parse = parse,
    .rewind = rewind_to,
    .encode = cm_resp_encode,
    .parse_rest = parse_rest,
    .stat_line = cm_resp_stat_line,
    .dump_item = NULL, /* no request asks for a dump */
    .long_end = cm_resp_long_end,
};

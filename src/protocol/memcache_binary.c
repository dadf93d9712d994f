/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/memcache_binary.h"
#include "base/endian.h"
#include "protocol/memcache.h"
#include <cacheman/version.h>

/* memcached's binary protocol: packets of a known length, each one request.
 *
 * What is wrong with a packet shows in its head, and is answered as soon as that is there. A length
 * that cannot be right ends the connection, because nothing says where the next packet starts. */

enum body {
    CM_BODY_NOTHING,
    CM_BODY_DELAY,
    CM_BODY_GROUP,
    CM_BODY_KEY,
    CM_BODY_VALUE,
};

struct packet {
    struct cm_parser *parser;
    struct cm_batch *batch;
    struct cm_slice input;
    size_t start; /* offset of the packet in input */
    size_t next;  /* offset of what follows */
    const struct opcode *opcode;
    uint32_t body_bytes;
    uint32_t key_bytes;
    uint32_t extra_bytes;
    uint8_t code;
};

struct opcode {
    enum cm_request_end (*parse)(struct packet *packet); /* NULL: there is no such command */
    uint16_t argument;
    uint8_t marks;
    uint8_t extra_bytes;
    uint8_t body;
};

/* ---- ops ---- */

static const char *head_of(const struct packet *packet) {
    return packet->input.data + packet->start;
}

static const char *extras_of(const struct packet *packet) {
    return head_of(packet) + CM_BINARY_HEAD_BYTES;
}

static struct cm_slice key_of(const struct packet *packet) {
    return cm_slice(extras_of(packet) + packet->extra_bytes, packet->key_bytes);
}

static size_t value_bytes_of(const struct packet *packet) {
    return packet->body_bytes - packet->extra_bytes - packet->key_bytes;
}

static uint64_t cas_of(const struct packet *packet) {
    return cm_load_be64(head_of(packet) + 16);
}

/* A new op at the end of the batch, zero but for what every answer needs. */
static struct cm_op *add_op(const struct packet *packet, enum cm_op_kind kind) {
    struct cm_batch *batch = packet->batch;
    CM_CHECK(batch->count < CM_BATCH_OPS);
    struct cm_op *op = &batch->ops[batch->count++];
    cm_op_clear(op);
    op->kind = (uint8_t)kind;
    op->start = (uint32_t)packet->start;
    op->form = packet->code;
    memcpy(&op->opaque, head_of(packet) + 12, sizeof op->opaque);
    return op;
}

static enum cm_request_end answer(const struct packet *packet, enum cm_binary_status status,
                                  struct cm_slice text) {
    struct cm_op *op = add_op(packet, CM_OP_REPLY);
    op->number = status;
    op->text = text;
    op->selector = status == CM_BINARY_OK ? CM_REPLY_PLAIN : CM_REPLY_ERROR;
    return CM_REQUEST_DONE;
}

/* Answers, and ends the connection: where the next packet starts is not known, or the client may
 * not send any. */
static enum cm_request_end refuse(struct packet *packet, enum cm_binary_status status) {
    packet->next = packet->start + CM_BINARY_HEAD_BYTES;
    (void)answer(packet, status,
                 status == CM_BINARY_UNKNOWN       ? CM_SLICE("Unknown command")
                 : status == CM_BINARY_AUTH_FAILED ? CM_SLICE("Auth failure.")
                                                   : CM_SLICE("Invalid arguments"));
    return CM_REQUEST_CLOSE;
}

/* Answers, and drops the body. */
static enum cm_request_end skip(struct packet *packet, enum cm_binary_status status,
                                struct cm_slice text) {
    packet->next = packet->start + CM_BINARY_HEAD_BYTES;
    packet->parser->swallow = packet->body_bytes;
    return answer(packet, status, text);
}

/* ---- commands ----
 *
 * All of the packet has arrived, but for values of CM_BODY_VALUE. */

static struct cm_op *add_keyed(const struct packet *packet, enum cm_op_kind kind) {
    struct cm_op *op = add_op(packet, kind);
    op->key = key_of(packet);
    op->marks = packet->opcode->marks;
    return op;
}

static uint32_t expiry_at(const struct packet *packet, size_t offset) {
    return cm_memcache_expiry(&packet->batch->limits, cm_load_be32(extras_of(packet) + offset));
}

static enum cm_request_end parse_get(struct packet *packet) {
    struct cm_op *op = add_keyed(packet, CM_OP_GET);
    if (packet->opcode->argument != 0) {
        op->options = packet->opcode->argument;
        op->expires = expiry_at(packet, 0);
    }
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_touch(struct packet *packet) {
    add_keyed(packet, CM_OP_TOUCH)->expires = expiry_at(packet, 0);
    return CM_REQUEST_DONE;
}

static void set_cas(struct cm_op *op, uint64_t cas) {
    if (cas != 0) {
        op->cas = cas;
        op->options |= CM_OP_CAS;
    }
}

static enum cm_request_end parse_delete(struct packet *packet) {
    set_cas(add_keyed(packet, CM_OP_DELETE), cas_of(packet));
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_arith(struct packet *packet) {
    const uint32_t no_creation = UINT32_MAX;
    const char *extras = extras_of(packet);
    struct cm_op *op = add_keyed(packet, CM_OP_ARITH);
    op->options = packet->opcode->argument;
    op->delta = cm_load_be64(extras);
    if (cm_load_be32(extras + 16) != no_creation) {
        op->options |= CM_OP_VIVIFY;
        op->initial = cm_load_be64(extras + 8);
        op->vivify_expires = expiry_at(packet, 16);
    }
    set_cas(op, cas_of(packet));
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_flush(struct packet *packet) {
    struct cm_op *op = add_op(packet, CM_OP_FLUSH);
    op->marks = packet->opcode->marks;
    op->expires = packet->extra_bytes > 0 ? expiry_at(packet, 0) : 0;
    return CM_REQUEST_DONE;
}

static enum cm_request_end parse_noop(struct packet *packet) {
    return answer(packet, CM_BINARY_OK, CM_SLICE(""));
}

static enum cm_request_end parse_version(struct packet *packet) {
    return answer(packet, CM_BINARY_OK, CM_SLICE(CACHEMAN_VERSION_MEMCACHE));
}

static enum cm_request_end parse_quit(struct packet *packet) {
    if ((packet->opcode->marks & CM_MARK_QUIET) == 0) {
        (void)answer(packet, CM_BINARY_OK, CM_SLICE(""));
    }
    return CM_REQUEST_CLOSE;
}

/* Behind "hotkeys" there may be a blank and a number. */
static enum cm_request_end parse_hot_keys(struct packet *packet, struct cm_slice rest) {
    uint32_t number = CM_HOT_KEYS_SHOWN;
    if (rest.len > 0 && !cm_memcache_hot_keys(cm_slice(rest.data + 1, rest.len - 1), &number)) {
        return answer(packet, CM_BINARY_INVALID, CM_SLICE("Invalid arguments"));
    }
    struct cm_op *op = add_op(packet, CM_OP_STATS);
    op->selector = CM_STATS_HOT_KEYS;
    op->number = number;
    return CM_REQUEST_DONE;
}

static bool is_hot_keys(struct cm_slice name, struct cm_slice *rest) {
    const struct cm_slice word = CM_SLICE("hotkeys");
    if (name.len < word.len || memcmp(name.data, word.data, word.len) != 0) {
        return false;
    }
    *rest = cm_slice(name.data + word.len, name.len - word.len);
    return rest->len == 0 || rest->data[0] == ' ';
}

/* The text protocols' groups, and what comes after `stats` there otherwise. */
static enum cm_request_end parse_stat(struct packet *packet) {
    const struct cm_slice name = key_of(packet), why = CM_SLICE("why ");
    enum cm_stats_group group = CM_STATS_GENERAL;
    struct cm_slice rest;
    if (is_hot_keys(name, &rest)) {
        return parse_hot_keys(packet, rest);
    }
    if (cm_slice_equal(name, CM_SLICE("reset"))) {
        add_op(packet, CM_OP_RESET);
    } else if (cm_slice_equal(name, CM_SLICE("detail on"))) {
        add_op(packet, CM_OP_DETAIL)->number = 1;
    } else if (cm_slice_equal(name, CM_SLICE("detail off"))) {
        add_op(packet, CM_OP_DETAIL);
    } else if (cm_slice_equal(name, CM_SLICE("detail dump"))) {
        add_op(packet, CM_OP_STATS)->selector = CM_STATS_DETAIL;
    } else if (name.len > why.len && memcmp(name.data, why.data, why.len) == 0) {
        struct cm_op *op = add_op(packet, CM_OP_STATS);
        op->selector = CM_STATS_WHY;
        op->key = cm_slice(name.data + why.len, name.len - why.len);
    } else if (name.len == 0 || cm_memcache_stats_group(name, &group)) {
        add_op(packet, CM_OP_STATS)->selector = (uint8_t)group;
    } else {
        return answer(packet, CM_BINARY_NOT_FOUND, CM_SLICE("Not found"));
    }
    return CM_REQUEST_DONE;
}

static enum cm_request_end await(struct packet *packet, size_t bytes) {
    packet->parser->need_bytes = bytes;
    return CM_REQUEST_MORE;
}

static enum cm_request_end parse_sasl(struct packet *packet) {
    const size_t bytes = CM_BINARY_HEAD_BYTES + packet->body_bytes;
    if (packet->body_bytes > CM_BINARY_SASL_MAX) {
        return skip(packet, CM_BINARY_TOO_LARGE, CM_SLICE("Too large."));
    }
    if (packet->input.len - packet->start < bytes) {
        return await(packet, bytes);
    }
    struct cm_op *op = add_op(packet, CM_OP_SASL);
    op->selector = (uint8_t)packet->opcode->argument;
    op->key = key_of(packet);
    op->value = cm_slice(op->key.data + op->key.len, value_bytes_of(packet));
    return CM_REQUEST_DONE;
}

/* With a cas, set, add and replace are all the same. */
static void describe_store(const struct packet *packet, struct cm_op *op) {
    const uint64_t cas = cas_of(packet);
    op->mode = (uint8_t)packet->opcode->argument;
    op->options = op->mode == CM_MODE_SET ? CM_OP_DROP_OLD : 0;
    if (packet->extra_bytes > 0) {
        op->client_flags = cm_load_be32(extras_of(packet));
        op->expires = expiry_at(packet, 4);
        op->mode = cas != 0 ? CM_MODE_SET : op->mode;
    }
    set_cas(op, cas);
}

static enum cm_request_end parse_store(struct packet *packet) {
    const size_t value_bytes = value_bytes_of(packet);
    const size_t bytes = CM_BINARY_HEAD_BYTES + packet->body_bytes;
    const size_t left = packet->input.len - packet->start;
    enum cm_op_kind kind = CM_OP_STORE;
    if (left < bytes) {
        const size_t before_value = bytes - value_bytes;
        if (value_bytes <= CM_STREAM_ABOVE || left < before_value) {
            return await(packet, value_bytes <= CM_STREAM_ABOVE ? bytes : before_value);
        }
        packet->next = packet->start + before_value;
        kind = CM_OP_STORE_LONG;
    }
    const bool too_large = packet->key_bytes + value_bytes > packet->batch->limits.item_bytes_max;
    if (CM_UNLIKELY(too_large)) {
        packet->next = packet->start + bytes - value_bytes;
        packet->parser->swallow = value_bytes;
        kind = CM_OP_STORE_REFUSE;
    }
    struct cm_op *op = add_keyed(packet, kind);
    describe_store(packet, op);
    op->value = cm_slice(kind == CM_OP_STORE ? op->key.data + op->key.len : NULL, value_bytes);
    return CM_REQUEST_DONE;
}

/* ---- packets ---- */

static const struct opcode opcodes[] = {
#define CM_OPCODE(code, name, parser, argument, marks, extras, body)                               \
    [code] = {parse_##parser, argument, marks, extras, CM_BODY_##body},
#include "tables/opcodes.def"
};

/* Whether the lengths are those of the command. */
static bool fits(const struct packet *packet) {
    const struct opcode *opcode = packet->opcode;
    if (packet->extra_bytes != opcode->extra_bytes) {
        return opcode->body == CM_BODY_DELAY && packet->body_bytes == 0;
    }
    if (opcode->body >= CM_BODY_KEY && packet->key_bytes == 0) {
        return false;
    }
    if (opcode->body <= CM_BODY_DELAY && packet->key_bytes > 0) {
        return false;
    }
    return opcode->body == CM_BODY_VALUE || value_bytes_of(packet) == 0;
}

/* Whether the packet is one of those that lead to a login, or asks for the version. */
static bool is_for_anybody(const struct packet *packet) {
    return packet->code < sizeof opcodes / sizeof opcodes[0] &&
           (opcodes[packet->code].parse == parse_sasl ||
            opcodes[packet->code].parse == parse_version);
}

/* A packet whose head is there. */
static enum cm_request_end parse_packet(struct packet *packet) {
    if (packet->key_bytes + packet->extra_bytes > packet->body_bytes) {
        return refuse(packet, CM_BINARY_UNKNOWN);
    }
    if (CM_UNLIKELY(packet->batch->limits.unauthenticated) && !is_for_anybody(packet)) {
        return refuse(packet, CM_BINARY_AUTH_FAILED);
    }
    if (packet->key_bytes > CM_KEY_BYTES_MAX || packet->body_bytes > CM_BINARY_BODY_MAX) {
        return refuse(packet, CM_BINARY_INVALID);
    }
    const size_t count = sizeof opcodes / sizeof opcodes[0];
    packet->opcode = packet->code < count ? &opcodes[packet->code] : NULL;
    if (packet->opcode == NULL || packet->opcode->parse == NULL) {
        return skip(packet, CM_BINARY_UNKNOWN, CM_SLICE("Unknown command"));
    }
    if (!fits(packet)) {
        return refuse(packet, CM_BINARY_INVALID);
    }
    const size_t bytes = CM_BINARY_HEAD_BYTES + packet->body_bytes;
    if (packet->opcode->body != CM_BODY_VALUE && packet->input.len - packet->start < bytes) {
        return await(packet, bytes);
    }
    packet->next = packet->start + bytes;
    return packet->opcode->parse(packet);
}

/* One step from packet->next on, which on MORE is left at the first byte not used. */
static enum cm_request_end step(struct packet *packet) {
    if (CM_UNLIKELY(packet->parser->swallow > 0)) {
        packet->next += cm_parser_swallow(packet->parser, packet->input.len - packet->next);
        return CM_REQUEST_DONE;
    }
    const char *head = packet->input.data + packet->next;
    if ((unsigned char)head[0] != CM_BINARY_REQUEST) {
        return CM_REQUEST_CLOSE;
    }
    if (packet->input.len - packet->next < CM_BINARY_HEAD_BYTES) {
        return await(packet, CM_BINARY_HEAD_BYTES);
    }
    packet->start = packet->next;
    packet->code = (uint8_t)head[1];
    packet->key_bytes = cm_load_be16(head + 2);
    packet->extra_bytes = (uint8_t)head[4];
    packet->body_bytes = cm_load_be32(head + 8);
    const enum cm_request_end end = parse_packet(packet);
    if (CM_UNLIKELY(end == CM_REQUEST_MORE)) {
        packet->next = packet->start;
    }
    return end;
}

static enum cm_parse_status parse(struct cm_parser *parser, struct cm_slice input, size_t *used,
                                  struct cm_batch *batch) {
    struct packet packet;
    packet.parser = parser;
    packet.batch = batch;
    packet.input = input;
    packet.next = 0;
    parser->need_bytes = 0;
    enum cm_parse_status status = CM_PARSE_MORE;
    while (packet.next < input.len) {
        if (cm_batch_is_full(batch, 0)) {
            status = CM_PARSE_BATCH;
            break;
        }
        const enum cm_request_end end = step(&packet);
        if (end != CM_REQUEST_DONE) {
            status = end == CM_REQUEST_CLOSE ? CM_PARSE_CLOSE : CM_PARSE_MORE;
            break;
        }
    }
    *used = packet.next;
    return status;
}

static void rewind_to(struct cm_parser *parser, const struct cm_op *op) {
    (void)op;
    parser->swallow = 0;
}

const struct cm_protocol cm_protocol_memcache_binary = {
    .name = "memcache binary",
    .value_end = {"", 0},
    .parse = parse,
    .rewind = rewind_to,
    .encode = cm_binary_encode,
    .stat_line = cm_binary_stat_line,
    .dump_item = NULL, /* no request asks for a dump */
    .long_end = cm_binary_long_end,
};

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_PACKET_H
#define CM_TESTS_SUPPORT_PACKET_H

/* Packets of the binary protocol from a line of a transcript; tests/session/README.md has the
 * notation. */

#include "base/buf.h"
#include "base/endian.h"
#include "base/num.h"
#include "op/op.h"
#include "protocol/memcache.h"
#include "protocol/memcache_binary.h"

/* What the notation for texts and names means is the transcript's to say. */
struct packet_words {
    void *context;
    void (*expand)(void *context, struct cm_slice text, struct cm_buf *to);
    /* False: the name is not known yet. */
    bool (*name)(void *context, struct cm_slice name, uint64_t *number);
};

struct packet_line {
    struct cm_buf extras, key, value;
    uint8_t magic, code, type;
    uint16_t status;
    uint32_t opaque;
    uint64_t cas;
    struct cm_slice cas_name; /* to be remembered */
    bool any_cas;             /* and so is what has a name that is not known yet */
    bool any_value;
    uint64_t lengths[3]; /* key, extras, body as written; UINT64_MAX: as they are */
    uint64_t cut;        /* only so many bytes */
};

static inline void packet_deinit(struct packet_line *packet) {
    cm_buf_deinit(&packet->extras);
    cm_buf_deinit(&packet->key);
    cm_buf_deinit(&packet->value);
}

/* Decimal, or hexadecimal after an x. */
static inline bool packet_number(struct cm_slice text, uint64_t *number) {
    static const char digits[] = "0123456789abcdef";
    if (text.len < 2 || text.data[0] != 'x') {
        return cm_num_u64(text, number);
    }
    *number = 0;
    for (size_t i = 1; i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], 16);
        if (digit == NULL) {
            return false;
        }
        *number = *number << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static inline bool packet_opcode(struct cm_slice name, uint8_t *code) {
    static const struct {
        const char *name;
        uint8_t code;
    } known[] = {
#define CM_OPCODE(code, name, parser, argument, marks, extras, body) {#name, code},
#include "tables/opcodes.def"
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (cm_slice_equal(cm_slice(known[i].name, strlen(known[i].name)), name)) {
            *code = known[i].code;
            return true;
        }
    }
    uint64_t number;
    const bool good = packet_number(name, &number) && number <= 255;
    *code = good ? (uint8_t)number : 0;
    return good;
}

/* The next word, quotes kept together and taken off; empty at the end. */
static inline struct cm_slice packet_word(struct cm_slice *line) {
    size_t from = 0;
    while (from < line->len && line->data[from] == ' ') {
        from++;
    }
    size_t to = from;
    for (bool quoted = false; to < line->len && (quoted || line->data[to] != ' '); to++) {
        quoted = quoted != (line->data[to] == '"');
    }
    const struct cm_slice word = cm_slice(line->data + from, to - from);
    *line = cm_slice(line->data + to, line->len - to);
    return word;
}

static inline void packet_put_number(struct cm_buf *to, uint64_t number, size_t bytes) {
    char digits[8];
    cm_store_be64(digits, number);
    CM_CHECK(cm_buf_append(to, cm_slice(digits + 8 - bytes, bytes)) == CM_OK);
}

static inline bool packet_cas(struct packet_line *packet, struct cm_slice text,
                              const struct packet_words *words) {
    if (cm_slice_equal(text, CM_SLICE("?"))) {
        packet->any_cas = true;
        return true;
    }
    if (text.len > 2 && text.data[0] == '[') {
        packet->cas_name = cm_slice(text.data + 1, text.len - 2);
        packet->any_cas = !words->name(words->context, packet->cas_name, &packet->cas);
        return true;
    }
    return packet_number(text, &packet->cas);
}

/* Fields of the body that are texts. False: it is none. */
static inline bool packet_text_field(struct packet_line *packet, struct cm_slice name,
                                     struct cm_slice text, const struct packet_words *words) {
    const struct {
        struct cm_slice name;
        struct cm_buf *to;
    } texts[] = {{CM_SLICE("key"), &packet->key},
                 {CM_SLICE("value"), &packet->value},
                 {CM_SLICE("extras"), &packet->extras}};
    if (text.len >= 2 && text.data[0] == '"') {
        text = cm_slice(text.data + 1, text.len - 2);
    } else if (cm_slice_equal(text, CM_SLICE("?")) && cm_slice_equal(name, CM_SLICE("value"))) {
        packet->any_value = true;
        return true;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (cm_slice_equal(texts[i].name, name)) {
            words->expand(words->context, text, texts[i].to);
            return true;
        }
    }
    return false;
}

/* Fields that are numbers. False: it is none. */
static inline bool packet_number_field(struct packet_line *packet, struct cm_slice name,
                                       struct cm_slice text) {
    const struct {
        struct cm_slice name;
        struct cm_buf *to;
        size_t bytes;
    } body[] = {{CM_SLICE("flags"), &packet->extras, 4},
                {CM_SLICE("expires"), &packet->extras, 4},
                {CM_SLICE("delta"), &packet->extras, 8},
                {CM_SLICE("initial"), &packet->extras, 8},
                {CM_SLICE("number"), &packet->value, 8}};
    const struct {
        struct cm_slice name;
        uint64_t *to;
    } lengths[] = {{CM_SLICE("keylen"), &packet->lengths[0]},
                   {CM_SLICE("extlen"), &packet->lengths[1]},
                   {CM_SLICE("bodylen"), &packet->lengths[2]},
                   {CM_SLICE("cut"), &packet->cut}};
    uint64_t number;
    if (!packet_number(text, &number)) {
        return false;
    }
    for (size_t i = 0; i < sizeof body / sizeof body[0]; i++) {
        if (cm_slice_equal(body[i].name, name)) {
            packet_put_number(body[i].to, number, body[i].bytes);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (cm_slice_equal(lengths[i].name, name)) {
            *lengths[i].to = number;
            return true;
        }
    }
    if (cm_slice_equal(name, CM_SLICE("magic"))) {
        packet->magic = (uint8_t)number;
    } else if (cm_slice_equal(name, CM_SLICE("type"))) {
        packet->type = (uint8_t)number;
    } else if (cm_slice_equal(name, CM_SLICE("status"))) {
        packet->status = (uint16_t)number;
    } else if (cm_slice_equal(name, CM_SLICE("opaque"))) {
        packet->opaque = (uint32_t)number;
    } else {
        return false;
    }
    return true;
}

/* OPCODE FIELD=VALUE...; false: not of that form. */
static inline bool packet_parse(struct packet_line *packet, uint8_t magic, struct cm_slice line,
                                const struct packet_words *words) {
    *packet = (struct packet_line){
        .magic = magic, .lengths = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, .cut = UINT64_MAX};
    if (!packet_opcode(packet_word(&line), &packet->code)) {
        return false;
    }
    for (struct cm_slice word; (word = packet_word(&line)).len > 0;) {
        const char *equals = memchr(word.data, '=', word.len);
        if (equals == NULL) {
            return false;
        }
        const struct cm_slice name = cm_slice(word.data, (size_t)(equals - word.data));
        const struct cm_slice text = cm_slice(equals + 1, word.len - name.len - 1);
        const bool good = cm_slice_equal(name, CM_SLICE("cas"))
                              ? packet_cas(packet, text, words)
                              : packet_text_field(packet, name, text, words) ||
                                    packet_number_field(packet, name, text);
        if (!good) {
            return false;
        }
    }
    return true;
}

static inline uint64_t packet_length(const struct packet_line *packet, unsigned which,
                                     uint64_t is) {
    return packet->lengths[which] == UINT64_MAX ? is : packet->lengths[which];
}

/* Appends the packet's bytes. */
static inline void packet_build(const struct packet_line *packet, struct cm_buf *to) {
    const size_t before = cm_buf_len(to);
    char head[CM_BINARY_HEAD_BYTES] = {(char)packet->magic, (char)packet->code};
    const size_t key_bytes = cm_buf_len(&packet->key);
    const size_t extra_bytes = cm_buf_len(&packet->extras);
    const size_t body_bytes = extra_bytes + key_bytes + cm_buf_len(&packet->value);
    cm_store_be16(head + 2, (uint16_t)packet_length(packet, 0, key_bytes));
    head[4] = (char)packet_length(packet, 1, extra_bytes);
    head[5] = (char)packet->type;
    cm_store_be16(head + 6, packet->status);
    cm_store_be32(head + 8, (uint32_t)packet_length(packet, 2, body_bytes));
    cm_store_be32(head + 12, packet->opaque);
    cm_store_be64(head + 16, packet->cas);
    CM_CHECK(cm_buf_append(to, cm_slice(head, sizeof head)) == CM_OK);
    CM_CHECK(cm_buf_append(to, cm_buf_slice(&packet->extras)) == CM_OK);
    CM_CHECK(cm_buf_append(to, cm_buf_slice(&packet->key)) == CM_OK);
    CM_CHECK(cm_buf_append(to, cm_buf_slice(&packet->value)) == CM_OK);
    if (packet->cut < cm_buf_len(to) - before) {
        to->tail -= cm_buf_len(to) - before - (size_t)packet->cut;
    }
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_FUZZ_PARSE_H
#define CM_FUZZ_PARSE_H

/* Drives a protocol without a store: parses, checks what comes out, and answers each op with every
 * outcome. The input is held in memory of exactly its size, for the sanitizer to see overruns. */

#include "protocol/protocol.h"
#include <stdlib.h>

struct fuzz_parse {
    const struct cm_protocol *protocol;
    struct cm_parser parser;
    struct cm_encoder encoder;
    struct cm_batch batch;
    struct cm_out out;
    bool closed;
};

static inline bool fuzz_is_within(struct cm_slice part, struct cm_slice whole) {
    return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

/* P3: an op's slices lie in the input or in scratch memory. */
static inline void fuzz_check_op(const struct cm_op *op, struct cm_slice input,
                                 const struct cm_batch *batch) {
    const struct cm_slice scratch = cm_slice(batch->scratch, batch->scratch_used);
    CM_CHECK(op->start <= input.len);
    if ((cm_op_traits(op->kind) & CM_TRAIT_KEYED) != 0) {
        CM_CHECK(op->key.len >= 1 && op->key.len <= 250);
        CM_CHECK(fuzz_is_within(op->key, input) || fuzz_is_within(op->key, scratch));
        CM_CHECK(op->echo_bytes == 0 || fuzz_is_within(cm_slice(op->echo, op->echo_bytes), input));
    }
    if (op->kind == CM_OP_STORE) {
        CM_CHECK(fuzz_is_within(op->value, input));
    } else if (op->kind == CM_OP_SASL || op->kind == CM_OP_LOGIN) {
        CM_CHECK(op->value.len == 0 || fuzz_is_within(op->value, input));
    }
}

static inline void fuzz_answer(struct fuzz_parse *fuzz, const struct cm_op *op) {
    static const char value[] = "some value";
    for (unsigned outcome = 0; outcome < CM_OUTCOMES; outcome++) {
        struct cm_reply reply = {
            .outcome = (uint8_t)outcome,
            .stale = true,
            .won = true,
            .win_sent = true,
            .client_flags = UINT32_MAX,
            .cas = UINT64_MAX,
            .value = {value, sizeof value, NULL},
            .number = UINT64_MAX,
            .ttl_s = UINT32_MAX,
            .ttl_old_s = -1,
            .idle_s = UINT32_MAX,
            .item_bytes = UINT32_MAX,
        };
        const size_t mark = cm_out_mark(&fuzz->out);
        fuzz->protocol->encode(&fuzz->encoder, op, &reply, &fuzz->out);
        CM_CHECK(fuzz->out.len - mark <= CM_OUT_REPLY_MAX); /* O1 of op/out.h */
        cm_out_rewind(&fuzz->out, mark);
    }
}

/* Starting over at an op must give that op again. */
static inline void fuzz_rewind(struct fuzz_parse *fuzz, struct cm_slice input, unsigned which) {
    static struct cm_batch again;
    struct cm_parser parser = fuzz->parser;
    const struct cm_op *op = &fuzz->batch.ops[which];
    size_t used;
    again.limits = fuzz->batch.limits;
    again.count = 0;
    again.scratch_used = 0;
    fuzz->protocol->rewind(&parser, op);
    (void)fuzz->protocol->parse(&parser, cm_slice(input.data + op->start, input.len - op->start),
                                &used, &again);
    CM_CHECK(again.count > 0);
    CM_CHECK(again.ops[0].kind == op->kind && again.ops[0].form == op->form &&
             again.ops[0].marks == op->marks && again.ops[0].options == op->options);
    CM_CHECK(cm_slice_equal(again.ops[0].key, op->key));
    CM_CHECK(op->kind != CM_OP_REPLY || cm_slice_equal(again.ops[0].text, op->text));
}

/* One piece of input; returns what was used of it. */
static inline size_t fuzz_parse_piece(struct fuzz_parse *fuzz, struct cm_slice input) {
    size_t total = 0;
    for (enum cm_parse_status status = CM_PARSE_BATCH; status == CM_PARSE_BATCH;) {
        const struct cm_slice rest = cm_slice(input.data + total, input.len - total);
        size_t used;
        fuzz->batch.count = 0;
        fuzz->batch.scratch_used = 0;
        status = fuzz->protocol->parse(&fuzz->parser, rest, &used, &fuzz->batch);
        CM_CHECK(used <= rest.len && fuzz->batch.count <= CM_BATCH_OPS);
        CM_CHECK(status != CM_PARSE_BATCH || fuzz->batch.count > 0);
        for (unsigned i = 0; i < fuzz->batch.count; i++) {
            fuzz_check_op(&fuzz->batch.ops[i], rest, &fuzz->batch);
            fuzz_answer(fuzz, &fuzz->batch.ops[i]);
        }
        if (fuzz->batch.count > 0) {
            fuzz_rewind(fuzz, rest, fuzz->batch.count / 2);
        }
        fuzz->closed = status == CM_PARSE_CLOSE;
        total += used;
    }
    return total;
}

/* The whole input, in pieces of `step` bytes (0: one piece), kept together as a session does. An
 * odd step stands for a client that has not logged in. */
static inline void fuzz_parse_all(const struct cm_protocol *protocol, struct cm_slice input,
                                  size_t step) {
    static struct fuzz_parse fuzz;
    char *data = fuzz.out.data == NULL ? malloc(CM_OUT_CAPACITY) : fuzz.out.data;
    CM_CHECK(data != NULL);
    fuzz = (struct fuzz_parse){.protocol = protocol, .out = {.data = data}};
    fuzz.batch.limits = (struct cm_parse_limits){.item_bytes_max = 1 << 20,
                                                 .wall_zero_s = 1000,
                                                 .now_s = 7,
                                                 .unauthenticated = step % 2 == 1};
    size_t from = 0;
    for (size_t to = step == 0 ? input.len : step; !fuzz.closed; to += step) {
        to = to < input.len ? to : input.len;
        const size_t len = to - from;
        char *copy = malloc(len + 1);
        CM_CHECK(copy != NULL);
        if (len > 0) {
            memcpy(copy + 1, input.data + from, len);
        }
        from += fuzz_parse_piece(&fuzz, cm_slice(copy + 1, len));
        free(copy);
        if (to == input.len) {
            break;
        }
    }
}

#endif

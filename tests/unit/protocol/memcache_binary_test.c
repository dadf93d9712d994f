/* SPDX-License-Identifier: BSD-3-Clause */
#include "protocol/memcache_binary.h"

#include "base/endian.h"
#include "protocol/memcache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the transcripts cannot bring about, or only with much else. */

static struct cm_out out;

static int set_up(void **state) {
    (void)state;
    out.data = malloc(CM_OUT_CAPACITY);
    return out.data == NULL;
}

static int tear_down(void **state) {
    (void)state;
    free(out.data);
    return 0;
}

/* The response to `op`, all of it, is this. */
static void assert_answer(const struct cm_op *op, struct cm_reply reply, unsigned status,
                          struct cm_slice value) {
    struct cm_encoder encoder = {0};
    out.len = 0;
    cm_binary_encode(&encoder, op, &reply, &out);
    assert_int_equal(out.len, CM_BINARY_HEAD_BYTES + value.len);
    assert_int_equal((unsigned char)out.data[0], CM_BINARY_RESPONSE);
    assert_int_equal((unsigned char)out.data[1], op->form);
    assert_int_equal(cm_load_be16(out.data + 2), 0);
    assert_int_equal(out.data[4], 0);
    assert_int_equal(out.data[5], 0);
    assert_int_equal(cm_load_be16(out.data + 6), status);
    assert_int_equal(cm_load_be32(out.data + 8), value.len);
    assert_memory_equal(out.data + 12, "\x01\x02\x03\x04", 4);
    assert_true(cm_load_be64(out.data + 16) == 0);
    assert_memory_equal(out.data + CM_BINARY_HEAD_BYTES, value.data, value.len);
}

static struct cm_op op_of(enum cm_op_kind kind, uint8_t code) {
    struct cm_op op = {.kind = (uint8_t)kind, .form = code};
    memcpy(&op.opaque, "\x01\x02\x03\x04", 4);
    return op;
}

static struct cm_reply reply_of(enum cm_outcome outcome, struct cm_slice value) {
    return (struct cm_reply){.outcome = (uint8_t)outcome, .value = {value.data, value.len, NULL}};
}

static void test_sasl(void **state) {
    (void)state;
    struct cm_op op = op_of(CM_OP_SASL, 0x20);
    const struct cm_slice nothing = CM_SLICE("");
    op.selector = CM_SASL_LIST;
    assert_answer(&op, reply_of(CM_OUTCOME_DONE, CM_SLICE("PLAIN SCRAM-SHA-256")), 0,
                  CM_SLICE("PLAIN SCRAM-SHA-256"));
    assert_answer(&op, reply_of(CM_OUTCOME_DISABLED, nothing), 0x81, CM_SLICE("Unknown command"));
    op.form = 0x21;
    op.selector = CM_SASL_START;
    assert_answer(&op, reply_of(CM_OUTCOME_DONE, CM_SLICE("ignored")), 0,
                  CM_SLICE("Authenticated"));
    assert_answer(&op, reply_of(CM_OUTCOME_AUTH_CONTINUE, CM_SLICE("r=challenge")), 0x21,
                  CM_SLICE("r=challenge"));
    assert_answer(&op, reply_of(CM_OUTCOME_AUTH_CONTINUE, nothing), 0x21, nothing);
    assert_answer(&op, reply_of(CM_OUTCOME_AUTH_FAILED, nothing), 0x20, CM_SLICE("Auth failure."));
    op.form = 0x22;
    op.selector = CM_SASL_STEP;
    assert_answer(&op, reply_of(CM_OUTCOME_DONE, nothing), 0, CM_SLICE("Authenticated"));
    assert_answer(&op, reply_of(CM_OUTCOME_NO_MEMORY, nothing), 0x82, CM_SLICE("Out of memory"));
}

static void test_no_memory(void **state) {
    (void)state;
    const struct {
        enum cm_op_kind kind;
        struct cm_slice text;
    } cases[] = {
        {CM_OP_GET, CM_SLICE("Out of memory")},
        {CM_OP_TOUCH, CM_SLICE("Out of memory")},
        {CM_OP_STORE, CM_SLICE("Out of memory allocating item")},
        {CM_OP_STORE_LONG, CM_SLICE("Out of memory allocating item")},
        {CM_OP_ARITH, CM_SLICE("Out of memory incrementing value")},
        {CM_OP_STATS, CM_SLICE("Out of memory generating stats")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cm_op op = op_of(cases[i].kind, 0x42);
        const struct cm_reply reply = reply_of(CM_OUTCOME_NO_MEMORY, CM_SLICE(""));
        assert_answer(&op, reply, 0x82, cases[i].text);
        op.marks = CM_MARK_QUIET; /* which hides no error */
        assert_answer(&op, reply, 0x82, cases[i].text);
    }
}

static void test_unauthenticated(void **state) {
    (void)state;
    const enum cm_op_kind kinds[] = {CM_OP_GET,    CM_OP_STORE, CM_OP_ARITH,
                                     CM_OP_DELETE, CM_OP_FLUSH, CM_OP_STATS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct cm_op op = op_of(kinds[i], 0x42);
        op.marks = CM_MARK_QUIET;
        assert_answer(&op, reply_of(CM_OUTCOME_UNAUTHENTICATED, CM_SLICE("")), 0x20,
                      CM_SLICE("Auth failure."));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sasl),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_unauthenticated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- requests ---- */

struct written {
    enum cm_stress_kind kind;
    uint32_t ttl_s;
    const char *text, *meta, *resp; /* with the value "abc" */
};

static const struct written requests[] = {
    {CM_STRESS_GET, 9, "get key\r\n", "mg key v\r\n", "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"},
    {CM_STRESS_SET, 0, "set key 0 0 3\r\nabc\r\n", "ms key 3\r\nabc\r\n",
     "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nabc\r\n"},
    {CM_STRESS_SET, 60, "set key 0 60 3\r\nabc\r\n", "ms key 3 T60\r\nabc\r\n",
     "*5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nabc\r\n$2\r\nEX\r\n$2\r\n60\r\n"},
    {CM_STRESS_ADD, 5, "add key 0 5 3\r\nabc\r\n", "ms key 3 ME T5\r\nabc\r\n",
     "*6\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nabc\r\n$2\r\nEX\r\n$1\r\n5\r\n$2\r\nNX\r\n"},
    {CM_STRESS_COUNTER, 0, "add key 0 0 3\r\nabc\r\n", "ms key 3 ME\r\nabc\r\n",
     "*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nabc\r\n$2\r\nNX\r\n"},
    {CM_STRESS_DELETE, 9, "delete key\r\n", "md key\r\n", "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n"},
    {CM_STRESS_TOUCH, 30, "touch key 30\r\n", "mg key T30\r\n",
     "*3\r\n$6\r\nEXPIRE\r\n$3\r\nkey\r\n$2\r\n30\r\n"},
    {CM_STRESS_TOUCH, 0, "touch key 0\r\n", "mg key T0\r\n", "*2\r\n$5\r\nTOUCH\r\n$3\r\nkey\r\n"},
    {CM_STRESS_INCR, 4, "incr key 1\r\n", "ma key N4 J0\r\n", "*2\r\n$4\r\nINCR\r\n$3\r\nkey\r\n"},
};

static void expect_written(const struct cm_stress_dialect *dialect, const struct written *what,
                           const char *expected) {
    char bytes[512];
    const bool stores = what->kind == CM_STRESS_SET || what->kind == CM_STRESS_ADD ||
                        what->kind == CM_STRESS_COUNTER;
    const struct cm_stress_ask ask = {what->kind, CM_SLICE("key"), 3, what->ttl_s};
    char *end = dialect->put(bytes, &ask);
    if (stores)
        end = dialect->put_end(cm_stress_put(end, CM_SLICE("abc")), &ask);
    assert_true(end - bytes <= CM_STRESS_REQUEST_BYTES + 6);
    assert_int_equal(end - bytes, strlen(expected));
    assert_memory_equal(bytes, expected, strlen(expected));
}

static void test_requests(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        expect_written(&cm_stress_text, &requests[i], requests[i].text);
        expect_written(&cm_stress_meta, &requests[i], requests[i].meta);
        expect_written(&cm_stress_resp, &requests[i], requests[i].resp);
    }
}

static void test_many_keys(void **state) {
    (void)state;
    static const struct {
        const struct cm_stress_dialect *dialect;
        const char *bytes;
    } rows[] = {
        {&cm_stress_text, "get a bc\r\n"},
        {&cm_stress_meta, "mg a v k q\r\nmg bc v k q\r\nmn\r\n"},
        {&cm_stress_resp, "*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$2\r\nbc\r\n"},
    };
    const struct cm_slice keys[] = {CM_SLICE("a"), CM_SLICE("bc")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[256];
        char *end = rows[i].dialect->put_many(bytes, keys, 2);
        assert_int_equal(end - bytes, strlen(rows[i].bytes));
        assert_memory_equal(bytes, rows[i].bytes, strlen(rows[i].bytes));
    }
}

/* ---- answers ---- */

struct answer {
    const struct cm_stress_dialect *dialect;
    enum cm_stress_kind kind;
    uint32_t count;
    struct cm_slice bytes;
    enum cm_stress_found found;
    bool last;
    const char *text; /* NULL: not looked at */
};
#define T &cm_stress_text
#define M &cm_stress_meta
#define B &cm_stress_binary
#define R &cm_stress_resp
#define BYTES(literal)                                                                             \
    { "" literal, sizeof(literal) - 1 }
#define HEAD(opcode, status, body)                                                                 \
    "\x81" opcode "\0\0\0\0\0" status "\0\0\0" body "\0\0\0\0"                                     \
    "\0\0\0\0\0\0\0\0"

static const struct answer answers[] = {
    {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 3\r\nabc\r\n"), CM_STRESS_VALUE, false, "abc"},
    {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 0\r\n\r\n"), CM_STRESS_VALUE, false, ""},
    {T, CM_STRESS_GET, 1, BYTES("END\r\n"), CM_STRESS_DONE, true, NULL},
    {T, CM_STRESS_SET, 1, BYTES("STORED\r\n"), CM_STRESS_DONE, true, NULL},
    {T, CM_STRESS_ADD, 1, BYTES("NOT_STORED\r\n"), CM_STRESS_NO, true, NULL},
    {T, CM_STRESS_DELETE, 1, BYTES("NOT_FOUND\r\n"), CM_STRESS_NO, true, NULL},
    {T, CM_STRESS_TOUCH, 1, BYTES("TOUCHED\r\n"), CM_STRESS_DONE, true, NULL},
    {T, CM_STRESS_INCR, 1, BYTES("18446744073709551615\r\n"), CM_STRESS_DONE, true, NULL},
    {T, CM_STRESS_SET, 1, BYTES("SERVER_ERROR out of memory\r\n"), CM_STRESS_ERROR, true,
     "SERVER_ERROR out of memory"},
    {T, CM_STRESS_GET, 1, BYTES("ERROR\r\n"), CM_STRESS_ERROR, true, "ERROR"},
    {M, CM_STRESS_GET, 1, BYTES("VA 3\r\nabc\r\n"), CM_STRESS_VALUE, true, "abc"},
    {M, CM_STRESS_GET, 2, BYTES("VA 3 kkey\r\nabc\r\n"), CM_STRESS_VALUE, false, "abc"},
    {M, CM_STRESS_GET, 2, BYTES("MN\r\n"), CM_STRESS_DONE, true, NULL},
    {M, CM_STRESS_GET, 1, BYTES("EN\r\n"), CM_STRESS_MISS, true, NULL},
    {M, CM_STRESS_SET, 1, BYTES("HD\r\n"), CM_STRESS_DONE, true, NULL},
    {M, CM_STRESS_ADD, 1, BYTES("NS\r\n"), CM_STRESS_NO, true, NULL},
    {M, CM_STRESS_DELETE, 1, BYTES("NF\r\n"), CM_STRESS_NO, true, NULL},
    {M, CM_STRESS_TOUCH, 1, BYTES("EN\r\n"), CM_STRESS_NO, true, NULL},
    {B, CM_STRESS_GET, 1, BYTES(HEAD("\x00", "\0", "\x03") "abc"), CM_STRESS_VALUE, true, "abc"},
    {B, CM_STRESS_GET, 1, BYTES(HEAD("\x00", "\1", "\x00")), CM_STRESS_MISS, true, NULL},
    {B, CM_STRESS_GET, 2, BYTES(HEAD("\x0a", "\0", "\x00")), CM_STRESS_DONE, true, NULL},
    {B, CM_STRESS_SET, 1, BYTES(HEAD("\x01", "\0", "\x00")), CM_STRESS_DONE, true, NULL},
    {B, CM_STRESS_ADD, 1, BYTES(HEAD("\x02", "\2", "\x00")), CM_STRESS_NO, true, NULL},
    {B, CM_STRESS_INCR, 1, BYTES(HEAD("\x05", "\5", "\x00")), CM_STRESS_NO, true, NULL},
    {B, CM_STRESS_TOUCH, 1, BYTES(HEAD("\x1c", "\5", "\x00")), CM_STRESS_ERROR, true, ""},
    {B, CM_STRESS_SET, 1, BYTES(HEAD("\x01", "\x82", "\x02") "no"), CM_STRESS_ERROR, true, "no"},
    {R, CM_STRESS_GET, 1, BYTES("$3\r\nabc\r\n"), CM_STRESS_VALUE, true, "abc"},
    {R, CM_STRESS_GET, 1, BYTES("$-1\r\n"), CM_STRESS_MISS, true, NULL},
    {R, CM_STRESS_GET, 2, BYTES("*2\r\n"), CM_STRESS_NEXT, false, NULL},
    {R, CM_STRESS_SET, 1, BYTES("+OK\r\n"), CM_STRESS_DONE, true, NULL},
    {R, CM_STRESS_ADD, 1, BYTES("$-1\r\n"), CM_STRESS_NO, true, NULL},
    {R, CM_STRESS_DELETE, 1, BYTES(":0\r\n"), CM_STRESS_NO, true, NULL},
    {R, CM_STRESS_INCR, 1, BYTES(":0\r\n"), CM_STRESS_DONE, true, NULL},
    {R, CM_STRESS_SET, 1, BYTES("-ERR no\r\n"), CM_STRESS_ERROR, true, "ERR no"},
};

/* Every beginning is a part, the whole is what it is, and what follows is left alone. Each copy has
 * a piece of memory of just its size. */
static void test_answers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct answer *answer = &answers[i];
        const struct cm_stress_request request = {.kind = (uint8_t)answer->kind,
                                                  .count = answer->count};
        for (size_t bytes = 1; bytes <= answer->bytes.len + 1; bytes++) {
            struct cm_stress_piece piece = {.found = CM_STRESS_BAD};
            char *copy = calloc(1, bytes);
            memcpy(copy, answer->bytes.data, bytes < answer->bytes.len ? bytes : answer->bytes.len);
            answer->dialect->scan(cm_slice(copy, bytes), &request, &piece);
            if (bytes < answer->bytes.len) {
                assert_int_equal(piece.found, CM_STRESS_PART);
                free(copy);
                continue;
            }
            assert_int_equal(piece.found, answer->found);
            assert_int_equal(piece.last, answer->last);
            assert_int_equal(piece.used, answer->bytes.len);
            if (answer->text != NULL)
                assert_true(
                    cm_slice_equal(piece.text, cm_slice(answer->text, strlen(answer->text))));
            free(copy);
        }
    }
}

static void test_nonsense(void **state) {
    (void)state;
    static const struct answer wrong[] = {
        {T, CM_STRESS_GET, 1, BYTES("VALUE key 0\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("VALUE  0 3\r\nabc\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 3 7\r\nabc\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 -3\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 4294967295\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("VALUE key 0 3\r\nabcd\r\n"), 0, 0, NULL},
        {T, CM_STRESS_GET, 1, BYTES("STORED\r\n"), 0, 0, NULL},
        {T, CM_STRESS_SET, 1, BYTES("VALUE key 0 3\r\nabc\r\n"), 0, 0, NULL},
        {T, CM_STRESS_SET, 1, BYTES("\r\n"), 0, 0, NULL},
        {T, CM_STRESS_INCR, 1, BYTES("STORED\r\n"), 0, 0, NULL},
        {M, CM_STRESS_GET, 1, BYTES("HD\r\n"), 0, 0, NULL},
        {M, CM_STRESS_GET, 1, BYTES("VA \r\n\r\n"), 0, 0, NULL},
        {M, CM_STRESS_GET, 2, BYTES("EN\r\n"), 0, 0, NULL},
        {B, CM_STRESS_GET, 1, BYTES("\x80"), 0, 0, NULL},
        {B, CM_STRESS_SET, 1, BYTES(HEAD("\x00", "\0", "\x00")), 0, 0, NULL},
        {B, CM_STRESS_GET, 1,
         BYTES("\x81\0\0\x09\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0"
               "abc"),
         0, 0, NULL},
        {R, CM_STRESS_GET, 1, BYTES("$-2\r\n"), 0, 0, NULL},
        {R, CM_STRESS_GET, 1, BYTES("$x\r\n"), 0, 0, NULL},
        {R, CM_STRESS_GET, 1, BYTES(":1\r\n"), 0, 0, NULL},
        {R, CM_STRESS_GET, 2, BYTES("*3\r\n"), 0, 0, NULL},
        {R, CM_STRESS_GET, 2, BYTES("$1\r\na\r\n"), 0, 0, NULL},
        {R, CM_STRESS_SET, 1, BYTES(":1\r\n"), 0, 0, NULL},
        {R, CM_STRESS_SET, 1, BYTES("\r\n"), 0, 0, NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct cm_stress_request request = {.kind = (uint8_t)wrong[i].kind,
                                                  .count = wrong[i].count};
        struct cm_stress_piece piece = {.found = CM_STRESS_DONE};
        wrong[i].dialect->scan(wrong[i].bytes, &request, &piece);
        assert_int_equal(piece.found, CM_STRESS_BAD);
    }
}

/* A line without an end is not waited for for ever. */
static void test_endless_line(void **state) {
    (void)state;
    static const struct cm_stress_dialect *const dialects[] = {T, M, R};
    char bytes[CM_STRESS_LINE_MAX];
    memset(bytes, 'V', sizeof bytes);
    for (size_t i = 0; i < 3; i++) {
        const struct cm_stress_request request = {.kind = CM_STRESS_SET, .count = 1};
        struct cm_stress_piece piece = {0};
        dialects[i]->scan(cm_slice(bytes, sizeof bytes - 1), &request, &piece);
        assert_int_equal(piece.found, CM_STRESS_PART);
        dialects[i]->scan(cm_slice(bytes, sizeof bytes), &request, &piece);
        assert_int_equal(piece.found, CM_STRESS_BAD);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_answers),      cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_endless_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/trace.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

/* A file in memory with these bytes. */
static int file_of(const void *bytes, size_t count) {
    int file = memfd_create("trace", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, count), (ssize_t)count);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    return file;
}

static struct cm_trace *open_bytes(const void *bytes, size_t count,
                                   const struct cm_trace_options *options) {
    struct cm_trace *trace = NULL;
    assert_int_equal(cm_trace_open_file(file_of(bytes, count), "t", options, &trace), CM_OK);
    return trace;
}

static void expect_request(struct cm_trace *trace, const char *key, long bytes) {
    struct cm_trace_request request;
    assert_int_equal(cm_trace_next(trace, &request), CM_TRACE_REQUEST);
    assert_true(cm_slice_equal(request.key, cm_slice(key, strlen(key))));
    assert_int_equal(request.has_size, bytes >= 0);
    assert_int_equal(request.value_bytes, bytes < 0 ? 0 : bytes);
}

static void expect_end(struct cm_trace *trace, enum cm_trace_step step, const char *why) {
    struct cm_trace_request request;
    assert_int_equal(cm_trace_next(trace, &request), step);
    assert_string_equal(cm_trace_why(trace), why);
    assert_int_equal(cm_trace_next(trace, &request), CM_TRACE_END);
}

static void test_lines(void **state) {
    (void)state;
    static const char text[] = "a\nb 12\nc\t7\r\nd  \t 0 \ne 1073741824\n\xc3\xa4 3";
    struct cm_trace *trace = open_bytes(text, sizeof text - 1, &(struct cm_trace_options){0});
    expect_request(trace, "a", -1);
    expect_request(trace, "b", 12);
    expect_request(trace, "c", 7);
    expect_request(trace, "d", 0);
    expect_request(trace, "e", 1 << 30);
    expect_request(trace, "\xc3\xa4", 3);
    assert_true(cm_trace_progress(trace) == 1);
    expect_end(trace, CM_TRACE_END, "");
    cm_trace_close(trace);
}

static void test_an_empty_trace_is_one(void **state) {
    (void)state;
    struct cm_trace *trace = open_bytes("", 0, &(struct cm_trace_options){0});
    expect_end(trace, CM_TRACE_END, "");
    cm_trace_close(trace);
}

#define LONG_KEY_251                                                                               \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaa"                                                                                       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaa"                                                                                       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define MALFORMED(text, why)                                                                       \
    { text, sizeof(text) - 1, why }

static void test_malformed_lines(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *why;
    } rows[] = {
        MALFORMED("\n", "t:2: the key is missing: a line is KEY or KEY BYTES"),
        MALFORMED("\r\n", "t:2: the key is missing: a line is KEY or KEY BYTES"),
        MALFORMED(" k 1\n", "t:2: the key is missing: a line is KEY or KEY BYTES"),
        MALFORMED("k\x01y 1\n", "t:2: byte 2 of the key is 0x01: control characters are allowed "
                                "with --keys=hash only"),
        MALFORMED("k\0 1\n", "t:2: byte 2 of the key is 0x00: control characters are allowed with "
                             "--keys=hash only"),
        MALFORMED("\x7f\n", "t:2: byte 1 of the key is 0x7f: control characters are allowed with "
                            "--keys=hash only"),
        MALFORMED(LONG_KEY_251 "\n", "t:2: the key has 251 bytes: 1 to 250 are allowed, more with "
                                     "--keys=hash only"),
        MALFORMED("k x\n", "t:2: \"x\" is no size: a number from 0 to 1073741824 is allowed"),
        MALFORMED("k -1\n", "t:2: \"-1\" is no size: a number from 0 to 1073741824 is allowed"),
        MALFORMED("k 1k\n", "t:2: \"1k\" is no size: a number from 0 to 1073741824 is allowed"),
        MALFORMED("k 1\x1b\n", "t:2: \"1?\" is no size: a number from 0 to 1073741824 is allowed"),
        MALFORMED("k 1073741825\n", "t:2: \"1073741825\" is no size: a number from 0 to 1073741824 "
                                    "is allowed"),
        MALFORMED(
            "k 99999999999999999999999999999999999999999999\n",
            "t:2: \"9999999999999999999999999999999999999999\" is no size: a number from 0 to "
            "1073741824 is allowed"),
        MALFORMED("k 1 2\n",
                  "t:2: there is more than a key and a size: a line is KEY or KEY BYTES"),
        MALFORMED("k\n", "t:2: the size is missing: a line is KEY BYTES unless there is "
                         "--value-size"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[400] = "first 1\n";
        memcpy(text + 8, rows[i].text, rows[i].bytes);
        struct cm_trace *trace =
            open_bytes(text, 8 + rows[i].bytes, &(struct cm_trace_options){.needs_sizes = true});
        expect_request(trace, "first", 1);
        expect_end(trace, CM_TRACE_BAD, rows[i].why);
        cm_trace_close(trace);
    }
}

static void test_a_line_may_be_as_long(void **state) {
    (void)state;
    char *text = malloc(CM_TRACE_LINE_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', CM_TRACE_LINE_BYTES_MAX);
    memcpy(text, "k 5", 3);
    text[CM_TRACE_LINE_BYTES_MAX - 1] = '\n';
    struct cm_trace *trace =
        open_bytes(text, CM_TRACE_LINE_BYTES_MAX, &(struct cm_trace_options){0});
    expect_request(trace, "k", 5);
    expect_end(trace, CM_TRACE_END, "");
    cm_trace_close(trace);
    text[CM_TRACE_LINE_BYTES_MAX - 1] = ' ';
    text[CM_TRACE_LINE_BYTES_MAX] = '\n';
    trace = open_bytes(text, CM_TRACE_LINE_BYTES_MAX + 1, &(struct cm_trace_options){0});
    expect_end(trace, CM_TRACE_BAD, "t:1: the line is longer than 65535 bytes");
    cm_trace_close(trace);
    free(text);
}

static void test_odd_keys_can_be_hashed(void **state) {
    (void)state;
    static const char text[] = LONG_KEY_251 " 1\nplain 2\nb\x01 3\nb\x01\n";
    struct cm_trace_request request;
    char hashed[33] = "";
    struct cm_trace *trace =
        open_bytes(text, sizeof text - 1, &(struct cm_trace_options){.hash_keys = true});
    assert_int_equal(cm_trace_next(trace, &request), CM_TRACE_REQUEST);
    assert_int_equal(request.key.len, 32);
    assert_int_equal(strspn(request.key.data, "0123456789abcdef"), 32);
    memcpy(hashed, request.key.data, 32);
    expect_request(trace, "plain", 2);
    assert_int_equal(cm_trace_next(trace, &request), CM_TRACE_REQUEST);
    assert_int_equal(request.value_bytes, 3);
    assert_memory_not_equal(hashed, request.key.data, 32);
    memcpy(hashed, request.key.data, 32);
    expect_request(trace, hashed, -1);
    expect_end(trace, CM_TRACE_END, "");
    cm_trace_close(trace);
}

/* `count` lines "key-N 1", compressed; the bytes used. */
static size_t compress_lines(unsigned char *to, size_t room, unsigned count) {
    z_stream stream = {.next_out = to, .avail_out = (unsigned)room};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (unsigned i = 0; i < count; i++) {
        char line[32];
        stream.avail_in = (unsigned)snprintf(line, sizeof line, "key-%u 1\n", i);
        stream.next_in = (unsigned char *)line;
        assert_int_equal(deflate(&stream, Z_NO_FLUSH), Z_OK);
    }
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static unsigned read_lines(struct cm_trace *trace, enum cm_trace_step *end) {
    struct cm_trace_request request;
    unsigned count = 0;
    while ((*end = cm_trace_next(trace, &request)) == CM_TRACE_REQUEST) {
        char key[32];
        int length = snprintf(key, sizeof key, "key-%u", count++);
        assert_true(cm_slice_equal(request.key, cm_slice(key, (size_t)length)));
        assert_in_range(cm_trace_progress(trace) * 1000, 0, 1000);
    }
    return count;
}

static void test_gzip(void **state) {
    (void)state;
    enum { LINES = 30000, ROOM = 1 << 20 };
    enum cm_trace_step end;
    unsigned char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    size_t count = compress_lines(bytes, ROOM, LINES);
    struct cm_trace *trace = open_bytes(bytes, count, &(struct cm_trace_options){0});
    assert_int_equal(read_lines(trace, &end), LINES);
    assert_int_equal(end, CM_TRACE_END);
    cm_trace_close(trace);

    trace = open_bytes(bytes, count / 2, &(struct cm_trace_options){0});
    unsigned lines = read_lines(trace, &end);
    char why[80];
    snprintf(why, sizeof why, "t:%u: cannot be read on: the gzip data ends too early", lines + 1);
    assert_int_equal(end, CM_TRACE_BAD);
    assert_string_equal(cm_trace_why(trace), why);
    cm_trace_close(trace);

    bytes[count - 6] ^= 1; /* of the checksum */
    trace = open_bytes(bytes, count, &(struct cm_trace_options){0});
    read_lines(trace, &end);
    assert_int_equal(end, CM_TRACE_BAD);
    assert_non_null(strstr(cm_trace_why(trace), ": cannot be read on: "));
    cm_trace_close(trace);
    free(bytes);
}

static void test_files_that_cannot_be_opened(void **state) {
    (void)state;
    char why[CM_TRACE_WHY_BYTES];
    struct cm_trace *trace = NULL;
    const struct cm_trace_options options = {0};
    assert_int_equal(cm_trace_open("/nowhere/x", &options, &trace, why), CM_INVALID);
    assert_string_equal(why, "/nowhere/x: No such file or directory");
    assert_int_equal(cm_trace_open("/", &options, &trace, why), CM_INVALID);
    assert_string_equal(why, "/: Is a directory");
    assert_null(trace);
    cm_trace_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_an_empty_trace_is_one),
        cmocka_unit_test(test_malformed_lines),
        cmocka_unit_test(test_a_line_may_be_as_long),
        cmocka_unit_test(test_odd_keys_can_be_hashed),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_files_that_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

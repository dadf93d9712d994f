/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "parse.h"

/* The meta commands' flags: each line of the input becomes what follows a command and a key, so
 * that no time is lost on finding the commands. The first byte says how the whole is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const starts[] = {"mg key ", "ms key 2 ",  "md key ",
                                     "ma key ", "mg a2V5 b ", "ms a2V5 2 b "};
#define STARTS (sizeof starts / sizeof starts[0])

static void append(struct cm_buf *buf, struct cm_slice bytes) {
    CM_CHECK(cm_buf_append(buf, bytes) == CM_OK);
}

/* A line's first byte chooses its command. */
static void append_line(struct cm_buf *buf, struct cm_slice line) {
    const char *start = starts[(unsigned char)line.data[0] % STARTS];
    append(buf, cm_slice(start, strlen(start)));
    append(buf, cm_slice(line.data + 1, line.len - 1));
    append(buf, CM_SLICE("\r\n"));
    if (start[1] == 's') {
        append(buf, CM_SLICE("xy\r\n"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct cm_buf buf;
    size_t from = 1;
    cm_buf_clear(&buf);
    while (from < size) {
        const uint8_t *end = memchr(data + from, '\n', size - from);
        const size_t to = end == NULL ? size : (size_t)(end - data);
        if (to > from) {
            append_line(&buf, cm_slice(data + from, to - from));
        }
        from = to + 1;
    }
    if (cm_buf_len(&buf) > 0) {
        fuzz_parse_all(&cm_protocol_memcache_text, cm_buf_slice(&buf), 0);
        fuzz_parse_all(&cm_protocol_memcache_text, cm_buf_slice(&buf), data[0] % 64 + 1);
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "../tests/support/session_rig.h"
#include <ctype.h>
#include <stdlib.h>

/* A whole session on a real store: the same bytes, in one piece and cut, must be answered alike
 * (S2 of session.h). The first byte says how they are cut; a byte of REPEAT stands for many x, so
 * that small inputs hold large values; one of TICK lets time pass. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPEAT       0xf7
#define REPEAT_BYTES 5000
#define REPEATS_MAX  16 /* further ones stand for nothing, or this takes all day */
#define TICK         0xf8
#define INPUT_MAX    2048

static bool starts_with(struct cm_slice text, struct cm_slice prefix) {
    return text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0;
}

static bool is_info(struct cm_slice text) {
    return text.len >= 4 && tolower((unsigned char)text.data[0]) == 'i' &&
           tolower((unsigned char)text.data[1]) == 'n' &&
           tolower((unsigned char)text.data[2]) == 'f' &&
           tolower((unsigned char)text.data[3]) == 'o';
}

/* Answers that depend on how the input was cut: counters of bytes and turns, and requests that are
 * refused behind answers still to be sent. */
static bool tells_of_cuts(struct cm_slice input) {
    const struct cm_slice words[] = {CM_SLICE("stats"), CM_SLICE("\x80\x10"), CM_SLICE("watch"),
                                     CM_SLICE("metadump"), CM_SLICE("mgdump")};
    for (size_t i = 0; i < input.len; i++) {
        const struct cm_slice rest = cm_slice(input.data + i, input.len - i);
        if (is_info(rest)) {
            return true;
        }
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            if (starts_with(rest, words[k])) {
                return true;
            }
        }
    }
    return false;
}

/* The bytes of a number that follows "size=" at the end of what comes before. */
static size_t size_digits(struct cm_slice text, size_t at) {
    size_t digits = 0;
    if (at < 5 || memcmp(text.data + at - 5, "size=", 5) != 0) {
        return 0;
    }
    while (at + digits < text.len && isdigit((unsigned char)text.data[at + digits])) {
        digits++;
    }
    return digits;
}

/* Answers that are still to be sent may hold values where they are: what replaces them is then
 * written elsewhere, and may be laid out in fewer bytes. */
static bool equal_but_for_sizes(struct cm_slice a, struct cm_slice b) {
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        const size_t digits = size_digits(a, i);
        if (digits > 0) {
            i += digits;
            j += size_digits(b, j);
        } else if (a.data[i++] != b.data[j++]) {
            return false;
        }
    }
    return i == a.len && j == b.len;
}

static void append(struct cm_buf *buf, struct cm_slice bytes) {
    CM_CHECK(cm_buf_append(buf, bytes) == CM_OK);
}

static void feed(struct rig *rig, struct cm_slice input, size_t step) {
    while (input.len > 0) {
        const size_t bytes = step == 0 || step > input.len ? input.len : step;
        char *copy = malloc(bytes);
        CM_CHECK(copy != NULL);
        memcpy(copy, input.data, bytes);
        rig_feed(rig, cm_slice(copy, bytes));
        free(copy);
        input = cm_slice(input.data + bytes, input.len - bytes);
    }
}

static void expand(struct cm_buf *text, const uint8_t *data, size_t size) {
    static char repeated[REPEAT_BYTES];
    unsigned repeats = 0;
    memset(repeated, 'x', sizeof repeated);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != REPEAT) {
            append(text, cm_slice(data + i, 1));
        } else if (repeats++ < REPEATS_MAX) {
            append(text, cm_slice(repeated, sizeof repeated));
        }
    }
}

/* Feeds everything; what was answered is left in rig->received. */
static void play(struct rig *rig, const uint8_t *data, size_t size, size_t step) {
    static struct cm_buf text;
    const struct rig_options options = {.memory_bytes = 4 << 20, .debug_time = true};
    rig_open(rig, &options);
    for (size_t from = 0; from < size;) {
        const uint8_t *tick = memchr(data + from, TICK, size - from);
        const size_t to = tick == NULL ? size : (size_t)(tick - data);
        cm_buf_clear(&text);
        expand(&text, data + from, to - from);
        feed(rig, cm_buf_slice(&text), step);
        rig_advance(rig, 1);
        from = to + 1;
    }
    cmstore_check(rig->thread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct rig whole;
    static struct rig cut;
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    play(&whole, data + 1, size - 1, 0);
    play(&cut, data + 1, size - 1, (size_t)data[0] + 1);
    if (!tells_of_cuts(cm_slice(data, size))) {
        CM_CHECK(whole.closed == cut.closed);
        CM_CHECK(equal_but_for_sizes(cm_buf_slice(&whole.received), cm_buf_slice(&cut.received)));
    }
    rig_close(&whole);
    rig_close(&cut);
    return 0;
}

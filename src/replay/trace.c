/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay/trace.h"

#include "base/format.h"
#include "base/hash.h"
#include "base/num.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define HASHED_KEY_BYTES 32 /* two hashes in hexadecimal */
#define SHOWN_BYTES      40 /* as much of a wrong word is shown */
#define INFLATE_BYTES    (128 << 10)

struct cm_trace {
    struct cm_trace_options options;
    gzFile file;
    char *name;
    uint64_t line;      /* the number of the one read last, from 1 */
    int64_t file_bytes; /* 0: not a file */
    size_t head, tail;  /* of `data`: what has not been handed out */
    bool ended;
    char data[CM_TRACE_LINE_BYTES_MAX];
    char hashed[HASHED_KEY_BYTES + 1];
    char why[CM_TRACE_WHY_BYTES];
};

/* ---- opening -------------------------------------------------------------------------------- */

static int64_t size_of(int file) {
    struct stat facts;
    return fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_size : 0;
}

enum cm_status cm_trace_open_file(int file, const char *name,
                                  const struct cm_trace_options *options, struct cm_trace **out) {
    struct cm_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        close(file);
        return CM_NO_MEMORY;
    }
    trace->options = *options;
    trace->file_bytes = size_of(file);
    trace->name = strdup(name);
    trace->file = gzdopen(file, "rb");
    if (trace->file == NULL)
        close(file);
    if (trace->name == NULL || trace->file == NULL) {
        cm_trace_close(trace);
        return CM_NO_MEMORY;
    }
    gzbuffer(trace->file, INFLATE_BYTES);
    *out = trace;
    return CM_OK;
}

enum cm_status cm_trace_open(const char *path, const struct cm_trace_options *options,
                             struct cm_trace **out, char *why) {
    bool is_input = strcmp(path, "-") == 0;
    int file = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    int error = file < 0 ? errno : 0;
    if (file >= 0 && fstat(file, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        error = EISDIR;
        close(file);
    }
    if (error != 0) {
        snprintf(why, CM_TRACE_WHY_BYTES, "%.200s: %s", path, strerror(error));
        return CM_INVALID;
    }
    return cm_trace_open_file(file, is_input ? "standard input" : path, options, out);
}

void cm_trace_close(struct cm_trace *trace) {
    if (trace == NULL)
        return;
    if (trace->file != NULL)
        gzclose(trace->file);
    free(trace->name);
    free(trace);
}

double cm_trace_progress(const struct cm_trace *trace) {
    int64_t at = gzoffset(trace->file);
    if (trace->file_bytes <= 0 || at < 0)
        return -1;
    return at >= trace->file_bytes ? 1 : (double)at / (double)trace->file_bytes;
}

const char *cm_trace_why(const struct cm_trace *trace) {
    return trace->why;
}

/* ---- lines ---------------------------------------------------------------------------------- */

CM_PRINTF(2, 3)
static enum cm_trace_step complain(struct cm_trace *trace, const char *format, ...) {
    va_list arguments;
    int used =
        snprintf(trace->why, sizeof trace->why, "%.200s:%" PRIu64 ": ", trace->name, trace->line);
    va_start(arguments, format);
    vsnprintf(trace->why + used, sizeof trace->why - (size_t)used, format, arguments);
    va_end(arguments);
    trace->ended = true;
    trace->head = trace->tail;
    return CM_TRACE_BAD;
}

/* More of the file behind what there is; false with *wrong set: it is damaged. */
static bool refill(struct cm_trace *trace, enum cm_trace_step *wrong) {
    memmove(trace->data, trace->data + trace->head, trace->tail - trace->head);
    trace->tail -= trace->head;
    trace->head = 0;
    int got = gzread(trace->file, trace->data + trace->tail,
                     (unsigned)(sizeof trace->data - trace->tail));
    int error = Z_OK;
    const char *text = gzerror(trace->file, &error);
    if (error == Z_ERRNO)
        text = strerror(errno);
    if (got <= 0 && error != Z_OK) {
        trace->line++;
        *wrong = complain(trace, "cannot be read on: %.160s",
                          error == Z_BUF_ERROR ? "the gzip data ends too early" : text);
        return false;
    }
    trace->ended = got <= 0;
    trace->tail += got > 0 ? (size_t)got : 0;
    return true;
}

/* The next line, without its end. */
static enum cm_trace_step next_line(struct cm_trace *trace, struct cm_slice *line) {
    enum cm_trace_step wrong = CM_TRACE_END;
    for (;;) {
        const char *begin = trace->data + trace->head;
        size_t there = trace->tail - trace->head;
        const char *end = memchr(begin, '\n', there);
        if (end != NULL || (trace->ended && there > 0)) {
            *line = cm_slice(begin, end != NULL ? (size_t)(end - begin) : there);
            trace->head += line->len + (end != NULL);
            trace->line++;
            if (line->len > 0 && line->data[line->len - 1] == '\r')
                line->len--;
            return CM_TRACE_REQUEST;
        }
        if (trace->ended)
            return CM_TRACE_END;
        if (there == sizeof trace->data) {
            trace->line++;
            return complain(trace, "the line is longer than %d bytes", CM_TRACE_LINE_BYTES_MAX - 1);
        }
        if (!refill(trace, &wrong))
            return wrong;
    }
}

static struct cm_slice next_word(struct cm_slice *rest) {
    size_t end = 0;
    while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != '\t')
        end++;
    struct cm_slice word = cm_slice(rest->data, end);
    while (end < rest->len && (rest->data[end] == ' ' || rest->data[end] == '\t'))
        end++;
    *rest = cm_slice(rest->data + end, rest->len - end);
    return word;
}

/* The place of the first byte that no key may have; the length if there is none. */
static size_t odd_byte(struct cm_slice key) {
    size_t at = 0;
    while (at < key.len && (unsigned char)key.data[at] > ' ' && key.data[at] != 0x7f)
        at++;
    return at;
}

static struct cm_slice hash_key(struct cm_trace *trace, struct cm_slice key) {
    snprintf(trace->hashed, sizeof trace->hashed, "%016" PRIx64 "%016" PRIx64,
             cm_hash(key.data, key.len, 0), cm_hash(key.data, key.len, 1));
    return cm_slice(trace->hashed, HASHED_KEY_BYTES);
}

static enum cm_trace_step take_key(struct cm_trace *trace, struct cm_slice word,
                                   struct cm_trace_request *request) {
    size_t odd = odd_byte(word);
    bool fits = word.len <= CM_TRACE_KEY_BYTES_MAX && odd == word.len;
    if (word.len == 0)
        return complain(trace, "the key is missing: a line is KEY or KEY BYTES");
    if (!fits && !trace->options.hash_keys && odd < word.len)
        return complain(trace,
                        "byte %zu of the key is 0x%02x: control characters are allowed with "
                        "--keys=hash only",
                        odd + 1, (unsigned char)word.data[odd]);
    if (!fits && !trace->options.hash_keys)
        return complain(trace,
                        "the key has %zu bytes: 1 to %d are allowed, more with --keys=hash only",
                        word.len, CM_TRACE_KEY_BYTES_MAX);
    request->key = fits ? word : hash_key(trace, word);
    return CM_TRACE_REQUEST;
}

static enum cm_trace_step take_size(struct cm_trace *trace, struct cm_slice word,
                                    struct cm_trace_request *request) {
    uint64_t bytes = 0;
    request->has_size = word.len > 0;
    if (word.len == 0 && trace->options.needs_sizes)
        return complain(trace, "the size is missing: a line is KEY BYTES unless there is "
                               "--value-size");
    if (word.len > 0 && (!cm_num_u64(word, &bytes) || bytes > CM_TRACE_VALUE_BYTES_MAX)) {
        char shown[SHOWN_BYTES + 1] = "";
        size_t length = word.len < SHOWN_BYTES ? word.len : SHOWN_BYTES;
        for (size_t i = 0; i < length; i++)
            shown[i] = (char)(word.data[i] > ' ' && word.data[i] < 0x7f ? word.data[i] : '?');
        return complain(trace, "\"%s\" is no size: a number from 0 to %" PRIu64 " is allowed",
                        shown, CM_TRACE_VALUE_BYTES_MAX);
    }
    request->value_bytes = (uint32_t)bytes;
    return CM_TRACE_REQUEST;
}

enum cm_trace_step cm_trace_next(struct cm_trace *trace, struct cm_trace_request *request) {
    struct cm_slice line = {NULL, 0};
    *request = (struct cm_trace_request){0};
    enum cm_trace_step step = next_line(trace, &line);
    if (step == CM_TRACE_REQUEST)
        step = take_key(trace, next_word(&line), request);
    if (step == CM_TRACE_REQUEST)
        step = take_size(trace, next_word(&line), request);
    if (step == CM_TRACE_REQUEST && line.len > 0)
        step = complain(trace, "there is more than a key and a size: a line is KEY or KEY BYTES");
    return step;
}

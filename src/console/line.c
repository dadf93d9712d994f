/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/line.h"

#include "base/check.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A line being read. Every word takes at least a byte of it, and is stored with a zero behind it, so
 * twice its length is room for all. */
struct reader {
    struct cm_slice in;
    size_t at;
    char *to;
    struct cm_line *line;
    struct cm_line_error *error;
};

static bool fail(struct reader *reader, size_t at, const char *why) {
    snprintf(reader->error->text, sizeof reader->error->text, "%s", why);
    reader->error->column = at + 1;
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_more(const struct reader *reader) {
    return reader->at < reader->in.len;
}

static char here(const struct reader *reader) {
    return reader->in.data[reader->at];
}

static int hex_of(char c) {
    static const char digits[] = "0123456789abcdef";
    const char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = c == '\0' ? NULL : strchr(digits, lower);
    return found == NULL ? -1 : (int)(found - digits);
}

/* After "\x". */
static bool read_hex(struct reader *reader) {
    const size_t at = reader->at;
    int high = -1, low = -1;
    if (at + 1 < reader->in.len) {
        high = hex_of(reader->in.data[at]);
        low = hex_of(reader->in.data[at + 1]);
    }
    if (high < 0 || low < 0)
        return fail(reader, at - 2, "\\x needs two hexadecimal digits, such as \\x0a");
    *reader->to++ = (char)(high << 4 | low);
    reader->at += 2;
    return true;
}

static bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* At a backslash. Before anything but letters and digits it just takes away a meaning. */
static bool read_escape(struct reader *reader) {
    static const char names[] = "ntr0", bytes[] = "\n\t\r\0";
    const size_t at = reader->at++;
    if (!has_more(reader))
        return fail(reader, at, "nothing stands behind the last \\; \\\\ is a backslash");
    const char c = reader->in.data[reader->at++];
    if (c == 'x')
        return read_hex(reader);
    const char *named = c == '\0' ? NULL : strchr(names, c);
    if (named == NULL && is_letter_or_digit(c))
        return fail(reader, at, "no such escape; there are \\n \\t \\r \\0 \\xNN \\\\ \\\" \\'");
    *reader->to++ = named != NULL ? bytes[named - names] : c;
    return true;
}

/* At an opening quote. */
static bool read_quoted(struct reader *reader) {
    const size_t at = reader->at;
    const char quote = reader->in.data[reader->at++];
    while (has_more(reader) && here(reader) != quote) {
        if (quote == '"' && here(reader) == '\\') {
            if (!read_escape(reader))
                return false;
        } else {
            *reader->to++ = here(reader);
            reader->at++;
        }
    }
    if (!has_more(reader))
        return fail(reader, at, quote == '"' ? "a \" is never closed" : "a ' is never closed");
    reader->at++;
    return true;
}

static bool read_word(struct reader *reader, struct cm_word *word) {
    char *begin = reader->to;
    const char first = here(reader);
    while (has_more(reader) && !is_blank(here(reader))) {
        const char c = here(reader);
        bool good = true;
        if (c == '"' || c == '\'') {
            good = read_quoted(reader);
        } else if (c == '\\') {
            good = read_escape(reader);
        } else {
            *reader->to++ = c;
            reader->at++;
        }
        if (!good)
            return false;
    }
    *word = (struct cm_word){cm_slice(begin, (size_t)(reader->to - begin)),
                             strchr("\"'\\", first) == NULL || first == '\0'};
    *reader->to++ = '\0';
    return true;
}

static void skip_blanks(struct reader *reader) {
    while (has_more(reader) && is_blank(here(reader)))
        reader->at++;
}

/* At a '<' or '>' that begins a word. */
static bool read_file(struct reader *reader) {
    struct cm_line *line = reader->line;
    const size_t at = reader->at;
    const bool is_output = here(reader) == '>';
    struct cm_word name;
    reader->at++;
    if (is_output && has_more(reader) && here(reader) == '>') {
        line->appends = true;
        reader->at++;
    }
    const char **file = is_output ? &line->output : &line->input;
    if (*file != NULL)
        return fail(reader, at,
                    is_output ? "there is one '>' already" : "there is one '<' already");
    skip_blanks(reader);
    if (!has_more(reader))
        return fail(reader, at,
                    is_output ? "'>' needs a file behind it; to mean the character, "
                                "quote it"
                              : "'<' needs a file behind it; to mean the character, "
                                "quote it");
    if (!read_word(reader, &name))
        return false;
    if (name.bytes.len == 0 || strlen(name.bytes.data) != name.bytes.len)
        return fail(reader, at, "that is no name of a file");
    *file = name.bytes.data;
    return true;
}

static bool read_line(struct reader *reader) {
    struct cm_line *line = reader->line;
    for (;;) {
        skip_blanks(reader);
        if (!has_more(reader) || (line->count == 0 && here(reader) == '#'))
            return true;
        const char c = here(reader);
        if (c == '|')
            return fail(reader, reader->at,
                        "pipes are for the shell, as in: cacheman stats | less; to mean the "
                        "character, quote it");
        if (c == '<' || c == '>') {
            if (!read_file(reader))
                return false;
        } else if (!read_word(reader, &line->words[line->count++])) {
            return false;
        }
    }
}

enum cm_status cm_line_parse(struct cm_slice text, struct cm_line *line,
                             struct cm_line_error *error) {
    struct reader reader = {.in = text, .line = line, .error = error};
    *line = (struct cm_line){0};
    *error = (struct cm_line_error){0};
    if (text.len > SIZE_MAX / 2 / sizeof *line->words)
        return CM_NO_MEMORY;
    line->text = malloc(2 * text.len + 1);
    line->words = malloc((text.len / 2 + 1) * sizeof *line->words);
    if (line->text == NULL || line->words == NULL) {
        cm_line_deinit(line);
        return CM_NO_MEMORY;
    }
    reader.to = line->text;
    const bool good = read_line(&reader);
    CM_CHECK(reader.to <= line->text + 2 * text.len + 1);
    if (!good)
        cm_line_deinit(line);
    return good ? CM_OK : CM_INVALID;
}

void cm_line_deinit(struct cm_line *line) {
    free(line->words);
    free(line->text);
    *line = (struct cm_line){0};
}

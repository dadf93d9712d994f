/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cli/safe.h"

#include <stdint.h>
#include <wchar.h>
#include <wctype.h>

static const char dots[] = "...";
enum { DOTS = sizeof dots - 1 };

/* A character, or a byte that is none. */
struct glyph {
    size_t bytes;
    size_t columns;
    bool prints;
};

/* Characters that print but deceive: they hide, join or reorder what stands beside them. */
static bool deceives(wint_t character) {
    static const struct {
        wint_t first, last;
    } ranges[] = {{0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160},
                  {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
                  {0x2060, 0x206f}, {0x3164, 0x3164}, {0xd800, 0xf8ff}, {0xfe00, 0xfe0f},
                  {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    }
    return false;
}

static struct glyph look(struct cm_slice rest) {
    wchar_t character;
    mbstate_t state = {0};
    const size_t bytes = mbrtowc(&character, rest.data, rest.len, &state);
    if (bytes == 0 || bytes > rest.len)
        return (struct glyph){.bytes = 1};
    const int columns = wcwidth(character);
    const bool prints =
        iswprint((wint_t)character) != 0 && columns >= 0 && !deceives((wint_t)character);
    return (struct glyph){bytes, prints ? (size_t)columns : 0, prints};
}

/* How a byte that does not print is written; 2 or 4 columns. */
static size_t escape(char byte, char *to) {
    static const char controls[] = "\n\t\r\\\"", names[] = "ntr\\\"";
    const char *named = byte == '\0' ? NULL : strchr(controls, byte);
    if (named != NULL)
        return (size_t)snprintf(to, 5, "\\%c", names[named - controls]);
    return (size_t)snprintf(to, 5, "\\x%02x", (unsigned)(unsigned char)byte);
}

struct print {
    FILE *to;
    struct cm_slice rest;
    bool quoted;
};

/* The next glyph, as it will be printed; its columns. */
static size_t next(struct print *print, char *text, size_t *text_bytes) {
    const struct glyph glyph = look(print->rest);
    const char first = print->rest.data[0];
    size_t columns = glyph.columns;
    *text_bytes = glyph.bytes;
    if (!glyph.prints || first == '\\' || (first == '"' && print->quoted)) {
        /* one byte at a time, also of a character that is whole but does not print */
        columns = *text_bytes = escape(first, text);
        print->rest = cm_slice(print->rest.data + 1, print->rest.len - 1);
        return columns;
    }
    memcpy(text, print->rest.data, glyph.bytes);
    print->rest = cm_slice(print->rest.data + glyph.bytes, print->rest.len - glyph.bytes);
    return columns;
}

/* How many columns it takes, up to a little more than `enough`. */
static size_t measure(struct print print, size_t enough) {
    char text[16];
    size_t bytes, columns = 0;
    while (print.rest.len > 0 && columns <= enough)
        columns += next(&print, text, &bytes);
    return columns;
}

static size_t print_glyphs(struct print print, size_t columns) {
    char text[16];
    size_t bytes, used = 0;
    const bool whole = columns == 0 || measure(print, columns) <= columns;
    const size_t room = whole ? SIZE_MAX : columns > DOTS ? columns - DOTS : 0;
    while (print.rest.len > 0) {
        const size_t wide = next(&print, text, &bytes);
        if (used + wide > room)
            break;
        fwrite(text, 1, bytes, print.to);
        used += wide;
    }
    if (whole)
        return used;
    const size_t dotted = columns < DOTS ? columns : DOTS;
    fwrite(dots, 1, dotted, print.to);
    return used + dotted;
}

size_t cm_safe_print(FILE *to, struct cm_slice bytes, size_t columns) {
    return print_glyphs((struct print){to, bytes, false}, columns);
}

size_t cm_safe_print_quoted(FILE *to, struct cm_slice bytes, size_t columns) {
    const size_t room = columns == 0 ? 0 : columns > 3 ? columns - 2 : 1;
    fputc('"', to);
    const size_t used = print_glyphs((struct print){to, bytes, true}, room);
    fputc('"', to);
    return used + 2;
}

size_t cm_safe_columns(struct cm_slice bytes) {
    return measure((struct print){NULL, bytes, false}, SIZE_MAX);
}

bool cm_safe_is_text(struct cm_slice bytes) {
    while (bytes.len > 0) {
        const struct glyph glyph = look(bytes);
        if (!glyph.prints && bytes.data[0] != '\n' && bytes.data[0] != '\t')
            return false;
        bytes = cm_slice(bytes.data + glyph.bytes, bytes.len - glyph.bytes);
    }
    return true;
}

size_t cm_safe_print_word(FILE *to, struct cm_slice bytes) {
    bool plain = bytes.len > 0 && bytes.data[0] != '#' && bytes.data[0] != '-';
    struct print print = {to, bytes, true};
    for (size_t i = 0; i < bytes.len && plain; i++)
        plain = strchr(" \"'\\", bytes.data[i]) == NULL;
    while (plain && print.rest.len > 0) {
        const struct glyph glyph = look(print.rest);
        plain = glyph.prints;
        print.rest = cm_slice(print.rest.data + glyph.bytes, print.rest.len - glyph.bytes);
    }
    return plain ? cm_safe_print(to, bytes, 0) : cm_safe_print_quoted(to, bytes, 0);
}

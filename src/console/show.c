/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/show.h"

#include "cli/safe.h"
#include <errno.h>

#define SHOWN_COLUMNS 72 /* four bytes a column at most */
#define DUMP_COLUMNS  16
#define DUMP_ROWS     16

struct room {
    char *text;
    size_t bytes, columns; /* 0 columns: as many as there are */
};

static const char *show(struct room room, struct cm_slice bytes) {
    const int error = errno; /* which the message may be about */
    room.text[0] = '\0';
    FILE *to = fmemopen(room.text, room.bytes, "w");
    if (to == NULL)
        return "?";
    (void)cm_safe_print(to, bytes, room.columns);
    fclose(to);
    room.text[room.bytes - 1] = '\0';
    errno = error;
    return room.text;
}

const char *cm_show(struct cm_shown *shown, struct cm_slice bytes) {
    return show((struct room){shown->text, sizeof shown->text, SHOWN_COLUMNS}, bytes);
}

const char *cm_show_text(struct cm_shown *shown, const char *text) {
    return cm_show(shown, cm_slice(text, strlen(text)));
}

const char *cm_tell(struct cm_told *told, const char *text) {
    return show((struct room){told->text, sizeof told->text, 0}, cm_slice(text, strlen(text)));
}

/* "00000010  68 65 6c 6c 6f 00 ...  |hello.|" */
static void dump_row(FILE *to, struct cm_slice value, size_t at) {
    const size_t left = value.len - at, count = left < DUMP_COLUMNS ? left : DUMP_COLUMNS;
    fprintf(to, "%08zx ", at);
    for (size_t i = 0; i < DUMP_COLUMNS; i++) {
        if (i % 8 == 0)
            fputc(' ', to);
        if (i < count)
            fprintf(to, "%02x ", (unsigned)(unsigned char)value.data[at + i]);
        else
            fputs("   ", to);
    }
    fputs(" |", to);
    for (size_t i = 0; i < count; i++) {
        const char c = value.data[at + i];
        fputc(c >= ' ' && c <= '~' ? c : '.', to);
    }
    fputs("|\n", to);
}

static size_t dump(FILE *to, struct cm_slice value) {
    size_t at = 0;
    for (size_t row = 0; row < DUMP_ROWS && at < value.len; row++, at += DUMP_COLUMNS)
        dump_row(to, value, at);
    return at < value.len ? at : value.len;
}

/* The first bytes of a value, without the half of a character at its end. */
static struct cm_slice head_of(struct cm_slice value, size_t bytes) {
    if (value.len <= bytes)
        return value;
    while (bytes > 0 && ((unsigned char)value.data[bytes] & 0xc0) == 0x80)
        bytes--;
    return cm_slice(value.data, bytes);
}

/* Every character of it prints, or is harmless. */
static size_t print_text(FILE *to, struct cm_slice text, size_t rows) {
    size_t at = 0;
    for (size_t row = 0; row < rows && at < text.len; row++) {
        const char *end = memchr(text.data + at, '\n', text.len - at);
        const size_t length = end == NULL ? text.len - at : (size_t)(end - text.data) - at;
        fwrite(text.data + at, 1, length, to);
        fputc('\n', to);
        at += length + (end != NULL);
    }
    return at;
}

size_t cm_show_value(FILE *to, struct cm_slice value, struct cm_show_room room) {
    const struct cm_slice head = head_of(value, room.columns * room.rows);
    if (value.len == 0) {
        fputs("\"\"\n", to);
        return 0;
    }
    return cm_safe_is_text(head) ? print_text(to, head, room.rows) : dump(to, value);
}

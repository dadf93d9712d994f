/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/guess.h"

enum { NAME_BYTES_MAX = 64, FAR = 3 };

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Levenshtein's, row by row, and Damerau's swap, for which the row before the last is kept. */
static size_t distance(struct cm_slice a, const char *b, size_t width) {
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            const char c = lower(a.data[i]);
            row[j + 1] = min(above[j] + (c != b[j]), min(above[j + 1], row[j]) + 1);
            if (i > 0 && j > 0 && c == b[j - 1] && lower(a.data[i - 1]) == b[j])
                row[j + 1] = min(row[j + 1], before[j - 1] + 1);
        }
    }
    return row[width];
}

void cm_guess_try(struct cm_guess *guess, const char *name) {
    const size_t width = strlen(name);
    if (guess->typed.len > NAME_BYTES_MAX || width > NAME_BYTES_MAX)
        return;
    const size_t apart = distance(guess->typed, name, width);
    if (apart >= guess->apart || apart >= FAR || 2 * apart >= width)
        return;
    guess->apart = apart;
    guess->nearest = name;
}

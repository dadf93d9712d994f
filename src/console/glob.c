/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/glob.h"

#include <stdint.h>

/* The ']' that closes the set at `at`, 0 if there is none. One right at the beginning is a member. */
static size_t end_of_set(struct cm_slice pattern, size_t at) {
    size_t i = at + 1;
    if (i < pattern.len && pattern.data[i] == '!')
        i++;
    for (i++; i < pattern.len; i++) {
        if (pattern.data[i] == ']')
            return i;
    }
    return 0;
}

static bool is_in_set(struct cm_slice pattern, size_t at, size_t end, char c) {
    const unsigned char byte = (unsigned char)c;
    const bool negated = pattern.data[at + 1] == '!';
    bool found = false;
    for (size_t i = at + 1 + negated; i < end; i++) {
        const unsigned char low = (unsigned char)pattern.data[i];
        unsigned char high = low;
        if (i + 2 < end && pattern.data[i + 1] == '-') {
            high = (unsigned char)pattern.data[i + 2];
            i += 2;
        }
        found = found || (byte >= low && byte <= high);
    }
    return found != negated;
}

/* Whether what stands at `*at`, other than a star, takes the byte; moves past it if so. */
static bool takes(struct cm_slice pattern, size_t *at, char c) {
    size_t place = *at, end;
    bool good = true;
    if (pattern.data[place] == '?') {
        end = place;
    } else if (pattern.data[place] == '[' && (end = end_of_set(pattern, place)) != 0) {
        good = is_in_set(pattern, place, end, c);
    } else {
        if (pattern.data[place] == '\\' && place + 1 < pattern.len)
            place++;
        end = place;
        good = pattern.data[place] == c;
    }
    if (good)
        *at = end + 1;
    return good;
}

/* A star first takes nothing, and one byte more whenever what follows fails; only the last star need
 * be gone back to. */
bool cm_glob_match(struct cm_slice pattern, struct cm_slice text) {
    size_t at = 0, i = 0, star = SIZE_MAX, star_text = 0;
    while (i < text.len) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star = ++at;
            star_text = i;
        } else if (at < pattern.len && takes(pattern, &at, text.data[i])) {
            i++;
        } else if (star != SIZE_MAX) {
            at = star;
            i = ++star_text;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.data[at] == '*')
        at++;
    return at == pattern.len;
}

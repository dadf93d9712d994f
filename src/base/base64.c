/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/base64.h"
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a letter, -1 for what is none. */
static int bits_of(char letter) {
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Four letters, the last `padding` of them '='; false if they are not. */
static bool decode_group(const char *letters, size_t padding, uint32_t *out) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        const int bits = i < 4 - padding ? bits_of(letters[i]) : letters[i] == '=' ? 0 : -1;
        if (bits < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)bits;
    }
    *out = group;
    return true;
}

static size_t padding_of(struct cm_slice text) {
    if (text.data[text.len - 1] != '=') {
        return 0;
    }
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

size_t cm_base64_decode(struct cm_slice text, char *to, size_t room) {
    if (text.len == 0 || text.len % 4 != 0) {
        return 0;
    }
    const size_t padding = padding_of(text);
    const size_t bytes = text.len / 4 * 3 - padding;
    if (bytes > room) {
        return 0;
    }
    size_t at = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        uint32_t group;
        if (!decode_group(text.data + i, i + 4 == text.len ? padding : 0, &group)) {
            return 0;
        }
        for (int shift = 16; shift >= 0 && at < bytes; shift -= 8) {
            to[at++] = (char)(group >> shift & 0xff);
        }
    }
    return bytes;
}

size_t cm_base64_encode(struct cm_slice bytes, char *to) {
    size_t at = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (k < have ? (unsigned char)bytes.data[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            to[at++] = k <= have ? alphabet[group >> (18 - 6 * k) & 63] : '=';
        }
    }
    return at;
}

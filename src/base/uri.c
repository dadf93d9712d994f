/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/uri.h"

size_t cm_uri_encode(struct cm_slice bytes, char *to) {
    static const char hex[] = "0123456789ABCDEF";
    size_t at = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        const unsigned char c = (unsigned char)bytes.data[i];
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            to[at++] = (char)c;
        } else {
            to[at++] = '%';
            to[at++] = hex[c >> 4];
            to[at++] = hex[c & 15];
        }
    }
    return at;
}

static int hex_of(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    const char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t cm_uri_decode(struct cm_slice text, char *to) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        const bool has_two = text.data[i] == '%' && i + 2 < text.len;
        const int high = has_two ? hex_of(text.data[i + 1]) : -1;
        const int low = has_two ? hex_of(text.data[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            to[count++] = (char)(high << 4 | low);
            i += 2;
        } else {
            to[count++] = text.data[i];
        }
    }
    return count;
}

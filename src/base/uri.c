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

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/text.h"

/* The bytes of the character that begins with `lead`, 0 if none does. */
static size_t sequence_bytes(unsigned char lead) {
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

/* Whether the character is whole, in its shortest form, and none of those past U+007F that steer a
 * terminal: all of it shows in the second byte. */
static bool continues(const unsigned char *at, size_t bytes) {
    unsigned char lead = at[0];
    unsigned char least = lead == 0xc2 || lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < bytes; i++) {
        if (at[i] < least || at[i] > most)
            return false;
        least = 0x80;
        most = 0xbf;
    }
    return true;
}

size_t cm_text_character(struct cm_slice text) {
    if (text.len == 0)
        return 0;
    const unsigned char *at = (const unsigned char *)text.data;
    size_t bytes = sequence_bytes(*at);
    bool steers = *at < 0x20 || *at == 0x7f;
    return !steers && bytes <= text.len && continues(at, bytes) ? bytes : 0;
}

static enum cm_status put_character(struct cm_buf *to, struct cm_slice character) {
    bool is_special = character.data[0] == '"' || character.data[0] == '\\';
    enum cm_status status = is_special ? cm_buf_append(to, CM_SLICE("\\")) : CM_OK;
    return status == CM_OK ? cm_buf_append(to, character) : status;
}

enum cm_status cm_text_quote(struct cm_buf *to, struct cm_slice text) {
    enum cm_status status = cm_buf_append(to, CM_SLICE("\""));
    while (text.len > 0 && status == CM_OK) {
        size_t bytes = cm_text_character(text);
        status = put_character(to, bytes > 0 ? cm_slice(text.data, bytes) : CM_SLICE("?"));
        bytes += bytes == 0;
        text = cm_slice(text.data + bytes, text.len - bytes);
    }
    return status == CM_OK ? cm_buf_append(to, CM_SLICE("\"")) : status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "stress/dialect.h"

const struct cm_stress_dialect *cm_stress_dialect(enum cm_stress_protocol protocol) {
    static const struct cm_stress_dialect *const dialects[] = {
        [CM_STRESS_TEXT] = &cm_stress_text,
        [CM_STRESS_META] = &cm_stress_meta,
        [CM_STRESS_BINARY] = &cm_stress_binary,
        [CM_STRESS_RESP] = &cm_stress_resp,
    };
    return dialects[protocol];
}

bool cm_stress_line(struct cm_slice in, struct cm_slice *line, struct cm_stress_piece *piece) {
    const size_t most = in.len < CM_STRESS_LINE_MAX ? in.len : CM_STRESS_LINE_MAX;
    const char *end = memchr(in.data, '\n', most);
    if (end == NULL) {
        piece->found = most < CM_STRESS_LINE_MAX ? CM_STRESS_PART : CM_STRESS_BAD;
        return false;
    }
    piece->used = (size_t)(end - in.data) + 1;
    *line = cm_slice(in.data, piece->used - 1);
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

void cm_stress_take_value(struct cm_slice in, size_t at, size_t bytes,
                          struct cm_stress_piece *piece) {
    piece->found = bytes > CM_STRESS_VALUE_BYTES_MAX ? CM_STRESS_BAD : CM_STRESS_PART;
    if (piece->found == CM_STRESS_BAD || in.len < at + bytes + 2)
        return;
    const char *end = in.data + at + bytes;
    piece->found = end[0] == '\r' && end[1] == '\n' ? CM_STRESS_VALUE : CM_STRESS_BAD;
    piece->text = cm_slice(in.data + at, bytes);
    piece->used = at + bytes + 2;
}

void cm_stress_end(struct cm_stress_piece *piece, enum cm_stress_found found) {
    piece->found = found;
    piece->last = true;
}

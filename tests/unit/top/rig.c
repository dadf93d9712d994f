/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "rig.h"

#include <limits.h>
#include <stdlib.h>

void rig_next(struct rig *rig, double seconds) {
    rig->sample.readings = rig->readings;
    rig->sample.count = 0;
    rig->sample.wall_s += (int64_t)seconds;
    rig->sample.at_ns += (uint64_t)(seconds * 1e9);
    memset(rig->readings, 0, sizeof rig->readings);
}

static struct cm_top_reading *add(struct rig *rig, const char *name) {
    assert_true(rig->sample.count < RIG_SERVERS);
    struct cm_top_reading *reading = &rig->readings[rig->sample.count++];
    snprintf(reading->name, sizeof reading->name, "%s", name);
    cm_top_make_safe(&(struct cm_top_shown){reading->label, sizeof reading->label, 60},
                     cm_slice(name, strlen(name)));
    reading->weight = 1;
    return reading;
}

struct cm_top_reading *rig_up(struct rig *rig, const char *name, const char *lines) {
    struct cm_top_reading *reading = add(rig, name);
    reading->up = true;
    reading->at_ns = rig->sample.at_ns;
    while (*lines != '\0') {
        char line[200];
        const size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "STAT %.*s", (int)length, lines);
        cm_top_reading_take(reading, cm_slice(line, strlen(line)));
        lines += length + (lines[length] == '\n');
    }
    return reading;
}

void rig_down(struct rig *rig, const char *name, const char *reason) {
    struct cm_top_reading *reading = add(rig, name);
    snprintf(reading->reason, sizeof reading->reason, "%s", reason);
}

void rig_take(struct rig *rig) {
    assert_int_equal(cm_top_model_take(&rig->model, &rig->sample), CM_OK);
}

const char *rig_row(const struct cm_grid *grid, unsigned row) {
    static char text[4 * 512];
    size_t length = 0;
    assert_true(row < grid->rows && grid->columns <= 500);
    for (unsigned i = 0; i < grid->columns; i++) {
        char bytes[MB_LEN_MAX];
        const wchar_t glyph = grid->cells[(size_t)row * grid->columns + i].glyph;
        const int count = glyph == 0 ? 0 : wctomb(bytes, glyph);
        assert_true(count >= 0);
        memcpy(text + length, bytes, (size_t)count);
        length += (size_t)count;
    }
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    return text;
}

unsigned rig_find(const struct cm_grid *grid, const char *text) {
    for (unsigned row = 0; row < grid->rows; row++) {
        if (strstr(rig_row(grid, row), text) != NULL)
            return row;
    }
    fail_msg("nowhere: %s", text);
    return 0;
}

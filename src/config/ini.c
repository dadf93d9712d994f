/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/file.h"

#include <ini.h>

/* The file's syntax, by inih: the only file that knows it. It is left out where there is no inih. */

static char *on_line(char *to, int room, void *reader) {
    return cm_config_next_line(reader, to, (size_t)room);
}

static int on_entry(void *reader, const char *section, const char *name, const char *value) {
    (void)section;
    if (value != NULL)
        cm_config_take_entry(reader, name, value);
    return 1;
}

enum cm_status cm_config_read_ini(struct cm_config_reader *reader) {
    enum { INI_NO_MEMORY = -2 };
    return ini_parse_stream(on_line, reader, on_entry, reader) == INI_NO_MEMORY ? CM_NO_MEMORY
                                                                                : CM_OK;
}

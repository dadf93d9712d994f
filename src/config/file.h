/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_FILE_H
#define CM_CONFIG_FILE_H

/* Between file.c, which reads a configuration file, and ini.c, which knows its syntax. */

#include "base/buf.h"
#include "config/internal.h"

struct cm_config_reader {
    struct cm_config_parse *parse;
    const char *at, *end; /* what of the text is still to be read */
    unsigned line;        /* that is being read, from 1 */
    bool is_settled;      /* the line says nothing, or what it says was taken */
    bool is_section;
    bool is_indented;
    char begins[48]; /* with what it begins, for messages */
    bool has_key;    /* there was one, whose value an indented line continues */
    /* The key whose value may still go on; NULL: none, or it was refused. */
    const struct cm_option *option;
    unsigned option_line;
    struct cm_buf value;
    enum cm_status status; /* other than OK: to be given up */
};

/* The next line, its end included, and not longer than fits; NULL at the end. */
char *cm_config_next_line(struct cm_config_reader *reader, char *to, size_t room);
/* The line's key and value. */
void cm_config_take_entry(struct cm_config_reader *reader, const char *name, const char *value);

/* ini.c: calls the two above until the text is at its end. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_read_ini(struct cm_config_reader *reader);

/* Reads a whole text, whose origin is that of parse->place: messages call a file by
 * parse->config->file. */
CM_MUST_CHECK enum cm_status cm_config_read_text(struct cm_config_parse *parse,
                                                 struct cm_slice text);

#endif

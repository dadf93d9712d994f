/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_INTERNAL_H
#define CM_CONFIG_INTERNAL_H

/* What the files that parse share. */

#include "base/format.h"
#include "config/config.h"
#include "config/option.h"

#define CM_OPTION_DESCRIPTION_BYTES 128

/* Where the parser stands. */
struct cm_config_parse {
    struct cm_config *config;
    struct cm_config_error *error;
    const struct cm_command_line *line;
    int next;                     /* index of the command line's next argument */
    bool done;                    /* an ACTION was met */
    struct cm_config_place place; /* of what is being read */
};

/* parse.c: the defaults, over which the rest is read. */
CM_MUST_CHECK enum cm_status cm_config_begin(struct cm_config_parse *parse);

/* Says what is wrong; INVALID. */
CM_PRINTF(2, 3)
CM_MUST_CHECK enum cm_status cm_config_fail(struct cm_config_error *error, const char *format, ...);

/* The same, of an option's value: its title and then the text. */
CM_PRINTF(3, 4)
CM_MUST_CHECK enum cm_status cm_config_refuse(struct cm_config_parse *parse,
                                              const struct cm_option *option, const char *format,
                                              ...);
/* Adds what was said last to the faults, so that there may be others. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_add_fault(struct cm_config_parse *parse);

/* Tells of what has no effect, once. NO_MEMORY. */
CM_PRINTF(2, 3)
CM_MUST_CHECK enum cm_status cm_config_note(struct cm_config_parse *parse, const char *format, ...);

CM_MUST_CHECK enum cm_status cm_config_note_of(struct cm_config_parse *parse,
                                               enum cm_config_index index, const char *why);

/* Takes `text`, NULL included. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_keep(struct cm_config_texts *texts, char *text);

/* Digits with a point among them, perhaps. */
bool cm_config_parse_decimal(const char *text, double *number);
/* A decimal number, which ends at *end. */
bool cm_config_parse_number(const char *text, int64_t *number, const char **end);

/* Sets an option to `value`, which is borrowed as long as the config is used. */
CM_MUST_CHECK enum cm_status cm_config_set(struct cm_config_parse *parse,
                                           const struct cm_option *option, const char *value);

/* The same, for one that somebody asked for, at parse->place. */
CM_MUST_CHECK enum cm_status cm_config_give(struct cm_config_parse *parse,
                                            const struct cm_option *option, const char *value);
/* The same, of a copy of `value`; what is wrong becomes one of the faults. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_give_copy(struct cm_config_parse *parse,
                                                 const struct cm_option *option, const char *value);

/* listen.c: appends the addresses of one -l value. INVALID (error tells why), NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_add_addresses(struct cm_config_list *list, const char *value,
                                                     struct cm_config_error *error);
/* listen.c: whether there is anything to listen on, and what of it has no effect. */
CM_MUST_CHECK enum cm_status cm_config_settle_listeners(struct cm_config_parse *parse);

/* extended.c: the value of -o. */
CM_MUST_CHECK enum cm_status cm_config_set_extended(struct cm_config_parse *parse,
                                                    const char *value);

/* settle.c: what follows from several options together, once all are read. */
CM_MUST_CHECK enum cm_status cm_config_settle(struct cm_config_parse *parse);

/* set.c: takes over what was set at run time. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_take_set(struct cm_config_parse *parse);

/* environment.c: the value of the option's variable; NULL: it is not set. */
const char *cm_config_variable(const struct cm_command_line *line, const struct cm_option *option);
CM_MUST_CHECK enum cm_status cm_config_read_environment(struct cm_config_parse *parse);

/* file.c. */
CM_MUST_CHECK enum cm_status cm_config_read_file(struct cm_config_parse *parse, const char *path,
                                                 bool must_be_there);

#endif

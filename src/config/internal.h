/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_INTERNAL_H
#define CM_CONFIG_INTERNAL_H

/* What the files that parse share. */

#include "base/format.h"
#include "config/config.h"
#include "config/option.h"

/* Where the parser stands in the command line. */
struct cm_config_parse {
    struct cm_config *config;
    struct cm_config_error *error;
    int argc;
    char **argv;
    int next;               /* index of the next argument */
    bool done;              /* an ACTION was met */
    bool given[CM_OPTIONS]; /* not by default */
};

/* Says what is wrong; INVALID. */
CM_PRINTF(2, 3)
CM_MUST_CHECK enum cm_status cm_config_fail(struct cm_config_error *error, const char *format, ...);

/* Tells of what has no effect, once. NO_MEMORY. */
CM_PRINTF(2, 3)
CM_MUST_CHECK enum cm_status cm_config_note(struct cm_config_parse *parse, const char *format, ...);

/* Takes `text`, NULL included. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_keep(struct cm_config_texts *texts, char *text);

/* Digits with a point among them, perhaps. */
bool cm_config_parse_decimal(const char *text, double *number);
/* A decimal number, which ends at *end. */
bool cm_config_parse_number(const char *text, int64_t *number, const char **end);

/* Sets an option to `value`, which is borrowed as long as the config is used. */
CM_MUST_CHECK enum cm_status cm_config_set(struct cm_config_parse *parse,
                                           const struct cm_option *option, const char *value);

/* The same, for one that somebody asked for. */
CM_MUST_CHECK enum cm_status cm_config_give(struct cm_config_parse *parse,
                                            const struct cm_option *option, const char *value);

/* listen.c: whether there is anything to listen on, and what of it has no effect. */
CM_MUST_CHECK enum cm_status cm_config_settle_listeners(struct cm_config_parse *parse);

/* extended.c: the value of -o. */
CM_MUST_CHECK enum cm_status cm_config_set_extended(struct cm_config_parse *parse,
                                                    const char *value);

#endif

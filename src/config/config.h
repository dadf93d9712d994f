/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_CONFIG_H
#define CM_CONFIG_CONFIG_H

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* One entry of -l. */
struct cm_config_address {
    char host[256]; /* numeric, a name, "first" or "*", without brackets */
    int port;       /* 0: that of -p */
    bool plain;     /* "notls:", no TLS here in spite of -Z */
};

struct cm_config_list {
    struct cm_config_address *entries; /* owned */
    size_t count;
};

/* Owned texts, in an owned array. */
struct cm_config_texts {
    char **entries;
    size_t count;
};

/* -B, in the order of its words. */
enum cm_config_protocol {
    CM_CONFIG_PROTOCOL_AUTO,
    CM_CONFIG_PROTOCOL_ASCII,
    CM_CONFIG_PROTOCOL_BINARY,
};

#define CM_CONFIG_TYPE_FLAG            bool
#define CM_CONFIG_TYPE_COUNT           int64_t
#define CM_CONFIG_TYPE_NUMBER          int64_t
#define CM_CONFIG_TYPE_SIZE            int64_t
#define CM_CONFIG_TYPE_TEXT            const char *
#define CM_CONFIG_TYPE_LIST            struct cm_config_list
#define CM_CONFIG_TYPE_CHOICE          int64_t
#define CM_CONFIG_TYPE_EXTENDED        bool
#define CM_CONFIG_TYPE_ACTION          bool
#define CM_CONFIG_TYPE_OCTAL           int64_t
#define CM_CONFIG_TYPE_CHARACTER       char
#define CM_CONFIG_TYPE_NOTHING         bool
#define CM_CONFIG_TYPE_NOTHING_NUMBER  bool
#define CM_CONFIG_TYPE_NOTHING_DECIMAL bool
#define CM_CONFIG_TYPE_ACTION_ON       const char *

/* One member per option of tables/options.def. Texts are borrowed from the command line, or from
 * `copies`. Once parsed, `threads` and `item_bytes_max` are never 0: what is not given is worked out. */
struct cm_config {
#define CM_OPTION(field, letter, name, alias, kind, scope, argument, initial, min, max, text)      \
    CM_CONFIG_TYPE_##kind field;
#include "tables/options.def"
#undef CM_OPTION
    struct cm_config_texts notes;  /* for people: what was accepted and has no effect */
    struct cm_config_texts copies; /* the values of -o, cut into texts that options borrow */
};

/* What is wrong with a command line, one sentence for people. */
struct cm_config_error {
    char text[512];
};

struct cm_command_line {
    int argc;
    char **argv;         /* borrowed as long as the config is used; argv[0] is skipped */
    unsigned core_count; /* the default of -t */
};

/* Reads a command line over the defaults. An ACTION option ends the parsing at once with OK.
 * INVALID (error tells why), NO_MEMORY. Whatever it answers, the caller gives *config to
 * cm_config_deinit(). */
CM_MUST_CHECK enum cm_status cm_config_parse(struct cm_config *config,
                                             const struct cm_command_line *line,
                                             struct cm_config_error *error);
void cm_config_deinit(struct cm_config *config);

/* Appends the addresses of one -l value. INVALID (error tells why), NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_add_addresses(struct cm_config_list *list, const char *value,
                                                     struct cm_config_error *error);

/* A name and what it is, for the lists at the end of the help; ends with a NULL name. */
struct cm_config_choice {
    const char *name;
    const char *text;
};

void cm_config_print_help(FILE *to, const struct cm_config_choice *policies);
/* The man page, as roff. */
void cm_config_print_man(FILE *to, const struct cm_config_choice *policies);

#endif

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

#define CM_CONFIG_NOTES_MAX 32

/* What came of -o beside the options that it set. */
struct cm_config_extended {
    char **copies; /* owned: the values of -o, cut into texts that options borrow */
    size_t copy_count;
    const char *notes[CM_CONFIG_NOTES_MAX]; /* static: what was accepted and has no effect */
    size_t note_count;
};

/* -B, in the order of its words. */
enum cm_config_protocol {
    CM_CONFIG_PROTOCOL_AUTO,
    CM_CONFIG_PROTOCOL_ASCII,
    CM_CONFIG_PROTOCOL_BINARY,
};

#define CM_CONFIG_TYPE_FLAG     bool
#define CM_CONFIG_TYPE_COUNT    int64_t
#define CM_CONFIG_TYPE_NUMBER   int64_t
#define CM_CONFIG_TYPE_SIZE     int64_t
#define CM_CONFIG_TYPE_TEXT     const char *
#define CM_CONFIG_TYPE_LIST     struct cm_config_list
#define CM_CONFIG_TYPE_CHOICE   int64_t
#define CM_CONFIG_TYPE_EXTENDED struct cm_config_extended
#define CM_CONFIG_TYPE_ACTION   bool

/* One member per option of tables/options.def. Texts are borrowed from the command line, or from
 * `extended`. Once parsed, `threads` and `item_bytes_max` are never 0: what is not given is worked out. */
struct cm_config {
#define CM_OPTION(field, letter, name, alias, kind, argument, initial, min, max, text)             \
    CM_CONFIG_TYPE_##kind field;
#include "tables/options.def"
#undef CM_OPTION
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

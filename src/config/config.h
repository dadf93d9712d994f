/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_CONFIG_H
#define CM_CONFIG_CONFIG_H

#include <cacheman/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CM_CONFIG_HOST_BYTES 256
#define CM_CONFIG_PORT_FREE  (-1)

/* One entry of -l. */
struct cm_config_address {
    char host[CM_CONFIG_HOST_BYTES]; /* numeric, a name, "first" or "*", without brackets */
    int port;                        /* 0: that of -p; --admin may have CM_CONFIG_PORT_FREE */
    bool plain;                      /* "notls:", no TLS here in spite of -Z */
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
#define CM_CONFIG_TYPE_THOUSANDTHS     int64_t
#define CM_CONFIG_TYPE_TEXT            const char *
#define CM_CONFIG_TYPE_OPTIONAL        const char *
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

/* Which option: CM_OPTION_INDEX_port, ... */
enum cm_config_index {
#define CM_OPTION(field, letter, name, alias, kind, scope, argument, initial, min, max, text)      \
    CM_OPTION_INDEX_##field,
#include "tables/options.def"
#undef CM_OPTION
    CM_OPTIONS
};

/* Where a value comes from, in rising order. */
enum cm_config_origin {
    CM_CONFIG_FROM_DEFAULT,
    CM_CONFIG_FROM_FILE,
    CM_CONFIG_FROM_ENVIRONMENT,
    CM_CONFIG_FROM_LINE, /* the command line */
    CM_CONFIG_FROM_RUN,  /* set while the server runs */
};

#define CM_CONFIG_BY_BYTES 96 /* of an address, and what else tells who somebody is */
struct cm_config_place {
    enum cm_config_origin origin;
    unsigned line; /* of the file, from 1; of a text that was set, 0: an earlier one */
    char by[CM_CONFIG_BY_BYTES]; /* who set it, while the server runs */
};

/* One member per option of tables/options.def. Texts are borrowed from the command line, or from
 * `copies`. Once parsed, `threads` and `item_bytes_max` are never 0: what is not given is worked out. */
struct cm_config {
#define CM_OPTION(field, letter, name, alias, kind, scope, argument, initial, min, max, text)      \
    CM_CONFIG_TYPE_##kind field;
#include "tables/options.def"
#undef CM_OPTION
    struct cm_config_place places[CM_OPTIONS];
    const char *file;              /* the one that was read; NULL: none was */
    struct cm_config_texts faults; /* for people: all that is wrong */
    struct cm_config_texts notes;  /* for people: what was accepted and has no effect */
    struct cm_config_texts copies; /* of values from elsewhere than the command line */
};

/* What is wrong first, one sentence for people. */
struct cm_config_error {
    char text[1024];
    bool in_file; /* it, or something after it */
};

#define CM_CONFIG_FILE     "/etc/cacheman/cachemand.conf"
#define CM_CONFIG_VARIABLE "CACHEMAN_" /* what a variable's name begins with */

struct cm_command_line {
    int argc;
    char **argv;              /* borrowed as long as the config is used; argv[0] is skipped */
    unsigned core_count;      /* the default of -t */
    char **environment;       /* as environ; NULL: none */
    const char *default_file; /* read if it is there, unless --config names one; NULL: none */
    bool had_file;            /* which then must still be there: not all changes by its absence */
    bool is_again;            /* a server runs by it: nobody is waited for */
    const struct cm_config *in_force; /* what was set at run time goes before all; NULL: nothing */
};

/* Reads file, environment and command line over the defaults, each over the one before. An ACTION
 * option ends the parsing at once with OK. INVALID (`error` and config->faults tell why),
 * NO_MEMORY. Whatever it answers, the caller gives *config to cm_config_deinit(). */
CM_MUST_CHECK enum cm_status cm_config_parse(struct cm_config *config,
                                             const struct cm_command_line *line,
                                             struct cm_config_error *error);
void cm_config_deinit(struct cm_config *config);

/* The value of --admin. INVALID (error tells why). */
CM_MUST_CHECK enum cm_status cm_config_parse_admin(const char *value,
                                                   struct cm_config_address *address,
                                                   struct cm_config_error *error);

/* How messages call an option, by where its value comes from: "option -t (--threads)",
 * "CACHEMAN_THREADS", "/etc/x.conf:3: threads". Returns `to`. */
#define CM_CONFIG_TITLE_BYTES 512
const char *cm_config_title(const struct cm_config *config, enum cm_config_index index, char *to);

/* A name and what it is, for the lists at the end of the help; ends with a NULL name. */
struct cm_config_choice {
    const char *name;
    const char *text;
};

void cm_config_print_help(FILE *to, const struct cm_config_choice *policies);
/* The man page, as roff. */
void cm_config_print_man(FILE *to, const struct cm_config_choice *policies);
/* A file that would give the same configuration, with where each value comes from. */
void cm_config_print(FILE *to, const struct cm_config *config);
/* Every option explained, and commented out. */
void cm_config_print_sample(FILE *to, const struct cm_config_choice *policies);
/* The table of docs/options.md. */
void cm_config_print_options_page(FILE *to);

#endif

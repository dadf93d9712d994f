/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_OPTION_H
#define CM_CONFIG_OPTION_H

#include "config/config.h"

#include "base/slice.h"

/* tables/options.def as data, for config/ itself. */

enum cm_option_kind {
    CM_OPTION_FLAG,
    CM_OPTION_COUNT,
    CM_OPTION_NUMBER, /* from here to EXTENDED those that take a value */
    CM_OPTION_SIZE,
    CM_OPTION_THOUSANDTHS,
    CM_OPTION_TEXT,
    CM_OPTION_OPTIONAL,
    CM_OPTION_CHOICE,
    CM_OPTION_LIST,
    CM_OPTION_OCTAL,
    CM_OPTION_CHARACTER,
    CM_OPTION_NOTHING_NUMBER,
    CM_OPTION_NOTHING_DECIMAL,
    CM_OPTION_EXTENDED,
    CM_OPTION_ACTION,
    CM_OPTION_ACTION_ON,
    CM_OPTION_NOTHING,
};

/* Where an option may be given, and when it changes. */
enum cm_option_scope {
    CM_OPTION_LINE,    /* on the command line alone */
    CM_OPTION_OUTSIDE, /* there and in the environment */
    CM_OPTION_START,   /* anywhere; a change needs a restart */
    CM_OPTION_LIVE,    /* anywhere; a reload applies it */
};

struct cm_option {
    char letter;
    const char *name;
    const char *alias;
    enum cm_option_kind kind;
    enum cm_option_scope scope;
    const char *argument;
    const char *initial;
    int64_t min, max;
    const char *text;
    size_t offset; /* of its member in struct cm_config */
};

extern const struct cm_option cm_options[];

/* NULL if there is no such option. */
const struct cm_option *cm_option_by_letter(char letter);
const struct cm_option *cm_option_by_name(const char *name, size_t name_bytes);

static inline bool cm_option_takes_value(const struct cm_option *option) {
    return option->kind >= CM_OPTION_NUMBER && option->kind <= CM_OPTION_EXTENDED;
}

static inline bool cm_option_is_nothing(const struct cm_option *option) {
    return option->kind == CM_OPTION_NOTHING || option->kind == CM_OPTION_NOTHING_NUMBER ||
           option->kind == CM_OPTION_NOTHING_DECIMAL;
}

static inline enum cm_config_index cm_option_index(const struct cm_option *option) {
    return (enum cm_config_index)(option - cm_options);
}

/* The word of a CHOICE's number, which is one of them. */
struct cm_slice cm_option_word(const struct cm_option *option, int64_t number);

/* The number of `word` among a CHOICE's, in capitals or not, -1 if it is none of them. */
int64_t cm_option_choice(const struct cm_option *option, const char *word);

/* "a number from 1 to 64": what the option allows. Returns `to`. */
const char *cm_option_describe(const struct cm_option *option, char *to, size_t to_bytes);

/* "-t (--threads)", the way messages call an option. Returns `to`. */
#define CM_OPTION_TITLE_BYTES 64
const char *cm_option_title(const struct cm_option *option, char *to);

/* "CACHEMAN_MAX_ITEM_SIZE", its variable in the environment. Returns `to`. */
const char *cm_option_variable(const struct cm_option *option, char *to);

/* "2.5": a THOUSANDTHS' value as it is written. Returns `to`. */
const char *cm_option_thousandths_text(int64_t thousandths, char *to, size_t to_bytes);

/* "1m", "1536k" or plain bytes. Returns `to`. */
const char *cm_option_size_text(int64_t bytes, char *to, size_t to_bytes);

#endif

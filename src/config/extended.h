/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_EXTENDED_H
#define CM_CONFIG_EXTENDED_H

#include <stddef.h>
#include <stdint.h>

/* tables/extended.def as data, for config/ itself. */

enum cm_extended_kind {
    CM_EXTENDED_OPTION,
    CM_EXTENDED_CLEAR,
    CM_EXTENDED_WORDS,
    CM_EXTENDED_NOTHING,
    CM_EXTENDED_NUMBER,
    CM_EXTENDED_DECIMAL,
    CM_EXTENDED_TEXT,
};

struct cm_extended_key {
    const char *key;
    enum cm_extended_kind kind;
    const char *option;       /* NULL: no effect */
    const char *const *words; /* what the numbers from min on are called there */
    int64_t min, max;
    int64_t noted_max; /* of WORDS: `note` is for the numbers up to here */
    const char *note;
};

extern const struct cm_extended_key cm_extended_keys[];
extern const size_t cm_extended_keys_count;

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/option.h"

#include "base/check.h"
#include "config/config.h"

#include <inttypes.h>
#include <string.h>

const struct cm_option cm_options[] = {
#define CM_OPTION(field, letter, name, alias, kind, scope, argument, initial, min, max, text)      \
    {letter,                                                                                       \
     name,                                                                                         \
     alias,                                                                                        \
     CM_OPTION_##kind,                                                                             \
     CM_OPTION_##scope,                                                                            \
     argument,                                                                                     \
     initial,                                                                                      \
     min,                                                                                          \
     max,                                                                                          \
     text,                                                                                         \
     offsetof(struct cm_config, field)},
#include "tables/options.def"
#undef CM_OPTION
};

const struct cm_option *cm_option_by_letter(char letter) {
    for (size_t i = 0; i < (size_t)CM_OPTIONS; i++) {
        if (letter != 0 && cm_options[i].letter == letter)
            return &cm_options[i];
    }
    return NULL;
}

static bool is_named(const char *name, const char *wanted, size_t wanted_bytes) {
    return name != NULL && strlen(name) == wanted_bytes && memcmp(name, wanted, wanted_bytes) == 0;
}

const struct cm_option *cm_option_by_name(const char *name, size_t name_bytes) {
    for (size_t i = 0; i < (size_t)CM_OPTIONS; i++) {
        const struct cm_option *option = &cm_options[i];
        if (is_named(option->name, name, name_bytes) || is_named(option->alias, name, name_bytes))
            return option;
    }
    return NULL;
}

static bool is_same_word(const char *word, const char *wanted, size_t wanted_bytes) {
    for (size_t i = 0; i < wanted_bytes; i++) {
        char letter = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
        if (letter != wanted[i])
            return false;
    }
    return word[wanted_bytes] == '\0';
}

int64_t cm_option_choice(const struct cm_option *option, const char *word) {
    const char *at = option->argument;
    for (int64_t number = 0;; number++) {
        size_t bytes = strcspn(at, "|");
        if (is_same_word(word, at, bytes))
            return number;
        if (at[bytes] == '\0')
            return -1;
        at += bytes + 1;
    }
}

struct cm_slice cm_option_word(const struct cm_option *option, int64_t number) {
    const char *at = option->argument;
    while (number-- > 0)
        at += strcspn(at, "|") + 1;
    return cm_slice(at, strcspn(at, "|"));
}

/* "one of a, b, c" */
static void describe_choice(const struct cm_option *option, char *to, size_t to_bytes) {
    size_t used = (size_t)snprintf(to, to_bytes, "one of ");
    for (const char *at = option->argument; *at != '\0' && used + 3 < to_bytes; at++) {
        to[used++] = *at == '|' ? ',' : *at;
        if (*at == '|')
            to[used++] = ' ';
    }
    to[used] = '\0';
}

const char *cm_option_title(const struct cm_option *option, char *to) {
    if (option->letter != 0)
        snprintf(to, CM_OPTION_TITLE_BYTES, "-%c (--%s)", option->letter, option->name);
    else
        snprintf(to, CM_OPTION_TITLE_BYTES, "--%s", option->name);
    return to;
}

const char *cm_option_variable(const struct cm_option *option, char *to) {
    snprintf(to, CM_OPTION_TITLE_BYTES, CM_CONFIG_VARIABLE "%s", option->name);
    for (char *at = to; *at != '\0'; at++) {
        if (*at == '-')
            *at = '_';
        else if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    }
    return to;
}

const char *cm_option_size_text(int64_t bytes, char *to, size_t to_bytes) {
    static const struct {
        int64_t unit;
        const char *suffix;
    } units[] = {{1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}, {1, ""}};
    size_t i = 0;
    while (bytes % units[i].unit != 0)
        i++;
    snprintf(to, to_bytes, "%" PRId64 "%s", bytes / units[i].unit, units[i].suffix);
    return to;
}

const char *cm_option_thousandths_text(int64_t thousandths, char *to, size_t to_bytes) {
    int used =
        snprintf(to, to_bytes, "%" PRId64 ".%03" PRId64, thousandths / 1000, thousandths % 1000);
    CM_CHECK(used > 0 && (size_t)used < to_bytes);
    while (to[used - 1] == '0')
        to[--used] = '\0';
    if (to[used - 1] == '.')
        to[--used] = '\0';
    return to;
}

const char *cm_option_describe(const struct cm_option *option, char *to, size_t to_bytes) {
    char low[24], high[24];
    switch (option->kind) {
    case CM_OPTION_SIZE:
        snprintf(to, to_bytes, "a size from %s to %s, in bytes or with k, m or g",
                 cm_option_size_text(option->min, low, sizeof low),
                 cm_option_size_text(option->max, high, sizeof high));
        break;
    case CM_OPTION_THOUSANDTHS:
        snprintf(to, to_bytes, "a number from %s to %s, with up to three decimals",
                 cm_option_thousandths_text(option->min, low, sizeof low),
                 cm_option_thousandths_text(option->max, high, sizeof high));
        break;
    case CM_OPTION_NUMBER:
    case CM_OPTION_NOTHING_NUMBER:
        snprintf(to, to_bytes, "a number from %" PRId64 " to %" PRId64, option->min, option->max);
        break;
    case CM_OPTION_NOTHING_DECIMAL:
        snprintf(to, to_bytes, "a number above %" PRId64, option->min);
        break;
    case CM_OPTION_OCTAL:
        snprintf(to, to_bytes, "an octal number from %" PRIo64 " to %" PRIo64,
                 (uint64_t)option->min, (uint64_t)option->max);
        break;
    case CM_OPTION_FLAG:
        snprintf(to, to_bytes, "yes or no");
        break;
    case CM_OPTION_COUNT:
        snprintf(to, to_bytes, "a number from 0 to %" PRId64, option->max);
        break;
    case CM_OPTION_CHARACTER:
        snprintf(to, to_bytes, "one character");
        break;
    case CM_OPTION_CHOICE:
        describe_choice(option, to, to_bytes);
        break;
    case CM_OPTION_LIST:
        snprintf(to, to_bytes, "addresses separated by commas, each with :PORT if wanted");
        break;
    case CM_OPTION_EXTENDED:
        snprintf(to, to_bytes, "KEY=VALUE pairs separated by commas");
        break;
    default:
        snprintf(to, to_bytes, "%s", option->argument ? option->argument : "no value");
    }
    return to;
}

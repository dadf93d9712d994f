/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/extended.h"

#include "config/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const verify_words[] = {"none", "request", "require", "require"};
static const char *const version_words[] = {"1.2", "1.2", "1.2", "1.3"};
static const char *const format_words[] = {"pem", "der"};

const struct cm_extended_key cm_extended_keys[] = {
#define CM_EXTENDED(key, kind, option, min, max, note)                                             \
    {key, CM_EXTENDED_##kind, option, NULL, min, max, 0, note},
#define CM_EXTENDED_WORDS(key, option, words, min, max, noted_max, note)                           \
    {key, CM_EXTENDED_WORDS, option, words, min, max, noted_max, note},
#include "tables/extended.def"
#undef CM_EXTENDED
#undef CM_EXTENDED_WORDS
};

const size_t cm_extended_keys_count = sizeof cm_extended_keys / sizeof cm_extended_keys[0];

static enum cm_status note(struct cm_config_parse *parse, const struct cm_extended_key *key) {
    return cm_config_note(parse, "option -o (--extended): %s%s: %s", key->key,
                          key->option == NULL ? " has no effect" : "", key->note);
}

static enum cm_status set_target(struct cm_config_parse *parse, const char *name,
                                 const char *value) {
    const struct cm_option *option = cm_option_by_name(name, strlen(name));
    if (!cm_option_takes_value(option) && *value != '\0')
        return cm_config_fail(parse->error, "option --%s takes no value, but was given \"%s\"",
                              name, value);
    return cm_config_give(parse, option, cm_option_takes_value(option) ? value : NULL);
}

static enum cm_status clear_target(struct cm_config_parse *parse, const struct cm_extended_key *key,
                                   const char *value) {
    const struct cm_option *option = cm_option_by_name(key->option, strlen(key->option));
    if (*value != '\0')
        return cm_config_fail(parse->error,
                              "option -o (--extended): %s takes no value, but was given \"%s\"",
                              key->key, value);
    return cm_config_give(parse, option, "no");
}

static bool is_number(const char *value, int64_t *number) {
    const char *end = "";
    return cm_config_parse_number(value, number, &end) && *end == '\0';
}

static enum cm_status check_number(struct cm_config_parse *parse, const struct cm_extended_key *key,
                                   const char *value) {
    int64_t number = 0;
    if (is_number(value, &number) && number >= key->min && number <= key->max)
        return CM_OK;
    return cm_config_fail(parse->error,
                          "option -o (--extended): %s: \"%s\" is not a number from %" PRId64
                          " to %" PRId64,
                          key->key, value, key->min, key->max);
}

/* By memcached's number, or by the option's own word. */
static enum cm_status set_word(struct cm_config_parse *parse, const struct cm_extended_key *key,
                               const char *value) {
    int64_t number = 0;
    if (!is_number(value, &number))
        return set_target(parse, key->option, value);
    enum cm_status status = check_number(parse, key, value);
    if (status == CM_OK && key->note != NULL && number <= key->noted_max)
        status = note(parse, key);
    return status == CM_OK ? set_target(parse, key->option, key->words[number - key->min]) : status;
}

static enum cm_status set_pair(struct cm_config_parse *parse, const struct cm_extended_key *key,
                               const char *value) {
    double decimal = 0;
    enum cm_status status = CM_OK;
    switch (key->kind) {
    case CM_EXTENDED_OPTION:
        return set_target(parse, key->option, value);
    case CM_EXTENDED_CLEAR:
        return clear_target(parse, key, value);
    case CM_EXTENDED_WORDS:
        return set_word(parse, key, value);
    case CM_EXTENDED_NUMBER:
        status = check_number(parse, key, value);
        break;
    case CM_EXTENDED_DECIMAL:
        if (!cm_config_parse_decimal(value, &decimal))
            status =
                cm_config_fail(parse->error, "option -o (--extended): %s: \"%s\" is not a number",
                               key->key, value);
        break;
    case CM_EXTENDED_TEXT:
        if (*value == '\0')
            status =
                cm_config_fail(parse->error, "option -o (--extended): %s needs a value", key->key);
        break;
    case CM_EXTENDED_NOTHING:
        break;
    }
    return status == CM_OK ? note(parse, key) : status;
}

/* One "key=value" or "key", which is cut at its "=". */
static enum cm_status set_item(struct cm_config_parse *parse, char *item) {
    const char *value = "";
    char *equals = strchr(item, '=');
    if (equals != NULL) {
        *equals = '\0';
        value = equals + 1;
    }
    for (size_t i = 0; i < cm_extended_keys_count; i++) {
        if (strcmp(cm_extended_keys[i].key, item) == 0)
            return set_pair(parse, &cm_extended_keys[i], value);
    }
    return cm_config_fail(parse->error,
                          "option -o (--extended): unknown key \"%.64s\"; the man page lists those "
                          "allowed",
                          item);
}

enum cm_status cm_config_set_extended(struct cm_config_parse *parse, const char *value) {
    char *item = strdup(value);
    enum cm_status status = cm_config_keep(&parse->config->copies, item);
    while (item != NULL && status == CM_OK) {
        char *comma = strchr(item, ',');
        if (comma != NULL)
            *comma = '\0';
        status = set_item(parse, item);
        item = comma == NULL ? NULL : comma + 1;
    }
    return status;
}

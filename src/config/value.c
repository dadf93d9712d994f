/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From the text of a value to the member of struct cm_config that it is for. */

static enum cm_status fail_value(struct cm_config_parse *parse, const struct cm_option *option,
                                 const char *value) {
    char allowed[CM_OPTION_DESCRIPTION_BYTES];
    return cm_config_refuse(parse, option, ": \"%.256s\" is not %s", value,
                            cm_option_describe(option, allowed, sizeof allowed));
}

bool cm_config_parse_number(const char *text, int64_t *number, const char **end) {
    char *stop;
    if ((*text < '0' || *text > '9') && *text != '-')
        return false;
    errno = 0;
    *number = strtoll(text, &stop, 10);
    *end = stop;
    return stop != text && errno == 0;
}

static int64_t size_unit(const char *suffix) {
    static const char letters[] = "kKmMgG";
    if (*suffix == '\0')
        return 1;
    const char *at = strchr(letters, *suffix);
    if (at == NULL || suffix[1] != '\0')
        return 0;
    return (int64_t)1 << (10 * ((at - letters) / 2 + 1));
}

static enum cm_status set_number(struct cm_config_parse *parse, const struct cm_option *option,
                                 const char *value) {
    int64_t number = 0;
    const char *end = "";
    if (!cm_config_parse_number(value, &number, &end))
        return fail_value(parse, option, value);
    int64_t unit = option->kind == CM_OPTION_SIZE ? size_unit(end) : (*end == '\0');
    if (unit == 0 || number > option->max / unit || number < 0 - option->max / unit)
        return fail_value(parse, option, value);
    number *= unit;
    if (number < option->min || number > option->max)
        return fail_value(parse, option, value);
    if (option->kind != CM_OPTION_NOTHING_NUMBER)
        *(int64_t *)((char *)parse->config + option->offset) = number;
    return CM_OK;
}

/* "12" or "1.25", kept as 12000 or 1250. */
static enum cm_status set_thousandths(struct cm_config_parse *parse, const struct cm_option *option,
                                      const char *value) {
    const size_t whole = strspn(value, "0123456789");
    const bool has_point = value[whole] == '.';
    const size_t decimals = has_point ? strspn(value + whole + 1, "0123456789") : 0;
    int64_t number = 0;
    if (whole == 0 || whole > 15 || value[whole + has_point + decimals] != '\0' ||
        (has_point && decimals == 0) || decimals > 3)
        return fail_value(parse, option, value);
    for (const char *at = value; *at != '\0'; at++)
        number = *at == '.' ? number : number * 10 + (*at - '0');
    for (size_t i = decimals; i < 3; i++)
        number *= 10;
    if (number < option->min || number > option->max)
        return fail_value(parse, option, value);
    *(int64_t *)((char *)parse->config + option->offset) = number;
    return CM_OK;
}

static enum cm_status set_octal(struct cm_config_parse *parse, const struct cm_option *option,
                                const char *value) {
    int64_t number = 0;
    const char *at = value;
    while (*at >= '0' && *at <= '7' && number <= option->max)
        number = number * 8 + (*at++ - '0');
    if (at == value || *at != '\0' || number < option->min || number > option->max)
        return fail_value(parse, option, value);
    *(int64_t *)((char *)parse->config + option->offset) = number;
    return CM_OK;
}

static enum cm_status set_character(struct cm_config_parse *parse, const struct cm_option *option,
                                    const char *value) {
    if (value[0] == '\0' || value[1] != '\0')
        return fail_value(parse, option, value);
    *((char *)parse->config + option->offset) = value[0];
    return CM_OK;
}

bool cm_config_parse_decimal(const char *text, double *number) {
    char *stop;
    if (strspn(text, "0123456789.") != strlen(text))
        return false;
    *number = strtod(text, &stop);
    return stop != text && *stop == '\0';
}

/* Looks at the value all the same. */
static enum cm_status set_nothing(struct cm_config_parse *parse, const struct cm_option *option,
                                  const char *value) {
    enum cm_status status = CM_OK;
    double decimal = 0;
    if (option->kind == CM_OPTION_NOTHING_NUMBER)
        status = set_number(parse, option, value);
    else if (option->kind == CM_OPTION_NOTHING_DECIMAL &&
             (!cm_config_parse_decimal(value, &decimal) || decimal <= (double)option->min))
        status = fail_value(parse, option, value);
    if (status == CM_OK)
        status = cm_config_note_of(parse, cm_option_index(option), option->text);
    return status;
}

static enum cm_status set_choice(struct cm_config_parse *parse, const struct cm_option *option,
                                 const char *value) {
    int64_t number = cm_option_choice(option, value);
    if (number < 0)
        return fail_value(parse, option, value);
    *(int64_t *)((char *)parse->config + option->offset) = number;
    return CM_OK;
}

static enum cm_status set_text(struct cm_config_parse *parse, const struct cm_option *option,
                               const char *value) {
    if (*value == '\0' && option->kind != CM_OPTION_OPTIONAL)
        return cm_config_refuse(parse, option, ": the value is empty, a %s is needed",
                                option->argument);
    *(const char **)((char *)parse->config + option->offset) = value;
    return CM_OK;
}

/* NULL: it was given without a value, which means yes. */
static enum cm_status set_flag(struct cm_config_parse *parse, const struct cm_option *option,
                               const char *value) {
    static const char *const words[][2] = {
        {"no", "yes"}, {"off", "on"}, {"false", "true"}, {"0", "1"}};
    bool *field = (bool *)((char *)parse->config + option->offset);
    if (value == NULL) {
        *field = true;
        return CM_OK;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int yes = 0; yes < 2; yes++) {
            if (strcmp(words[i][yes], value) == 0) {
                *field = yes != 0;
                return CM_OK;
            }
        }
    }
    return fail_value(parse, option, value);
}

/* NULL: once more. */
static enum cm_status set_count(struct cm_config_parse *parse, const struct cm_option *option,
                                const char *value) {
    int64_t *field = (int64_t *)((char *)parse->config + option->offset);
    if (value != NULL)
        return set_number(parse, option, value);
    if (*field < option->max)
        ++*field;
    return CM_OK;
}

static enum cm_status set_list(struct cm_config_parse *parse, const struct cm_option *option,
                               const char *value) {
    struct cm_config_error why;
    struct cm_config_list *list = (struct cm_config_list *)((char *)parse->config + option->offset);
    enum cm_status status = cm_config_add_addresses(list, value, &why);
    return status == CM_INVALID ? cm_config_refuse(parse, option, ": %.400s", why.text) : status;
}

/* What ends the parsing. */
static enum cm_status set_action(struct cm_config_parse *parse, const struct cm_option *option,
                                 const char *value) {
    char *field = (char *)parse->config + option->offset;
    parse->done = true;
    if (option->kind == CM_OPTION_ACTION_ON)
        *(const char **)field = value;
    else
        *(bool *)field = true;
    return CM_OK;
}

enum cm_status cm_config_set(struct cm_config_parse *parse, const struct cm_option *option,
                             const char *value) {
    switch (option->kind) {
    case CM_OPTION_NUMBER:
    case CM_OPTION_SIZE:
        return set_number(parse, option, value);
    case CM_OPTION_THOUSANDTHS:
        return set_thousandths(parse, option, value);
    case CM_OPTION_TEXT:
    case CM_OPTION_OPTIONAL:
        return set_text(parse, option, value);
    case CM_OPTION_OCTAL:
        return set_octal(parse, option, value);
    case CM_OPTION_CHARACTER:
        return set_character(parse, option, value);
    case CM_OPTION_NOTHING:
    case CM_OPTION_NOTHING_NUMBER:
    case CM_OPTION_NOTHING_DECIMAL:
        return set_nothing(parse, option, value);
    case CM_OPTION_CHOICE:
        return set_choice(parse, option, value);
    case CM_OPTION_LIST:
        return set_list(parse, option, value);
    case CM_OPTION_EXTENDED:
        return cm_config_set_extended(parse, value);
    case CM_OPTION_COUNT:
        return set_count(parse, option, value);
    case CM_OPTION_ACTION:
    case CM_OPTION_ACTION_ON:
        return set_action(parse, option, value);
    case CM_OPTION_FLAG:
        return set_flag(parse, option, value);
    }
    return CM_INVALID;
}

/* What adds to itself starts anew: a value replaces those from below. */
static void forget(struct cm_config *config, const struct cm_option *option) {
    char *field = (char *)config + option->offset;
    if (option->kind == CM_OPTION_COUNT)
        *(int64_t *)field = 0;
    if (option->kind == CM_OPTION_LIST) {
        free(((struct cm_config_list *)field)->entries);
        *(struct cm_config_list *)field = (struct cm_config_list){0};
    }
}

enum cm_status cm_config_give(struct cm_config_parse *parse, const struct cm_option *option,
                              const char *value) {
    struct cm_config_place *place = &parse->config->places[cm_option_index(option)];
    bool was_set = place->origin == CM_CONFIG_FROM_RUN && place->line == 0;
    if (place->origin != parse->place.origin || was_set)
        forget(parse->config, option);
    *place = parse->place;
    return cm_config_set(parse, option, value);
}

enum cm_status cm_config_give_copy(struct cm_config_parse *parse, const struct cm_option *option,
                                   const char *value) {
    char *copy = strdup(value);
    enum cm_status status = cm_config_keep(&parse->config->copies, copy);
    if (status == CM_OK)
        status = cm_config_give(parse, option, copy);
    return status == CM_INVALID ? cm_config_add_fault(parse) : status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"

#include "config/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *cm_config_name(enum cm_config_index index) {
    return cm_options[index].name;
}

bool cm_config_is_live(enum cm_config_index index) {
    return cm_options[index].scope == CM_OPTION_LIVE;
}

bool cm_config_is_of_files(enum cm_config_index index) {
    return cm_options[index].scope >= CM_OPTION_START;
}

/* How the member is kept. */
enum shape { SHAPE_FLAG, SHAPE_NUMBER, SHAPE_CHARACTER, SHAPE_TEXT, SHAPE_LIST };

static enum shape shape_of(const struct cm_option *option) {
    switch (option->kind) {
    case CM_OPTION_COUNT:
    case CM_OPTION_NUMBER:
    case CM_OPTION_SIZE:
    case CM_OPTION_THOUSANDTHS:
    case CM_OPTION_CHOICE:
    case CM_OPTION_OCTAL:
        return SHAPE_NUMBER;
    case CM_OPTION_TEXT:
    case CM_OPTION_OPTIONAL:
    case CM_OPTION_ACTION_ON:
        return SHAPE_TEXT;
    case CM_OPTION_CHARACTER:
        return SHAPE_CHARACTER;
    case CM_OPTION_LIST:
        return SHAPE_LIST;
    default:
        return SHAPE_FLAG;
    }
}

static const void *member(const struct cm_config *config, const struct cm_option *option) {
    return (const char *)config + option->offset;
}

static bool texts_differ(const char *a, const char *b) {
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

static bool lists_differ(const struct cm_config_list *a, const struct cm_config_list *b) {
    bool differ = a->count != b->count;
    for (size_t i = 0; i < a->count && !differ; i++) {
        const struct cm_config_address *one = &a->entries[i], *other = &b->entries[i];
        differ = strcmp(one->host, other->host) != 0 || one->port != other->port ||
                 one->plain != other->plain;
    }
    return differ;
}

bool cm_config_differs(const struct cm_config *a, const struct cm_config *b,
                       enum cm_config_index index) {
    const struct cm_option *option = &cm_options[index];
    const void *one = member(a, option), *other = member(b, option);
    switch (shape_of(option)) {
    case SHAPE_FLAG:
        return *(const bool *)one != *(const bool *)other;
    case SHAPE_NUMBER:
        return *(const int64_t *)one != *(const int64_t *)other;
    case SHAPE_CHARACTER:
        return *(const char *)one != *(const char *)other;
    case SHAPE_TEXT:
        return texts_differ(*(const char *const *)one, *(const char *const *)other);
    case SHAPE_LIST:
        return lists_differ(one, other);
    }
    return false;
}

/* ---- taking over ---- */

static enum cm_status adopt_text(struct cm_config *to, const char **field, const char *text) {
    char *copy = text != NULL ? strdup(text) : NULL;
    enum cm_status status = text != NULL ? cm_config_keep(&to->copies, copy) : CM_OK;
    if (status == CM_OK)
        *field = copy;
    return status;
}

static enum cm_status adopt_list(struct cm_config_list *to, const struct cm_config_list *from) {
    struct cm_config_list copy = {.count = from->count};
    if (from->count > 0) {
        copy.entries = malloc(from->count * sizeof *copy.entries);
        if (copy.entries == NULL)
            return CM_NO_MEMORY;
        memcpy(copy.entries, from->entries, from->count * sizeof *copy.entries);
    }
    free(to->entries);
    *to = copy;
    return CM_OK;
}

enum cm_status cm_config_adopt(struct cm_config *to, const struct cm_config *from,
                               enum cm_config_index index) {
    const struct cm_option *option = &cm_options[index];
    void *field = (char *)to + option->offset;
    const void *value = member(from, option);
    enum cm_status status = CM_OK;
    switch (shape_of(option)) {
    case SHAPE_FLAG:
        *(bool *)field = *(const bool *)value;
        break;
    case SHAPE_NUMBER:
        *(int64_t *)field = *(const int64_t *)value;
        break;
    case SHAPE_CHARACTER:
        *(char *)field = *(const char *)value;
        break;
    case SHAPE_TEXT:
        status = adopt_text(to, field, *(const char *const *)value);
        break;
    case SHAPE_LIST:
        status = adopt_list(field, value);
        break;
    }
    if (status == CM_OK)
        to->places[index] = from->places[index];
    return status;
}

/* ---- values as text ---- */

const char *cm_config_address_text(const struct cm_config_address *address, char *to) {
    bool is_v6 = strchr(address->host, ':') != NULL;
    int used = snprintf(to, CM_CONFIG_ADDRESS_BYTES, "%s%s%s%s", address->plain ? "notls:" : "",
                        is_v6 ? "[" : "", address->host, is_v6 ? "]" : "");
    if (address->port != 0)
        snprintf(to + used, CM_CONFIG_ADDRESS_BYTES - (size_t)used, ":%d", address->port);
    return to;
}

static void list_text(const struct cm_config_list *list, char *to, size_t to_bytes) {
    char entry[CM_CONFIG_ADDRESS_BYTES];
    size_t used = 0;
    *to = '\0';
    for (size_t i = 0; i < list->count && used < to_bytes; i++)
        used += (size_t)snprintf(to + used, to_bytes - used, "%s%s", i > 0 ? "," : "",
                                 cm_config_address_text(&list->entries[i], entry));
}

static void number_text(const struct cm_option *option, int64_t number, char *to, size_t to_bytes) {
    if (option->kind == CM_OPTION_SIZE) {
        cm_option_size_text(number, to, to_bytes);
    } else if (option->kind == CM_OPTION_THOUSANDTHS) {
        cm_option_thousandths_text(number, to, to_bytes);
    } else if (option->kind == CM_OPTION_OCTAL) {
        snprintf(to, to_bytes, "%04" PRIo64, (uint64_t)number);
    } else if (option->kind == CM_OPTION_CHOICE) {
        struct cm_slice word = cm_option_word(option, number);
        snprintf(to, to_bytes, "%.*s", (int)word.len, word.data);
    } else {
        snprintf(to, to_bytes, "%" PRId64, number);
    }
}

const char *cm_config_value(const struct cm_config *config, enum cm_config_index index, char *to,
                            size_t to_bytes) {
    const struct cm_option *option = &cm_options[index];
    const void *field = member(config, option);
    const char *text;
    switch (shape_of(option)) {
    case SHAPE_FLAG:
        snprintf(to, to_bytes, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case SHAPE_NUMBER:
        number_text(option, *(const int64_t *)field, to, to_bytes);
        break;
    case SHAPE_CHARACTER:
        snprintf(to, to_bytes, "%.1s", (const char[]){*(const char *)field, '\0'});
        break;
    case SHAPE_TEXT:
        text = *(const char *const *)field;
        snprintf(to, to_bytes, "%s", text != NULL ? text : "");
        break;
    case SHAPE_LIST:
        list_text(field, to, to_bytes);
        break;
    }
    return to;
}

bool cm_config_hide_secret(enum cm_config_index index, char *value) {
    char *options = index == CM_OPTION_INDEX_join ? strchr(value, '?') : NULL;
    if (options != NULL)
        *options = '\0';
    return options != NULL;
}

const char *cm_config_origin(const struct cm_config *config, enum cm_config_index index, char *to) {
    const struct cm_config_place *place = &config->places[index];
    switch (place->origin) {
    case CM_CONFIG_FROM_DEFAULT:
        snprintf(to, CM_CONFIG_TITLE_BYTES, "default");
        break;
    case CM_CONFIG_FROM_FILE:
        snprintf(to, CM_CONFIG_TITLE_BYTES, "%.480s:%u", config->file, place->line);
        break;
    case CM_CONFIG_FROM_ENVIRONMENT:
        cm_option_variable(&cm_options[index], to);
        break;
    case CM_CONFIG_FROM_LINE:
        snprintf(to, CM_CONFIG_TITLE_BYTES, "command line");
        break;
    case CM_CONFIG_FROM_RUN:
        snprintf(to, CM_CONFIG_TITLE_BYTES, "set at run time by %s", place->by);
        break;
    }
    return to;
}

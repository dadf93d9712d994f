/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What is said to people: faults, which end it all, and notes. */

enum { FAULTS_MAX = 20 };

const char *cm_config_title(const struct cm_config *config, enum cm_config_index index, char *to) {
    const struct cm_option *option = &cm_options[index];
    const struct cm_config_place *place = &config->places[index];
    char name[CM_OPTION_TITLE_BYTES];
    if (place->origin == CM_CONFIG_FROM_FILE)
        snprintf(to, CM_CONFIG_TITLE_BYTES, "%.400s:%u: %s", config->file, place->line,
                 option->name);
    else if (place->origin == CM_CONFIG_FROM_ENVIRONMENT)
        snprintf(to, CM_CONFIG_TITLE_BYTES, "%s", cm_option_variable(option, name));
    else if (place->origin == CM_CONFIG_FROM_RUN)
        snprintf(to, CM_CONFIG_TITLE_BYTES, "%s", option->name);
    else
        snprintf(to, CM_CONFIG_TITLE_BYTES, "option %s", cm_option_title(option, name));
    return to;
}

CM_PRINTF(1, 0)
static char *format_text(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int bytes = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)bytes + 1, format, arguments);
    return text;
}

enum cm_status cm_config_keep(struct cm_config_texts *texts, char *text) {
    void *grown = realloc(texts->entries, (texts->count + 1) * sizeof *texts->entries);
    if (grown != NULL)
        texts->entries = grown;
    if (text == NULL || grown == NULL) {
        free(text);
        return CM_NO_MEMORY;
    }
    texts->entries[texts->count++] = text;
    return CM_OK;
}

/* Takes `text`, if it was not said before. */
static enum cm_status note(struct cm_config_parse *parse, char *text) {
    struct cm_config_texts *notes = &parse->config->notes;
    for (size_t i = 0; text != NULL && i < notes->count; i++) {
        if (strcmp(notes->entries[i], text) == 0) {
            free(text);
            return CM_OK;
        }
    }
    return cm_config_keep(notes, text);
}

enum cm_status cm_config_note(struct cm_config_parse *parse, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    return note(parse, text);
}

enum cm_status cm_config_fail(struct cm_config_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return CM_INVALID;
}

enum cm_status cm_config_note_of(struct cm_config_parse *parse, enum cm_config_index index,
                                 const char *why) {
    char title[CM_CONFIG_TITLE_BYTES];
    return cm_config_note(parse, "%s has no effect: %s",
                          cm_config_title(parse->config, index, title), why);
}

enum cm_status cm_config_refuse(struct cm_config_parse *parse, const struct cm_option *option,
                                const char *format, ...) {
    char title[CM_CONFIG_TITLE_BYTES], why[512];
    enum cm_config_index index = cm_option_index(option);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    if (parse->config->places[index].origin == CM_CONFIG_FROM_FILE)
        parse->error->in_file = true;
    return cm_config_fail(parse->error, "%s%s", cm_config_title(parse->config, index, title), why);
}

enum cm_status cm_config_add_fault(struct cm_config_parse *parse) {
    struct cm_config_texts *faults = &parse->config->faults;
    if (faults->count > FAULTS_MAX)
        return CM_OK;
    bool last = faults->count == FAULTS_MAX;
    return cm_config_keep(faults, strdup(last ? "there is more that is wrong; correct these first"
                                              : parse->error->text));
}

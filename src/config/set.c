/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"
#include "config/file.h"

#include <string.h>

/* Values that are set while the server runs, over those in force. */

static bool is_given(const struct cm_config *config, enum cm_config_index index) {
    return config->places[index].origin != CM_CONFIG_FROM_DEFAULT;
}

static bool is_set(const struct cm_config *config, enum cm_config_index index) {
    return config->places[index].origin == CM_CONFIG_FROM_RUN;
}

/* A line of 0 tells a value that was set before from those of the text that is read. */
static enum cm_status take(struct cm_config_parse *parse, const struct cm_config *from,
                           enum cm_config_index index) {
    enum cm_status status = cm_config_adopt(parse->config, from, index);
    if (is_set(from, index))
        parse->config->places[index].line = 0;
    return status;
}

enum cm_status cm_config_take_set(struct cm_config_parse *parse) {
    const struct cm_config *from = parse->line->in_force;
    enum cm_status status = CM_OK;
    for (int i = 0; i < CM_OPTIONS && from != NULL && status == CM_OK; i++) {
        if (is_set(from, (enum cm_config_index)i))
            status = take(parse, from, (enum cm_config_index)i);
    }
    return status;
}

/* What follows from other options is worked out anew. */
static enum cm_status begin(struct cm_config_parse *parse) {
    const struct cm_config *from = parse->line->in_force;
    enum cm_status status = cm_config_begin(parse);
    for (int i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        if (is_given(from, (enum cm_config_index)i))
            status = take(parse, from, (enum cm_config_index)i);
    }
    parse->config->file = from->file;
    return status;
}

static enum cm_status end(struct cm_config_parse *parse, enum cm_status status) {
    if (status == CM_OK && parse->config->faults.count == 0)
        status = cm_config_settle(parse);
    if (status == CM_INVALID)
        status = cm_config_add_fault(parse);
    return status == CM_OK && parse->config->faults.count > 0 ? CM_INVALID : status;
}

enum cm_status cm_config_set_over(struct cm_config *config, const struct cm_config_setting *setting,
                                  struct cm_config_error *error) {
    struct cm_config_parse parse = {.config = config, .error = error, .line = setting->line};
    enum cm_status status = begin(&parse);
    parse.place.origin = CM_CONFIG_FROM_RUN;
    snprintf(parse.place.by, sizeof parse.place.by, "%s", setting->by);
    if (status == CM_OK)
        status = cm_config_read_text(&parse, setting->text);
    return end(&parse, status);
}

/* ---- taken back ---- */

enum { ALL = CM_OPTIONS };

/* Whether the value of the option is to go. */
static bool is_meant(const struct cm_config *in_force, int index, int meant) {
    return is_set(in_force, (enum cm_config_index)index) && (meant == ALL || meant == index);
}

static enum cm_status find_meant(const struct cm_config *in_force, const char *name, int *meant,
                                 struct cm_config_error *error) {
    *meant = ALL;
    if (name == NULL)
        return CM_OK;
    const struct cm_option *option = cm_option_by_name(name, strlen(name));
    if (option == NULL)
        return cm_config_fail(error, "unknown key \"%.64s\"; /config lists those there are", name);
    *meant = (int)cm_option_index(option);
    if (!is_meant(in_force, *meant, *meant))
        return cm_config_fail(error, "%s: it was not set at run time", option->name);
    return CM_OK;
}

static enum cm_status replace(struct cm_config_parse *parse, const struct cm_config *sources,
                              int meant) {
    enum cm_status status = begin(parse);
    for (int i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        if (is_meant(parse->line->in_force, i, meant))
            status = cm_config_adopt(parse->config, sources, (enum cm_config_index)i);
    }
    if (parse->config->file == NULL && sources->file != NULL)
        parse->config->file = parse->line->default_file; /* which was not there before */
    return end(parse, status);
}

enum cm_status cm_config_take_back(struct cm_config *config,
                                   const struct cm_config_setting *setting, const char *name,
                                   struct cm_config_error *error) {
    struct cm_config_parse parse = {.config = config, .error = error, .line = setting->line};
    struct cm_command_line line = *setting->line;
    struct cm_config sources;
    int meant;
    *config = (struct cm_config){0};
    *error = (struct cm_config_error){0};
    enum cm_status status = find_meant(line.in_force, name, &meant, error);
    if (status != CM_OK)
        return end(&parse, status);
    line.in_force = NULL;
    status = cm_config_parse(&sources, &line, error);
    if (status != CM_OK) {
        *config = sources;
        return status;
    }
    status = replace(&parse, &sources, meant);
    cm_config_deinit(&sources);
    return status;
}

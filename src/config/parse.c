/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/internal.h"

#include "base/guess.h"
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

/* An action's object may be left out; whatever comes behind it is too much. */
static enum cm_status take_action_on(struct cm_config_parse *parse, const struct cm_option *option,
                                     const char *inline_value) {
    const char *value = inline_value;
    if (value == NULL && parse->next < parse->line->argc)
        value = parse->line->argv[parse->next++];
    if (parse->next < parse->line->argc)
        return cm_config_fail(parse->error, "option --%s: \"%s\" is one argument too many",
                              option->name, parse->line->argv[parse->next]);
    return cm_config_give(parse, option, value != NULL ? value : "");
}

/* `inline_value` is what stands in the same argument, NULL if nothing does. */
static enum cm_status take_option(struct cm_config_parse *parse, const struct cm_option *option,
                                  const char *inline_value) {
    char name[CM_OPTION_TITLE_BYTES], allowed[CM_OPTION_DESCRIPTION_BYTES];
    if (option->kind == CM_OPTION_ACTION_ON)
        return take_action_on(parse, option, inline_value);
    if (!cm_option_takes_value(option)) {
        bool may_have_one = option->kind == CM_OPTION_FLAG || option->kind == CM_OPTION_COUNT;
        if (inline_value != NULL && !may_have_one)
            return cm_config_fail(parse->error, "option %s takes no value, but was given \"%s\"",
                                  cm_option_title(option, name), inline_value);
        return cm_config_give(parse, option, inline_value);
    }
    if (inline_value == NULL && parse->next < parse->line->argc)
        inline_value = parse->line->argv[parse->next++];
    if (inline_value == NULL)
        return cm_config_fail(parse->error, "option %s needs a value: %s",
                              cm_option_title(option, name),
                              cm_option_describe(option, allowed, sizeof allowed));
    return cm_config_give(parse, option, inline_value);
}

static enum cm_status refuse_name(const struct cm_config_parse *parse, struct cm_slice name) {
    struct cm_guess guess = cm_guess(name);
    for (size_t i = 0; i < CM_OPTIONS; i++)
        cm_guess_try(&guess, cm_options[i].name);
    if (guess.nearest != NULL)
        return cm_config_fail(parse->error, "unknown option \"--%.*s\"; \"--%s\" is one",
                              (int)name.len, name.data, guess.nearest);
    return cm_config_fail(parse->error, "unknown option \"--%.*s\"; --help lists those allowed",
                          (int)name.len, name.data);
}

/* "--name", "--name=value" or "--name value". */
static enum cm_status parse_long(struct cm_config_parse *parse, const char *argument) {
    size_t name_bytes = strcspn(argument + 2, "=");
    const struct cm_option *option = cm_option_by_name(argument + 2, name_bytes);
    if (option == NULL)
        return refuse_name(parse, cm_slice(argument + 2, name_bytes));
    const char *rest = argument + 2 + name_bytes;
    return take_option(parse, option, *rest == '=' ? rest + 1 : NULL);
}

/* "-v", "-vvA", "-t4", "-t 4". */
static enum cm_status parse_letters(struct cm_config_parse *parse, const char *argument) {
    enum cm_status status = CM_OK;
    for (const char *letter = argument + 1; *letter != '\0' && !parse->done; letter++) {
        const struct cm_option *option = cm_option_by_letter(*letter);
        if (option == NULL)
            return cm_config_fail(parse->error,
                                  "unknown option \"-%c\"; --help lists those allowed", *letter);
        if (cm_option_takes_value(option))
            return take_option(parse, option, letter[1] != '\0' ? letter + 1 : NULL);
        status = take_option(parse, option, NULL);
        if (status != CM_OK)
            break;
    }
    return status;
}

static enum cm_status parse_argument(struct cm_config_parse *parse, const char *argument) {
    if (strcmp(argument, "/?") == 0)
        argument = "--help";
    if (argument[0] == '-' && argument[1] == '-' && argument[2] != '\0')
        return parse_long(parse, argument);
    if (argument[0] == '-' && argument[1] != '-' && argument[1] != '\0')
        return parse_letters(parse, argument);
    return cm_config_fail(parse->error, "\"%s\" is not an option; --help lists those allowed",
                          argument);
}

static enum cm_status parse_line(struct cm_config_parse *parse) {
    enum cm_status status = CM_OK;
    parse->place.origin = CM_CONFIG_FROM_LINE;
    parse->next = 1;
    while (status == CM_OK && !parse->done && parse->next < parse->line->argc)
        status = parse_argument(parse, parse->line->argv[parse->next++]);
    return status;
}

/* ---- all of it, from below ---- */

static enum cm_status set_defaults(struct cm_config_parse *parse) {
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        if (cm_options[i].initial != NULL)
            status = cm_config_set(parse, &cm_options[i], cm_options[i].initial);
    }
    return status;
}

enum cm_status cm_config_begin(struct cm_config_parse *parse) {
    *parse->config = (struct cm_config){0};
    *parse->error = (struct cm_config_error){.text = "out of memory"};
    parse->place = (struct cm_config_place){.origin = CM_CONFIG_FROM_DEFAULT};
    return set_defaults(parse);
}

/* The file that the command line names, or the environment; empty: none. */
static const char *choose_file(const struct cm_config_parse *parse, bool *must_be_there) {
    const char *wanted = parse->config->config;
    if (wanted == NULL)
        wanted = cm_config_variable(parse->line, &cm_options[CM_OPTION_INDEX_config]);
    *must_be_there = wanted != NULL || parse->line->had_file;
    if (wanted == NULL)
        wanted = parse->line->default_file;
    return wanted != NULL ? wanted : "";
}

/* Once the command line is known to be good. */
static enum cm_status parse_layers(struct cm_config_parse *parse) {
    bool must_be_there;
    const char *file = choose_file(parse, &must_be_there);
    cm_config_deinit(parse->config);
    enum cm_status status = cm_config_begin(parse);
    if (status == CM_OK && *file != '\0')
        status = cm_config_read_file(parse, file, must_be_there);
    if (status == CM_OK)
        status = cm_config_read_environment(parse);
    if (status == CM_OK)
        status = parse_line(parse);
    if (status == CM_OK)
        status = cm_config_take_set(parse);
    if (status == CM_OK && parse->config->faults.count == 0)
        status = cm_config_settle(parse);
    return status;
}

enum cm_status cm_config_parse(struct cm_config *config, const struct cm_command_line *line,
                               struct cm_config_error *error) {
    struct cm_config_parse parse = {.config = config, .error = error, .line = line};
    enum cm_status status = cm_config_begin(&parse);
    if (status == CM_OK)
        status = parse_line(&parse);
    if (status == CM_OK && !parse.done)
        status = parse_layers(&parse);
    if (status == CM_INVALID)
        status = cm_config_add_fault(&parse);
    if (status != CM_OK || config->faults.count == 0)
        return status;
    snprintf(error->text, sizeof error->text, "%s", config->faults.entries[0]);
    return CM_INVALID;
}

static void drop_texts(struct cm_config_texts *texts) {
    for (size_t i = 0; i < texts->count; i++)
        free(texts->entries[i]);
    free(texts->entries);
    *texts = (struct cm_config_texts){0};
}

void cm_config_deinit(struct cm_config *config) {
    free(config->listen.entries);
    config->listen = (struct cm_config_list){0};
    drop_texts(&config->faults);
    drop_texts(&config->notes);
    drop_texts(&config->copies);
}

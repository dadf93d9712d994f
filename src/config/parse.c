/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/format.h"
#include "config/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIPTION_BYTES = 128 };

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

enum cm_status cm_config_note(struct cm_config_parse *parse, const char *format, ...) {
    struct cm_config_texts *notes = &parse->config->notes;
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    for (size_t i = 0; text != NULL && i < notes->count; i++) {
        if (strcmp(notes->entries[i], text) == 0) {
            free(text);
            return CM_OK;
        }
    }
    return cm_config_keep(notes, text);
}

enum cm_status cm_config_fail(struct cm_config_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return CM_INVALID;
}

static enum cm_status fail_value(struct cm_config_parse *parse, const struct cm_option *option,
                                 const char *value) {
    char name[CM_OPTION_TITLE_BYTES], allowed[DESCRIPTION_BYTES];
    return cm_config_fail(parse->error, "option %s: \"%s\" is not %s",
                          cm_option_title(option, name), value,
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
    char name[CM_OPTION_TITLE_BYTES];
    if (option->kind == CM_OPTION_NOTHING_NUMBER)
        status = set_number(parse, option, value);
    else if (option->kind == CM_OPTION_NOTHING_DECIMAL &&
             (!cm_config_parse_decimal(value, &decimal) || decimal <= (double)option->min))
        status = fail_value(parse, option, value);
    if (status == CM_OK)
        status = cm_config_note(parse, "option %s has no effect: %s", cm_option_title(option, name),
                                option->text);
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
    char name[CM_OPTION_TITLE_BYTES];
    if (*value == '\0')
        return cm_config_fail(parse->error, "option %s: the value is empty, a %s is needed",
                              cm_option_title(option, name), option->argument);
    *(const char **)((char *)parse->config + option->offset) = value;
    return CM_OK;
}

enum cm_status cm_config_set(struct cm_config_parse *parse, const struct cm_option *option,
                             const char *value) {
    char *field = (char *)parse->config + option->offset;
    switch (option->kind) {
    case CM_OPTION_NUMBER:
    case CM_OPTION_SIZE:
        return set_number(parse, option, value);
    case CM_OPTION_TEXT:
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
        return cm_config_add_addresses((struct cm_config_list *)field, value, parse->error);
    case CM_OPTION_EXTENDED:
        return cm_config_set_extended(parse, value);
    case CM_OPTION_COUNT:
        if (*(int64_t *)field < option->max)
            ++*(int64_t *)field;
        return CM_OK;
    case CM_OPTION_ACTION:
        parse->done = true;
        *(bool *)field = true;
        return CM_OK;
    case CM_OPTION_ACTION_ON:
        parse->done = true;
        *(const char **)field = value;
        return CM_OK;
    case CM_OPTION_FLAG:
        *(bool *)field = true;
        return CM_OK;
    }
    return CM_INVALID;
}

enum cm_status cm_config_give(struct cm_config_parse *parse, const struct cm_option *option,
                              const char *value) {
    parse->given[option - cm_options] = true;
    return cm_config_set(parse, option, value);
}

/* An action's object may be left out; whatever comes behind it is too much. */
static enum cm_status take_action_on(struct cm_config_parse *parse, const struct cm_option *option,
                                     const char *inline_value) {
    const char *value = inline_value;
    if (value == NULL && parse->next < parse->argc)
        value = parse->argv[parse->next++];
    if (parse->next < parse->argc)
        return cm_config_fail(parse->error, "option --%s: \"%s\" is one argument too many",
                              option->name, parse->argv[parse->next]);
    return cm_config_give(parse, option, value != NULL ? value : "");
}

/* `inline_value` is what stands in the same argument, NULL if nothing does. */
static enum cm_status take_option(struct cm_config_parse *parse, const struct cm_option *option,
                                  const char *inline_value) {
    char name[CM_OPTION_TITLE_BYTES], allowed[DESCRIPTION_BYTES];
    if (option->kind == CM_OPTION_ACTION_ON)
        return take_action_on(parse, option, inline_value);
    if (!cm_option_takes_value(option)) {
        if (inline_value != NULL)
            return cm_config_fail(parse->error, "option %s takes no value, but was given \"%s\"",
                                  cm_option_title(option, name), inline_value);
        return cm_config_give(parse, option, NULL);
    }
    if (inline_value == NULL && parse->next < parse->argc)
        inline_value = parse->argv[parse->next++];
    if (inline_value == NULL)
        return cm_config_fail(parse->error, "option %s needs a value: %s",
                              cm_option_title(option, name),
                              cm_option_describe(option, allowed, sizeof allowed));
    return cm_config_give(parse, option, inline_value);
}

/* "--name", "--name=value" or "--name value". */
static enum cm_status parse_long(struct cm_config_parse *parse, const char *argument) {
    size_t name_bytes = strcspn(argument + 2, "=");
    const struct cm_option *option = cm_option_by_name(argument + 2, name_bytes);
    if (option == NULL)
        return cm_config_fail(parse->error, "unknown option \"--%.*s\"; --help lists those allowed",
                              (int)name_bytes, argument + 2);
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

static enum cm_status set_defaults(struct cm_config_parse *parse) {
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        if (cm_options[i].initial != NULL)
            status = cm_config_set(parse, &cm_options[i], cm_options[i].initial);
    }
    return status;
}

static int64_t clamp(int64_t value, int64_t min, int64_t max) {
    return value < min ? min : value > max ? max : value;
}

/* Files that are given are meant to be used: without -Z everything would go over the wire as it is. */
static enum cm_status settle_plain(struct cm_config_parse *parse) {
    const struct cm_config *config = parse->config;
    const char *given = config->tls_cert != NULL  ? "--tls-cert"
                        : config->tls_key != NULL ? "--tls-key"
                        : config->tls_ca != NULL  ? "--tls-ca"
                                                  : NULL;
    if (given != NULL)
        return cm_config_fail(parse->error, "option %s: there is no TLS without -Z (--tls)", given);
    for (size_t i = 0; i < config->listen.count; i++) {
        if (config->listen.entries[i].plain)
            return cm_config_fail(parse->error,
                                  "option -l (--listen): \"notls:\" before an address "
                                  "is for servers with -Z (--tls)");
    }
    return CM_OK;
}

static enum cm_status settle_tls(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    if (!config->tls)
        return settle_plain(parse);
    if (config->tls_cert == NULL)
        return cm_config_fail(parse->error, "option -Z (--tls): TLS needs a certificate: give "
                                            "--tls-cert FILE");
    if (config->tls_verify != 0 && config->tls_ca == NULL)
        return cm_config_fail(parse->error, "option --tls-verify: clients' certificates cannot be "
                                            "checked without --tls-ca FILE");
    if (config->udp_port != 0)
        return cm_config_fail(parse->error,
                              "option -U (--udp-port): datagrams cannot be encrypted; "
                              "there is no UDP with -Z (--tls)");
    if (config->tls_key == NULL)
        config->tls_key = config->tls_cert;
    enum cm_status status = CM_OK;
    if (config->tls_ca != NULL && config->tls_verify == 0)
        status =
            cm_config_note(parse, "option --tls-ca has no effect: without --tls-verify clients "
                                  "are not asked for certificates");
    if (status == CM_OK && config->unix_path != NULL)
        status =
            cm_config_note(parse, "option -Z (--tls) has no effect: TLS is never spoken on the "
                                  "Unix socket of -s");
    return status;
}

/* As in memcached SASL is for the binary protocol, and leaves no other. */
static enum cm_status settle_auth(struct cm_config_parse *parse) {
    struct cm_config *config = parse->config;
    if (!config->enable_sasl)
        return CM_OK;
    if (config->protocol == CM_CONFIG_PROTOCOL_ASCII)
        return cm_config_fail(parse->error, "option -S (--enable-sasl): SASL is for the binary "
                                            "protocol, and -B ascii (--protocol) excludes it");
    config->protocol = CM_CONFIG_PROTOCOL_BINARY;
    if (config->auth_file == NULL)
        return cm_config_fail(parse->error, "option -S (--enable-sasl): nobody could log in: give "
                                            "--auth-file FILE");
    return CM_OK;
}

/* Who does not join has nobody to tell. */
static enum cm_status settle_join(struct cm_config_parse *parse) {
    const struct cm_option *weight = cm_option_by_name("weight", strlen("weight"));
    if (parse->config->join != NULL || !parse->given[weight - cm_options])
        return CM_OK;
    return cm_config_note(parse, "option --weight has no effect: there is no --join");
}

/* What follows from several options together. */
static enum cm_status settle(struct cm_config_parse *parse, unsigned core_count) {
    struct cm_config *config = parse->config;
    int64_t half = config->memory_mb * ((int64_t)1 << 19);
    if (config->item_bytes_max > half) {
        char size[24], limit[24];
        return cm_config_fail(
            parse->error,
            "option -I (--max-item-size): %s is more than half of the memory limit; with "
            "-m %" PRId64 " it may be at most %s",
            cm_option_size_text(config->item_bytes_max, size, sizeof size), config->memory_mb,
            cm_option_size_text(half, limit, sizeof limit));
    }
    if (config->item_bytes_max == 0)
        config->item_bytes_max = half < (1 << 20) ? half : 1 << 20;
    if (config->threads == 0) {
        const struct cm_option *threads = cm_option_by_letter('t');
        config->threads = clamp(core_count, threads->min, threads->max);
    }
    enum cm_status status = settle_tls(parse);
    if (status == CM_OK)
        status = settle_auth(parse);
    if (status == CM_OK)
        status = settle_join(parse);
    if (status != CM_OK)
        return status;
    if (config->memory_file != NULL)
        return cm_config_fail(parse->error,
                              "option -e (--memory-file): warm restart is not available yet");
    return cm_config_settle_listeners(parse);
}

enum cm_status cm_config_parse(struct cm_config *config, const struct cm_command_line *line,
                               struct cm_config_error *error) {
    *config = (struct cm_config){0};
    snprintf(error->text, sizeof error->text, "out of memory");
    struct cm_config_parse parse = {
        .config = config, .error = error, .argc = line->argc, .argv = line->argv, .next = 1};
    enum cm_status status = set_defaults(&parse);
    while (status == CM_OK && !parse.done && parse.next < parse.argc)
        status = parse_argument(&parse, parse.argv[parse.next++]);
    if (status == CM_OK && !parse.done)
        status = settle(&parse, line->core_count);
    return status;
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
    drop_texts(&config->notes);
    drop_texts(&config->copies);
}

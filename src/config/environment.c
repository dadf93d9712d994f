/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/internal.h"

#include <string.h>

/* CACHEMAN_THREADS=4 and the like. */

/* Of others' variables that begin in the same way. */
#define TESTS_VARIABLE   CM_CONFIG_VARIABLE "TEST_"
#define SERVERS_VARIABLE CM_CONFIG_VARIABLE "SERVERS="

/* The value, if `entry` is "name=value". */
static const char *value_of(const char *entry, const char *name) {
    size_t bytes = strlen(name);
    return strncmp(entry, name, bytes) == 0 && entry[bytes] == '=' ? entry + bytes + 1 : NULL;
}

const char *cm_config_variable(const struct cm_command_line *line, const struct cm_option *option) {
    char name[CM_OPTION_TITLE_BYTES];
    cm_option_variable(option, name);
    for (char *const *entry = line->environment; entry != NULL && *entry != NULL; entry++) {
        const char *value = value_of(*entry, name);
        if (value != NULL)
            return value;
    }
    return NULL;
}

static bool is_known(const char *entry) {
    char name[CM_OPTION_TITLE_BYTES];
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (cm_options[i].scope != CM_OPTION_LINE &&
            value_of(entry, cm_option_variable(&cm_options[i], name)) != NULL)
            return true;
    }
    return false;
}

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Read by the console and its like, and by tests. */
static bool is_other_programs(const char *entry) {
    return begins_with(entry, SERVERS_VARIABLE) || begins_with(entry, TESTS_VARIABLE);
}

/* It may be somebody else's, and so is no fault. */
static enum cm_status note_unknown(struct cm_config_parse *parse) {
    enum cm_status status = CM_OK;
    char *const *entry = parse->line->environment;
    for (; entry != NULL && *entry != NULL && status == CM_OK; entry++) {
        if (begins_with(*entry, CM_CONFIG_VARIABLE) && !is_other_programs(*entry) &&
            !is_known(*entry))
            status = cm_config_note(parse, "%.*s in the environment names no option",
                                    (int)strcspn(*entry, "="), *entry);
    }
    return status;
}

enum cm_status cm_config_read_environment(struct cm_config_parse *parse) {
    enum cm_status status = CM_OK;
    parse->place = (struct cm_config_place){.origin = CM_CONFIG_FROM_ENVIRONMENT};
    for (size_t i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        const struct cm_option *option = &cm_options[i];
        const char *value =
            option->scope == CM_OPTION_LINE ? NULL : cm_config_variable(parse->line, option);
        if (value != NULL)
            status = cm_config_give_copy(parse, option, value);
    }
    return status == CM_OK ? note_unknown(parse) : status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <cacheman/version.h>
#include <errno.h>
#include <license.h>
#include <string.h>

enum { POLICIES_MAX = 32 };

/* All policies, ended by a NULL name. */
static void list_policies(struct cm_config_choice *policies) {
    size_t count = 0;
    const char *name, *text;
    while (count < POLICIES_MAX && (name = cmstore_policy_name(count, &text)) != NULL)
        policies[count++] = (struct cm_config_choice){name, text};
    policies[count] = (struct cm_config_choice){0};
}

enum cm_exit cm_server_check_policy(const struct cm_config *config) {
    struct cm_config_choice all[POLICIES_MAX + 1];
    const struct cm_config_choice *policies = all;
    const char *wanted = config->policy;
    char allowed[512] = "", title[CM_CONFIG_TITLE_BYTES];
    size_t used = 0;
    list_policies(all);
    for (; policies->name != NULL; policies++) {
        if (strcmp(wanted, policies->name) == 0)
            return CM_EXIT_OK;
        int added = snprintf(allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "",
                             policies->name);
        if (added > 0 && (size_t)added < sizeof allowed - used)
            used += (size_t)added;
    }
    cm_server_complain("%s: \"%s\" is not one of %s",
                       cm_config_title(config, CM_OPTION_INDEX_policy, title), wanted, allowed);
    return config->places[CM_OPTION_INDEX_policy].origin == CM_CONFIG_FROM_FILE ? CM_EXIT_CONFIG
                                                                                : CM_EXIT_USAGE;
}

static void tell_notes(const struct cm_config_texts *notes) {
    for (size_t i = 0; i < notes->count; i++)
        cm_server_warn("%s", notes->entries[i]);
}

enum cm_exit cm_server_flush_output(void) {
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return CM_EXIT_OK;
    cm_server_complain("cannot write to standard output: %s", strerror(errno));
    return CM_EXIT_CANNOT_WRITE;
}

/* Prints what one of the actions prints; false: none was asked for. */
static bool print(const struct cm_config *config, const struct cm_config_choice *policies) {
    if (config->help)
        cm_config_print_help(stdout, policies);
    else if (config->version)
        puts("cachemand " CACHEMAN_VERSION);
    else if (config->license)
        fputs(CM_LICENSE, stdout);
    else if (config->man)
        cm_config_print_man(stdout, policies);
    else if (config->options_page)
        cm_config_print_options_page(stdout);
    else if (config->sample_config)
        cm_config_print_sample(stdout, policies);
    else
        return false;
    return true;
}

static enum cm_exit act(struct cm_config *config, const struct cm_server_start *start) {
    struct cm_config_choice policies[POLICIES_MAX + 1];
    list_policies(policies);
    if (print(config, policies))
        return cm_server_flush_output();
    if (config->hash_password != NULL)
        return cm_server_hash_password(config->hash_password);
    enum cm_exit result = cm_server_check_policy(config);
    if (result != CM_EXIT_OK)
        return result;
    if (config->print_config) {
        cm_config_print(stdout, config);
        return cm_server_flush_output();
    }
    tell_notes(&config->notes);
    return config->check_config ? cm_server_check(config) : cm_server_run(config, start);
}

void cm_server_tell_faults(const struct cm_config *config, const struct cm_config_error *error) {
    if (config->faults.count == 0)
        cm_server_complain("%s", error->text);
    for (size_t i = 0; i < config->faults.count; i++)
        cm_server_complain("%s", config->faults.entries[i]);
}

int cm_server_main(int argc, char **argv, const struct cm_server_test *test) {
    struct cm_config config;
    struct cm_config_error error;
    const struct cm_command_line line = {.argc = argc,
                                         .argv = argv,
                                         .core_count = cm_os_cpu_count(),
                                         .environment = cm_os_environment(),
                                         .default_file = CM_CONFIG_FILE};
    const struct cm_server_start start = {&line, test};
    enum cm_exit result = CM_EXIT_OK;
    cm_server_start_log();
    if (cm_config_parse(&config, &line, &error) == CM_OK) {
        cm_server_set_log(&config, (uint32_t)config.verbosity);
        result = act(&config, &start);
    } else {
        cm_server_tell_faults(&config, &error);
        if (config.faults.count > 0) /* all that is wrong, this too */
            (void)cm_server_check_policy(&config);
        result = error.in_file ? CM_EXIT_CONFIG : CM_EXIT_USAGE;
    }
    cm_config_deinit(&config);
    return (int)result;
}

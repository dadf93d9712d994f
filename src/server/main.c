/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/os/os.h"
#include "server/internal.h"

#include <cacheman/version.h>
#include <errno.h>
#include <license.h>
#include <stdarg.h>
#include <string.h>

enum { POLICIES_MAX = 32 };

void cm_server_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("cachemand: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* All policies, ended by a NULL name. */
static void list_policies(struct cm_config_choice *policies) {
    size_t count = 0;
    const char *name, *text;
    while (count < POLICIES_MAX && (name = cmstore_policy_name(count, &text)) != NULL)
        policies[count++] = (struct cm_config_choice){name, text};
    policies[count] = (struct cm_config_choice){0};
}

static enum cm_exit check_policy(const char *wanted, const struct cm_config_choice *policies) {
    char allowed[512] = "";
    size_t used = 0;
    for (; policies->name != NULL; policies++) {
        if (wanted == NULL || strcmp(wanted, policies->name) == 0)
            return CM_EXIT_OK;
        int added = snprintf(allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "",
                             policies->name);
        if (added > 0 && (size_t)added < sizeof allowed - used)
            used += (size_t)added;
    }
    cm_server_complain("option --policy: \"%s\" is not one of %s", wanted, allowed);
    return CM_EXIT_USAGE;
}

static void tell_notes(const struct cm_config_texts *notes) {
    for (size_t i = 0; i < notes->count; i++)
        cm_server_complain("%s", notes->entries[i]);
}

enum cm_exit cm_server_flush_output(void) {
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return CM_EXIT_OK;
    cm_server_complain("cannot write to standard output: %s", strerror(errno));
    return CM_EXIT_CANNOT_WRITE;
}

static int act(const struct cm_config *config, const struct cm_server_test *test) {
    struct cm_config_choice policies[POLICIES_MAX + 1];
    list_policies(policies);
    if (config->help)
        cm_config_print_help(stdout, policies);
    else if (config->version)
        puts("cachemand " CACHEMAN_VERSION);
    else if (config->license)
        fputs(CM_LICENSE, stdout);
    else if (config->man)
        cm_config_print_man(stdout, policies);
    else if (config->hash_password != NULL)
        return (int)cm_server_hash_password(config->hash_password);
    else if (check_policy(config->policy, policies) != CM_EXIT_OK)
        return CM_EXIT_USAGE;
    else {
        tell_notes(&config->notes);
        return (int)cm_server_run(config, test);
    }
    return (int)cm_server_flush_output();
}

int cm_server_main(int argc, char **argv, const struct cm_server_test *test) {
    struct cm_config config;
    struct cm_config_error error;
    const struct cm_command_line line = {argc, argv, cm_os_cpu_count()};
    int result = CM_EXIT_USAGE;
    if (cm_config_parse(&config, &line, &error) == CM_OK)
        result = act(&config, test);
    else
        cm_server_complain("%s", error.text);
    cm_config_deinit(&config);
    return result;
}

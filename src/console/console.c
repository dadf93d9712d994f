/* SPDX-License-Identifier: BSD-3-Clause */
#include "console/console.h"

#include "cli/exit.h"
#include <cacheman/version.h>

struct settings {
    bool version;
};

static const struct cm_cli_option options[] = {
    {.name = "version",
     .letter = 'V',
     .kind = CM_CLI_FLAG,
     .offset = offsetof(struct settings, version),
     .text = "print the version and exit"},
};

const struct cm_cli cm_console_cli = {
    .name = "cacheman",
    .operands = "",
    .text = "Talks to cachemand and to memcached.",
    .options = options,
    .count = sizeof options / sizeof options[0],
};

int cm_console_main(char **argv) {
    struct settings settings = {0};
    int status = CM_EXIT_OK;
    int first = cm_cli_read(&cm_console_cli, argv, &settings, &status);
    if (first < 0)
        return status;
    if (!settings.version)
        return cm_cli_usage_error(&cm_console_cli, "nothing to do");
    printf("cacheman %s\n", CACHEMAN_VERSION);
    return CM_EXIT_OK;
}

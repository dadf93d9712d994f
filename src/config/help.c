/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wrap.h"
#include "config/config.h"
#include "config/option.h"

#include <string.h>

static const struct cm_wrap help_column = {.indent = 30, .width = 98};

/* The text and the default that the text does not mention. */
static void print_option(FILE *to, const struct cm_option *option) {
    char line[768];
    int used = 0;
    if (option->letter != 0)
        used = snprintf(line, sizeof line, "  -%c, --%s", option->letter, option->name);
    else
        used = snprintf(line, sizeof line, "      --%s", option->name);
    if (option->argument != NULL)
        used += snprintf(line + used, sizeof line - (size_t)used,
                         *option->argument == '[' ? " %s" : "=%s", option->argument);
    fputs(line, to);
    char text[768];
    if (option->initial != NULL)
        snprintf(text, sizeof text, "%s (default: %s)", option->text, option->initial);
    else if (cm_option_is_nothing(option))
        snprintf(text, sizeof text, "accepted, has no effect: %s", option->text);
    else
        snprintf(text, sizeof text, "%s", option->text);
    cm_print_wrapped(to, &help_column, (size_t)used, text);
}

void cm_config_print_help(FILE *to, const struct cm_config_choice *policies) {
    fputs("usage: cachemand [options]\n\n"
          "A cache server that speaks memcached's protocols and a part of Redis'.\n\n",
          to);
    for (size_t i = 0; i < CM_OPTIONS; i++) {
        if (cm_options[i].text != NULL)
            print_option(to, &cm_options[i]);
    }
    fputs("\nMost of them may also be given in " CM_CONFIG_FILE ",\n"
          "as in memory-limit = 64, and in the environment, as in " CM_CONFIG_VARIABLE
          "MEMORY_LIMIT=64.\n",
          to);
    fputs("\nEviction policies (--policy); the first is the default:\n", to);
    for (; policies->name != NULL; policies++) {
        size_t column = (size_t)fprintf(to, "  %s", policies->name);
        cm_print_wrapped(to, &help_column, column, policies->text);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/roff.h"

void cm_roff_text(FILE *to, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\')
            fputs("\\e", to);
        else if (*at == '-')
            fputs("\\-", to);
        else if ((*at == '.' || *at == '\'') && at == text)
            fprintf(to, "\\&%c", *at);
        else
            fputc(*at, to);
    }
}

void cm_roff_option(FILE *to, const struct cm_roff_option *option) {
    fputs("\\fB", to);
    cm_roff_text(to, option->dashes);
    cm_roff_text(to, option->name);
    fputs("\\fR", to);
    if (option->argument != NULL)
        fprintf(to, "%s\\fI%s\\fR",
                option->dashes[1] == '-' && *option->argument != '[' ? "=" : " ", option->argument);
}

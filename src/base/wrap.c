/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wrap.h"

#include <string.h>

void cm_print_wrapped(FILE *to, const struct cm_wrap *wrap, size_t column, const char *text) {
    if (column > 0 && column >= wrap->indent) {
        fputc('\n', to);
        column = 0;
    }
    fprintf(to, "%*s", (int)(wrap->indent - column), "");
    column = wrap->indent;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > wrap->indent && column + 1 + word > wrap->width) {
            fprintf(to, "\n%*s", (int)wrap->indent, "");
            column = wrap->indent;
        } else if (column > wrap->indent) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)word, text);
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', to);
}

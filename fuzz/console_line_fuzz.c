/* SPDX-License-Identifier: BSD-3-Clause */

/* Any line of the console: it is cut into words or refused, and a word written as the console shows
 * it is read back as it was. */
#include "base/check.h"
#include "cli/safe.h"
#include "console/commands.h"
#include "console/glob.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(struct cm_slice word) {
    char *text = NULL;
    size_t bytes = 0;
    struct cm_line line;
    struct cm_line_error error;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        return;
    (void)cm_safe_print_quoted(to, word, 0);
    fclose(to);
    CM_CHECK(cm_line_parse(cm_slice(text, bytes), &line, &error) == CM_OK);
    CM_CHECK(line.count == 1 && cm_slice_equal(line.words[0].bytes, word));
    cm_line_deinit(&line);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cm_line line;
    struct cm_line_error error;
    struct cm_args args;
    char why[CM_WHY_BYTES];
    if (cm_line_parse(cm_slice(data, size), &line, &error) != CM_OK) {
        CM_CHECK(error.text[0] != '\0' && error.column <= size + 1);
        return 0;
    }
    for (size_t i = 0; i < line.count; i++)
        read_back(line.words[i].bytes);
    if (line.count > 1)
        (void)cm_glob_match(line.words[0].bytes, line.words[1].bytes);
    const struct cm_command *command =
        line.count == 0 ? NULL : cm_command_find(line.words[0].bytes);
    if (command != NULL && cm_args_read(command, &line, &args, why))
        free(args.operands);
    if (command == NULL && line.count > 0)
        (void)cm_command_guess(line.words[0].bytes);
    cm_line_deinit(&line);
    return 0;
}

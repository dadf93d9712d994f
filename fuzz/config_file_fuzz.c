/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/check.h"
#include "config/change.h"
#include "config/file.h"

#include <stdlib.h>

/* A configuration file: refused with a reason, or read into a configuration that is the same again
 * once it has been printed and read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PRINTED_BYTES = 1 << 20 };

/* Whether it makes sense. */
static bool read_text(struct cm_config *config, struct cm_slice text) {
    struct cm_config_error error;
    const struct cm_command_line line = {.core_count = 1};
    struct cm_config_parse parse = {.config = config, .error = &error, .line = &line};
    CM_CHECK(cm_config_begin(&parse) == CM_OK);
    config->file = "file";
    parse.place.origin = CM_CONFIG_FROM_FILE;
    CM_CHECK(cm_config_read_text(&parse, text) == CM_OK);
    for (size_t i = 0; i + 1 < config->faults.count; i++)
        CM_CHECK(memcmp(config->faults.entries[i], "file:", 5) == 0);
    if (config->faults.count > 0)
        return false;
    enum cm_status status = cm_config_settle(&parse);
    CM_CHECK(status == CM_OK || memcmp(error.text, "file:", 5) == 0);
    return status == CM_OK;
}

static struct cm_slice print(const struct cm_config *config, char *to) {
    FILE *file = fmemopen(to, PRINTED_BYTES, "w");
    CM_CHECK(file != NULL);
    cm_config_print(file, config);
    long bytes = ftell(file);
    CM_CHECK(bytes > 0 && fclose(file) == 0);
    to[bytes] = '\0';
    return cm_slice(to, (size_t)bytes);
}

static void check_same(const struct cm_config *config) {
    static char printed[PRINTED_BYTES];
    struct cm_config again;
    struct cm_slice text = print(config, printed);
    /* Not what cannot be folded, or must not be shown. */
    bool whole = strstr(printed, "a file cannot hold its value") == NULL &&
                 strstr(printed, "without its options") == NULL;
    CM_CHECK(read_text(&again, text) || !whole);
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (cm_config_is_of_files(index) && config->unix_path == NULL && whole)
            CM_CHECK(!cm_config_differs(config, &again, index));
    }
    cm_config_deinit(&again);
}

/* Set at run time, twice, it is the same; taken back, it is gone. */
static void check_set(struct cm_slice text) {
    static const char *const words[] = {"cachemand", "--config=", NULL};
    struct cm_config in_force, fresh, again;
    struct cm_config_error error;
    struct cm_command_line line = {
        .argc = 2, .argv = (char **)(uintptr_t)words, .core_count = 1, .in_force = &in_force};
    const struct cm_config_setting setting = {.line = &line, .by = "fuzz", .text = text};
    const struct cm_command_line bare = {
        .argc = 2, .argv = (char **)(uintptr_t)words, .core_count = 1};
    CM_CHECK(cm_config_parse(&in_force, &bare, &error) == CM_OK);
    if (cm_config_set_over(&fresh, &setting, &error) == CM_OK) {
        line.in_force = &fresh;
        CM_CHECK(cm_config_set_over(&again, &setting, &error) == CM_OK);
        for (int i = 0; i < CM_OPTIONS; i++)
            CM_CHECK(!cm_config_differs(&fresh, &again, (enum cm_config_index)i));
        cm_config_deinit(&again);
        CM_CHECK(cm_config_take_back(&again, &setting, NULL, &error) == CM_OK);
        for (int i = 0; i < CM_OPTIONS; i++)
            CM_CHECK(!cm_config_differs(&in_force, &again, (enum cm_config_index)i));
        cm_config_deinit(&again);
    }
    cm_config_deinit(&fresh);
    cm_config_deinit(&in_force);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cm_config config;
    check_set(cm_slice(data, size));
    if (read_text(&config, cm_slice(data, size)))
        check_same(&config);
    cm_config_deinit(&config);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/text.h"
#include "config/change.h"
#include "config/internal.h"

#include <string.h>

/* The configuration for programs. */

enum { VALUE_BYTES = 8192 };

static enum cm_status put_member(struct cm_buf *to, const char *name, const char *value) {
    enum cm_status status = cm_text_quote(to, cm_slice(name, strlen(name)));
    if (status == CM_OK)
        status = cm_buf_append(to, CM_SLICE(": "));
    return status == CM_OK ? cm_text_quote(to, cm_slice(value, strlen(value))) : status;
}

static enum cm_status put_option(struct cm_buf *to, const struct cm_config *config,
                                 enum cm_config_index index) {
    char value[VALUE_BYTES], origin[CM_CONFIG_TITLE_BYTES], allowed[CM_OPTION_DESCRIPTION_BYTES];
    const struct cm_option *option = &cm_options[index];
    cm_config_value(config, index, value, sizeof value);
    (void)cm_config_hide_secret(index, value);
    const struct {
        const char *name, *value;
    } members[] = {
        {"name", option->name},
        {"value", value},
        {"from", cm_config_origin(config, index, origin)},
        {"scope", cm_config_is_live(index) ? "live" : "restart"},
        {"text", option->text},
        {"allowed", cm_option_describe(option, allowed, sizeof allowed)},
    };
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < sizeof members / sizeof members[0] && status == CM_OK; i++) {
        status = cm_buf_append(to, i == 0 ? CM_SLICE("{") : CM_SLICE(", "));
        if (status == CM_OK)
            status = put_member(to, members[i].name, members[i].value);
    }
    return status == CM_OK ? cm_buf_append(to, CM_SLICE("}")) : status;
}

enum cm_status cm_config_put_json(struct cm_buf *to, const struct cm_config *config) {
    enum cm_status status = CM_OK;
    bool is_first = true;
    for (int i = 0; i < CM_OPTIONS && status == CM_OK; i++) {
        if (!cm_config_is_of_files((enum cm_config_index)i))
            continue;
        status = cm_buf_append(to, is_first ? CM_SLICE("[\n  ") : CM_SLICE(",\n  "));
        if (status == CM_OK)
            status = put_option(to, config, (enum cm_config_index)i);
        is_first = false;
    }
    return status == CM_OK ? cm_buf_append(to, CM_SLICE("\n]\n")) : status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "server/internal.h"

/* The users of --auth-file. */

enum cm_exit cm_server_load_users(struct cm_server *server) {
    const char *path = server->config->auth_file;
    struct cm_auth_error error;
    char title[CM_CONFIG_TITLE_BYTES];
    if (path == NULL)
        return CM_EXIT_OK;
    if (cm_auth_create(&server->auth) != CM_OK) {
        cm_server_complain("cannot start: no memory or no randomness for logins");
        return CM_EXIT_SYSTEM;
    }
    if (cm_auth_load(server->auth, path, &error) != CM_OK) {
        cm_server_complain("%s: %s",
                           cm_config_title(server->config, CM_OPTION_INDEX_auth_file, title),
                           error.text);
        return CM_EXIT_CONFIG;
    }
    return CM_EXIT_OK;
}

bool cm_server_reload_users(struct cm_server *server, const struct cm_config *config) {
    struct cm_auth_error error;
    char title[CM_CONFIG_TITLE_BYTES];
    bool read = cm_auth_load(server->auth, config->auth_file, &error) == CM_OK;
    if (read)
        cm_server_tell("users read again: %zu", cm_auth_user_count(server->auth));
    else
        cm_server_complain("%s: %s; the users stay as they were",
                           cm_config_title(config, CM_OPTION_INDEX_auth_file, title), error.text);
    return read;
}

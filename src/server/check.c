/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "server/internal.h"
#include "tls/tls.h"

enum cm_exit cm_server_check(struct cm_config *config) {
    struct cm_server server = {.config = config};
    enum cm_exit result = cm_server_load_users(&server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_certs(&server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_token(&server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_admin_tls(&server);
    if (result == CM_EXIT_OK)
        result = cm_server_check_cluster(config);
    cm_auth_destroy(server.auth);
    cm_tls_context_destroy(server.tls);
    cm_admin_token_destroy(server.pages.token);
    cm_server_drop_admin_tls(&server.pages.tls);
    if (result != CM_EXIT_OK)
        return result;
    puts("the configuration is good");
    return cm_server_flush_output();
}

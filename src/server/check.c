/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "server/internal.h"
#include "tls/tls.h"

/* What is wrong with a file goes before what is with the command line, as for the options. */
static void add(enum cm_exit *result, enum cm_exit found) {
    if (*result == CM_EXIT_OK || found == CM_EXIT_CONFIG)
        *result = found;
}

/* The same files serve both: what is wrong with them is said once. */
static enum cm_exit check_certs(struct cm_server *server) {
    enum cm_exit result = cm_server_load_certs(server);
    return result == CM_EXIT_OK ? cm_server_load_admin_tls(server) : result;
}

enum cm_exit cm_server_check(struct cm_config *config) {
    struct cm_server server = {.config = config};
    enum cm_exit result = cm_server_load_users(&server);
    add(&result, check_certs(&server));
    add(&result, cm_server_load_token(&server));
    add(&result, cm_server_check_reach(config));
    add(&result, cm_server_check_cluster(config));
    add(&result, cm_server_check_pid_file(config));
    cm_auth_destroy(server.auth);
    cm_tls_context_destroy(server.tls);
    cm_admin_token_destroy(server.pages.token);
    cm_server_drop_admin_tls(&server.pages.tls);
    if (result != CM_EXIT_OK)
        return result;
    puts("the configuration is good");
    return cm_server_flush_output();
}

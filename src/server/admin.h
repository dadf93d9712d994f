/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_ADMIN_H
#define CM_SERVER_ADMIN_H

/* The pages of --admin. */

#include "admin/port.h"
#include "config/config.h"
#include "net/net.h"
#include "server/server.h"

struct cm_server;

struct cm_server_pem {
    char *text; /* owned; NULL: none */
    size_t bytes;
};

struct cm_server_admin_tls {
    struct cm_server_pem cert, key, ca;
    bool only_1_3;
};

struct cm_server_pages {
    struct cm_net_opened opened;  /* its socket is NONE once somebody else has it */
    struct cm_admin_token *token; /* NULL: none is asked for */
    uv_mutex_t lock; /* of the next two, from the start on; before the configuration's */
    struct cm_server_admin_tls tls;
    struct cm_admin_port *port; /* NULL: there are no pages */
    struct cm_stats_source stats;
    char host[CM_CONFIG_HOST_BYTES]; /* of --admin */
};

/* USAGE, CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_load_token(struct cm_server *server);
void cm_server_reload_token(struct cm_server *server);
/* As far as can be told without opening anything: no name is looked up. */
enum cm_exit cm_server_check_reach(const struct cm_config *config);
enum cm_exit cm_server_open_admin(struct cm_server *server);  /* as root, perhaps */
enum cm_exit cm_server_start_admin(struct cm_server *server); /* in the sandbox */
void cm_server_tick_admin(struct cm_server *server);          /* once a second */
void cm_server_stop_admin(struct cm_server *server);

/* admin_tls.c: the certificates of --admin-tls. CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_load_admin_tls(struct cm_server *server);
struct cm_admin_tls cm_server_admin_tls_of(const struct cm_server *server);
bool cm_server_has_admin_tls(const struct cm_server *server);
/* Any thread. False, after a message: they stay as they were. */
bool cm_server_renew_admin_tls(struct cm_server *server);
void cm_server_drop_admin_tls(struct cm_server_admin_tls *tls);

#endif

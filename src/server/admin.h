/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_ADMIN_H
#define CM_SERVER_ADMIN_H

/* The pages of --admin. */

#include "admin/port.h"
#include "config/config.h"
#include "net/net.h"
#include "server/server.h"

struct cm_server;

struct cm_server_pages {
    struct cm_net_opened opened;  /* its socket is NONE once somebody else has it */
    struct cm_admin_token *token; /* NULL: none is asked for */
    struct cm_admin_port *port;   /* NULL: there are no pages */
    struct cm_stats_source stats;
    char host[CM_CONFIG_HOST_BYTES]; /* of --admin */
};

/* USAGE, CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_load_token(struct cm_server *server);
void cm_server_reload_token(struct cm_server *server);
enum cm_exit cm_server_open_admin(struct cm_server *server);  /* as root, perhaps */
enum cm_exit cm_server_start_admin(struct cm_server *server); /* in the sandbox */
void cm_server_stop_admin(struct cm_server *server);

#endif

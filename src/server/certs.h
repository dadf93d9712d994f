/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_CERTS_H
#define CM_SERVER_CERTS_H

#include "config/config.h"
#include "server/server.h"

struct cm_server;
struct cm_tls_report;

/* tls.c: the certificates of -Z. CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_load_certs(struct cm_server *server);
/* With the options that are in force now. False, after a message: all stays as it was. The first
 * changes nothing at all. */
bool cm_server_check_certs(struct cm_server *server);
bool cm_server_change_certs(struct cm_server *server);
/* Any thread. False, after a message: they stay as they were. */
bool cm_server_reload_certs(struct cm_server *server);
/* Says what is wrong, where that was named, and `then`; `ca` is the option of the authorities. USAGE,
 * CONFIG or SYSTEM. */
enum cm_exit cm_server_refuse_tls(const struct cm_config *config, enum cm_config_index ca,
                                  const struct cm_tls_report *report, const char *then);

#endif

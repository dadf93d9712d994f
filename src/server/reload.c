/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/internal.h"

void cm_server_reload(struct cm_server *server) {
    (void)cm_server_reload_certs(server);
    cm_server_reload_users(server);
}

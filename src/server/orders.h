/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_ORDERS_H
#define CM_SERVER_ORDERS_H

/* What clients of the cache change by commands: done already by the worker, but for the stop; told of,
 * and noted in the configuration, by the main thread. */

#include "config/config.h"
#include <uv.h>

struct cm_server;

enum cm_server_order {
    CM_SERVER_ORDER_MEMORY,
    CM_SERVER_ORDER_POLICY,
    CM_SERVER_ORDER_VERBOSITY,
    CM_SERVER_ORDER_STOP,
    CM_SERVER_ORDERS
};

struct cm_server_orders {
    char by[CM_SERVER_ORDERS][CM_CONFIG_BY_BYTES]; /* the last one's; "": there is none. Under the
                                                      configuration's lock */
    uv_async_t wake;
};

/* Once there is a loop. False: the system refuses. */
bool cm_server_open_orders(struct cm_server *server);
/* Of the client with that descriptor (command/control.h). Any thread. */
void cm_server_order(struct cm_server *server, enum cm_server_order order, int64_t client);
/* Notes those that there are: who is about to change settings sees what is in force. */
void cm_server_take_orders(struct cm_server *server);
/* Once there are no workers. The loop closes the handle. */
void cm_server_close_orders(struct cm_server *server);

#endif

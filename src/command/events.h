/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_COMMAND_EVENTS_H
#define CM_COMMAND_EVENTS_H

#include "command/command.h"
#include "command/watch.h"

/* What happens, spelled for those who watch, as memcached does. Ask cm_watch_wants() first. */

/* type=item_get: an item was looked for, and so found. */
void cm_events_got(const struct cm_command *command, const struct cm_op *op,
                   const struct cmstore_item *item);
/* Likewise, before an op that will not describe what it finds; memcached fetches first, too. */
void cm_events_look(const struct cm_command *command, const struct cm_op *op);

/* type=item_store: what came of storing. `stored` is zero where the store was not asked or
 * refused. */
void cm_events_stored(const struct cm_command *command, const struct cm_op *op,
                      enum cm_outcome outcome, const struct cmstore_stored *stored);
/* The same for an arith that created its item. */
void cm_events_created(const struct cm_command *command, const struct cm_op *op,
                       const struct cmstore_number *number);

/* type=deleted */
void cm_events_deleted(const struct cm_command *command, const struct cm_op *op,
                       const struct cmstore_item *item);

/* type=eviction: the store's hook; `watch` is a struct cm_watch. */
void cm_events_on_evict(void *watch, const struct cmstore_evicted *evicted);

/* Somebody at the other end of a connection. */
struct cm_events_peer {
    const char *host;      /* an address, "unix" without one */
    uint16_t port;         /* 0 without one */
    const char *transport; /* tcp, udp, local */
    int64_t descriptor;
};

/* type=conn_new, conn_close. `reason`: error, normal, idle_timeout, shutdown. */
void cm_events_opened(struct cm_watch *watch, const struct cm_events_peer *peer);
void cm_events_closed(struct cm_watch *watch, const struct cm_events_peer *peer,
                      const char *reason);

#endif

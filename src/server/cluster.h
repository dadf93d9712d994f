/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_CLUSTER_H
#define CM_SERVER_CLUSTER_H

#include "etcd/etcd.h"
#include <uv.h>

/* What `config get cluster` answers: made by the main thread, read by workers. */
struct cm_cluster_listing {
    uv_mutex_t lock;
    bool has_lock;
    char *text; /* owned; NULL: this server does not know how it is called */
    uint64_t version;
    struct cm_cluster_error problem; /* of the file, as told to people last */
};

/* A server among others: how it is called, and what etcd knows. The main thread's, but for `news`,
 * which etcd's thread sends. */
struct cm_cluster_place {
    char *name;           /* how clients reach this server, HOST:PORT; owned; NULL: unknown */
    struct cm_etcd *etcd; /* NULL: without --join */
    uv_async_t news;
    uv_timer_t farewell;
    bool has_handles, is_leaving, is_stopping;
    bool was_registered, was_wrong; /* as told to people last */
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/internal.h"

#include "base/hash.h"
#include <stdlib.h>

/* Where the members of the cluster are written down: in the connection string, a file, or etcd. */

#define PATH_BYTES 4096

/* ---- a file ---- */

static enum cm_status find_path(struct cacheman *client, const struct cm_where *where,
                                struct cm_cluster_error *error) {
    char path[PATH_BYTES];
    enum cm_status status = cm_where_path(where, path, sizeof path, error);
    if (status != CM_OK)
        return status;
    client->path = strdup(path);
    return client->path == NULL ? CM_NO_MEMORY : CM_OK;
}

/* ---- etcd ---- */

static void on_change(void *context) {
    cm_client_wake(context);
}

static enum cm_status open_etcd(struct cacheman *client, const struct cm_where *where,
                                struct cm_cluster_error *error) {
    struct cm_cluster cluster; /* its settings alone */
    cm_cluster_init(&cluster);
    enum cm_status status = cm_cluster_add_options(&cluster, where, error);
    const struct cm_etcd_options options = {
        .where = where,
        .settings = &cluster.settings,
        .first_ms = (uint32_t)cluster.settings.connect_timeout,
        .on_change = on_change,
        .context = client,
    };
    if (status == CM_OK)
        status = cm_etcd_open(&options, &client->etcd, error);
    if (status == CM_OK)
        status = cm_etcd_await(client->etcd, options.first_ms, error);
    return status;
}

bool cm_client_etcd_has_changed(struct cacheman *client) {
    struct cm_etcd_state state;
    if (client->etcd == NULL)
        return false;
    cm_etcd_read_state(client->etcd, &state);
    const bool has_changed = state.changes != client->etcd_changes;
    client->etcd_changes = state.changes;
    return has_changed;
}

/* ---- all of them ---- */

enum cm_status cm_client_find(struct cacheman *client, struct cm_cluster_error *error) {
    struct cm_where where;
    cm_where_split(client->where, &where);
    switch (where.kind) {
    case CM_WHERE_FILE:
        return find_path(client, &where, error);
    case CM_WHERE_ETCD:
        return open_etcd(client, &where, error);
    case CM_WHERE_SERVERS:
        break;
    }
    return CM_OK;
}

enum cm_status cm_client_read(struct cacheman *client, struct cm_cluster *cluster,
                              struct cm_cluster_error *error) {
    struct cm_where where;
    enum cm_status status;
    cm_where_split(client->where, &where);
    if (client->path != NULL)
        status = cm_cluster_read_file(cluster, client->path, error);
    else if (client->etcd != NULL)
        status = cm_etcd_add_members(client->etcd, cluster, error);
    else
        status = cm_cluster_add_servers(cluster, &where, error);
    if (status == CM_OK)
        status = cm_cluster_add_options(cluster, &where, error);
    return status == CM_OK ? cm_cluster_settle(cluster, error) : status;
}

uint64_t cm_client_hash(const struct cm_cluster *cluster) {
    uint64_t hash = cm_hash(&cluster->settings, sizeof cluster->settings, 0);
    for (size_t i = 0; i < cluster->count; i++) {
        const struct cm_member *member = &cluster->members[i];
        hash = cm_hash(member->name, strlen(member->name), hash);
        hash = cm_hash(&member->weight, sizeof member->weight, hash);
    }
    return hash;
}

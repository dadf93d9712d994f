/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "base/os/os.h"
#include "server/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The servers of the cluster, for clients that ask any of them, in ElastiCache's form:
 *
 *     VERSION\n
 *     HOST|ADDRESS|PORT HOST|ADDRESS|PORT ...\n
 *
 * Clients connect to the address if there is one, otherwise to the host; some to the address only.
 * A name is therefore both: the client's own resolver knows it. Unix sockets are left out. */

#define DIGITS 24

/* ---- the text ---- */

static enum cm_status put_server(struct cm_buf *text, const struct cm_member *member) {
    char port[DIGITS];
    const struct cm_slice host = cm_slice(member->host, strlen(member->host));
    const int bytes = snprintf(port, sizeof port, "|%u", (unsigned)member->port);
    enum cm_status status = cm_buf_len(text) > 0 ? cm_buf_append(text, CM_SLICE(" ")) : CM_OK;
    if (status == CM_OK)
        status = cm_buf_append(text, host);
    if (status == CM_OK)
        status = cm_buf_append(text, CM_SLICE("|"));
    if (status == CM_OK)
        status = cm_buf_append(text, host);
    return status == CM_OK ? cm_buf_append(text, cm_slice(port, (size_t)bytes)) : status;
}

/* Without its version; NULL: there is no memory, or nothing to list. */
static char *make_text(const struct cm_cluster *cluster) {
    struct cm_buf text = {0};
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < cluster->count && status == CM_OK; i++) {
        if (cluster->members[i].port != 0)
            status = put_server(&text, &cluster->members[i]);
    }
    if (status == CM_OK && cm_buf_len(&text) > 0)
        status = cm_buf_append(&text, cm_slice("\n", 2)); /* and a zero */
    if (status == CM_OK && cm_buf_len(&text) > 0)
        return text.data; /* nothing was consumed: it is the memory's beginning */
    cm_buf_deinit(&text);
    return NULL;
}

/* Versions grow over restarts, too, and clients that ask one server after another see about the
 * same: they are seconds, or one more than the last. */
static void replace(struct cm_cluster_listing *listing, char *text) {
    const uint64_t now_s = (uint64_t)cm_os_wall_s();
    if (text == NULL || (listing->text != NULL && strcmp(text, listing->text) == 0)) {
        free(text);
        return;
    }
    uv_mutex_lock(&listing->lock);
    free(listing->text);
    listing->text = text;
    listing->version = now_s > listing->version ? now_s : listing->version + 1;
    uv_mutex_unlock(&listing->lock);
}

void cm_server_put_listing(struct cm_server *server, struct cm_stat_sink *sink) {
    struct cm_cluster_listing *listing = &server->listing;
    struct cm_buf all = {0};
    char version[DIGITS];
    uv_mutex_lock(&listing->lock);
    const int bytes = snprintf(version, sizeof version, "%" PRIu64 "\n", listing->version);
    if (listing->text != NULL && cm_buf_append(&all, cm_slice(version, (size_t)bytes)) == CM_OK &&
        cm_buf_append(&all, cm_slice(listing->text, strlen(listing->text))) == CM_OK)
        sink->line(sink, CM_SLICE("cluster"), cm_buf_slice(&all));
    uv_mutex_unlock(&listing->lock);
    cm_buf_deinit(&all);
}

/* ---- where it comes from ---- */

static enum cm_status read_cluster(struct cm_server *server, struct cm_cluster *cluster,
                                   struct cm_cluster_error *error) {
    const struct cm_cluster_place *place = &server->place;
    enum cm_status status = CM_OK;
    if (server->config->cluster != NULL)
        status = cm_cluster_read_file(cluster, server->config->cluster, error);
    else if (place->etcd != NULL)
        status = cm_etcd_add_members(place->etcd, cluster, error);
    if (status != CM_OK || cluster->count > 0 || place->name == NULL)
        return status;
    return cm_cluster_add_member(cluster, cm_slice(place->name, strlen(place->name)), 1, error);
}

static enum cm_status renew(struct cm_server *server, struct cm_cluster_error *error) {
    struct cm_cluster cluster;
    *error = (struct cm_cluster_error){0};
    cm_cluster_init(&cluster);
    const enum cm_status status = read_cluster(server, &cluster, error);
    if (status == CM_OK)
        replace(&server->listing, make_text(&cluster));
    cm_cluster_deinit(&cluster);
    return status;
}

static void complain(const char *what, const struct cm_cluster_error *error, const char *end) {
    if (error->line > 0)
        cm_server_warn("%sline %zu: %s%s", what, error->line, error->text, end);
    else
        cm_server_warn("%s%s%s", what, error->text, end);
}

void cm_server_renew_listing(struct cm_server *server) {
    struct cm_cluster_listing *listing = &server->listing;
    struct cm_cluster_error error;
    (void)!renew(server, &error);
    if (error.text[0] != '\0' && strcmp(error.text, listing->problem.text) != 0)
        complain("the cluster file: ", &error, "; the servers listed stay as they were");
    listing->problem = error;
}

enum cm_exit cm_server_open_listing(struct cm_server *server) {
    struct cm_cluster_error error;
    char title[CM_CONFIG_TITLE_BYTES], before[CM_CONFIG_TITLE_BYTES + 2];
    server->listing.has_lock = uv_mutex_init(&server->listing.lock) == 0;
    if (!server->listing.has_lock)
        return CM_EXIT_SYSTEM;
    if (renew(server, &error) == CM_OK)
        return CM_EXIT_OK;
    snprintf(before, sizeof before,
             "%s: ", cm_config_title(server->config, CM_OPTION_INDEX_cluster, title));
    complain(before, &error, "");
    return CM_EXIT_CONFIG;
}

void cm_server_close_listing(struct cm_server *server) {
    if (server->listing.has_lock)
        uv_mutex_destroy(&server->listing.lock);
    server->listing.has_lock = false;
    free(server->listing.text);
    server->listing.text = NULL;
}

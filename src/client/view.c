/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/view.h"

#include <stdlib.h>

#define NS_PER_MS 1000000u

static struct cm_server *find_server(const struct cm_view *view, const char *name) {
    for (size_t i = 0; view != NULL && i < view->server_count; i++) {
        if (strcmp(view->servers[i]->name, name) == 0)
            return view->servers[i];
    }
    return NULL;
}

void cm_view_release(struct cm_view *view) {
    if (view == NULL || atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < view->server_count; i++)
        cm_server_release(view->servers[i]);
    free(view->servers);
    free(view->weights);
    free(view->spoiled);
    free(view->previous_places);
    cm_ring_destroy(view->ring);
    cm_ring_destroy(view->previous);
    free(view);
}

/* An empty view with room for `server_count` servers. */
static struct cm_view *make(const struct cm_settings *settings, size_t server_count) {
    struct cm_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    atomic_init(&view->references, 1);
    view->settings = *settings;
    view->servers = calloc(server_count, sizeof(struct cm_server *));
    view->weights = calloc(server_count, sizeof *view->weights);
    view->spoiled = calloc(server_count, sizeof *view->spoiled);
    if (view->servers == NULL || view->weights == NULL || view->spoiled == NULL) {
        cm_view_release(view);
        return NULL;
    }
    return view;
}

static void add_server(struct cm_view *view, struct cm_server *server, uint32_t weight) {
    view->weights[view->server_count] = weight;
    view->servers[view->server_count++] = server;
}

static enum cm_status add_members(struct cm_view *view, const struct cm_cluster *cluster,
                                  const struct cm_view *old, struct cm_tls_context *tls) {
    for (size_t i = 0; i < cluster->count; i++) {
        const struct cm_member *member = &cluster->members[i];
        struct cm_server *server = find_server(old, member->name);
        if (server != NULL)
            cm_server_hold(server);
        else if (cm_server_create(member, tls, &server) != CM_OK)
            return CM_NO_MEMORY;
        add_server(view, server, member->weight);
    }
    view->member_count = view->server_count;
    return CM_OK;
}

enum cm_status cm_view_ring(const struct cm_view *of, enum cm_distribution distribution,
                            struct cm_ring **out) {
    struct cm_ring_member *members = malloc(of->member_count * sizeof *members);
    if (members == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < of->member_count; i++)
        members[i] = (struct cm_ring_member){of->servers[i]->name, of->servers[i]->host,
                                             of->servers[i]->port, of->weights[i]};
    enum cm_status status = cm_ring_create(distribution, members, of->member_count, out);
    free(members);
    return status;
}

static enum cm_status make_ring(const struct cm_view *of, struct cm_ring **out) {
    return cm_view_ring(of, (enum cm_distribution)of->settings.distribution, out);
}

static uint32_t place_of(const struct cm_view *view, const struct cm_server *server) {
    uint32_t place = 0;
    while (place < view->server_count && view->servers[place] != server)
        place++;
    return place;
}

/* Remembers the ring of `old`; servers that are members no more are added as leaving. */
static enum cm_status remember(struct cm_view *view, const struct cm_view *old) {
    view->previous_places = malloc(old->member_count * sizeof *view->previous_places);
    if (view->previous_places == NULL || make_ring(old, &view->previous) != CM_OK)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < old->member_count; i++) {
        const uint32_t place = place_of(view, old->servers[i]);
        if (place == view->server_count) {
            cm_server_hold(old->servers[i]);
            add_server(view, old->servers[i], old->weights[i]);
        }
        view->previous_places[i] = place;
    }
    view->previous_count = old->member_count;
    view->warm_until_ns = cm_os_monotonic_ns() + (uint64_t)view->settings.warmup * NS_PER_MS;
    return CM_OK;
}

enum cm_status cm_view_create(const struct cm_cluster *cluster, const struct cm_view *old,
                              struct cm_tls_context *tls, struct cm_view **out) {
    const size_t room = cluster->count + (old == NULL ? 0 : old->member_count);
    struct cm_view *view = make(&cluster->settings, room);
    if (view == NULL)
        return CM_NO_MEMORY;
    enum cm_status status = add_members(view, cluster, old, tls);
    if (status == CM_OK)
        status = make_ring(view, &view->ring);
    if (status == CM_OK && old != NULL && view->settings.warmup > 0)
        status = remember(view, old);
    if (status != CM_OK) {
        cm_view_release(view);
        return status;
    }
    *out = view;
    return CM_OK;
}

enum cm_status cm_view_settle(const struct cm_view *old, struct cm_view **out) {
    struct cm_view *view = make(&old->settings, old->member_count);
    if (view == NULL)
        return CM_NO_MEMORY;
    for (size_t i = 0; i < old->member_count; i++) {
        cm_server_hold(old->servers[i]);
        add_server(view, old->servers[i], old->weights[i]);
    }
    view->member_count = view->server_count;
    if (make_ring(view, &view->ring) != CM_OK) {
        cm_view_release(view);
        return CM_NO_MEMORY;
    }
    *out = view;
    return CM_OK;
}

size_t cm_view_previous(const struct cm_view *view, struct cm_slice key, uint64_t now_ns) {
    if (view->previous == NULL || now_ns >= view->warm_until_ns)
        return CM_VIEW_NOWHERE;
    const size_t place = view->previous_places[cm_ring_pick(view->previous, key)];
    return atomic_load_explicit(&view->spoiled[place], memory_order_relaxed) ? CM_VIEW_NOWHERE
                                                                             : place;
}

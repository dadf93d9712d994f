/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/internal.h"

#include "tls/client.h"

#include <cacheman/version.h>
#include <stdio.h>
#include <stdlib.h>

struct cacheman_bytes cacheman_text(const char *text) {
    return cacheman_bytes(text, strlen(text));
}

const char *cacheman_library_version(void) {
    return CACHEMAN_VERSION;
}

struct cm_view *cm_client_view(struct cacheman *client) {
    cm_os_mutex_lock(&client->lock);
    struct cm_view *view = client->view;
    cm_view_hold(view);
    cm_os_mutex_unlock(&client->lock);
    return view;
}

void cm_client_wake(struct cacheman *client) {
    cm_os_mutex_lock(&client->lock);
    client->is_woken = true;
    cm_os_cond_signal(&client->wake);
    cm_os_mutex_unlock(&client->lock);
}

/* ---- opening ---- */

static const char *given(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

static enum cm_status open_tls(struct cacheman *client, const struct cm_settings *settings,
                               struct cm_cluster_error *error) {
    struct cm_tls_report report;
    const struct cm_tls_client_options options = {
        .ca_file = given(settings->tls_ca),
        .cert_file = given(settings->tls_cert),
        .key_file = given(settings->tls_key),
        .any_server = settings->tls == CM_TLS_ANY,
    };
    if (settings->tls == CM_TLS_OFF)
        return CM_OK;
    enum cm_status status = cm_tls_client_context_create(&options, &client->tls, &report);
    if (status != CM_OK)
        snprintf(error->text, sizeof error->text, "%.250s", report.error);
    return status;
}

static enum cm_status open_view(struct cacheman *client, struct cm_cluster_error *error) {
    struct cm_cluster cluster;
    cm_cluster_init(&cluster);
    enum cm_status status = cm_client_read(client, &cluster, error);
    if (status == CM_OK)
        status = open_tls(client, &cluster.settings, error);
    if (status == CM_OK)
        status = cm_view_create(&cluster, NULL, client->tls, &client->view);
    client->file_hash = cm_client_hash(&cluster);
    cm_cluster_deinit(&cluster);
    return status;
}

/* Names are looked up by the keeper; what comes right after opening would not find them yet. */
static void await_names(struct cacheman *client) {
    const uint64_t now_ns = cm_os_monotonic_ns();
    const uint64_t wait_ms = (uint64_t)client->view->settings.connect_timeout;
    const uint64_t until_ns = now_ns + wait_ms * CM_NS_PER_MS;
    cm_os_mutex_lock(&client->lock);
    while (!client->looked_up) {
        const uint64_t at_ns = cm_os_monotonic_ns();
        if (at_ns >= until_ns)
            break;
        (void)cm_os_cond_wait_ms(&client->ready, &client->lock,
                                 (uint32_t)((until_ns - at_ns) / CM_NS_PER_MS) + 1);
    }
    cm_os_mutex_unlock(&client->lock);
}

static void release_client(struct cacheman *client) {
    cm_etcd_close(client->etcd);
    cm_view_release(client->view);
    cm_tls_context_destroy(client->tls);
    cm_os_cond_deinit(&client->ready);
    cm_os_cond_deinit(&client->wake);
    cm_os_mutex_deinit(&client->lock);
    free(client->where);
    free(client->path);
    free(client);
}

static enum cm_status init_client(struct cacheman *client, const char *where,
                                  struct cm_cluster_error *error) {
    client->where = strdup(where);
    if (client->where == NULL || cm_os_mutex_init(&client->lock) != CM_OK ||
        cm_os_cond_init(&client->wake) != CM_OK || cm_os_cond_init(&client->ready) != CM_OK)
        return CM_NO_MEMORY;
    enum cm_status status = cm_client_find(client, error);
    if (status == CM_OK)
        status = open_view(client, error);
    if (status == CM_OK)
        status = cm_os_thread_start(&client->keeper, cm_keeper_main, client, "cacheman");
    return status;
}

enum cm_status cacheman_open(const char *where, cacheman **out, struct cacheman_error *error) {
    struct cm_cluster_error reason = {0};
    struct cacheman *client = calloc(1, sizeof *client);
    enum cm_status status = client == NULL ? CM_NO_MEMORY : init_client(client, where, &reason);
    if (error != NULL) {
        *error = (struct cacheman_error){.line = reason.line, .column = reason.column};
        snprintf(error->text, sizeof error->text, "%s",
                 status == CM_OK || reason.text[0] != '\0' ? reason.text : cm_status_text(status));
    }
    if (status != CM_OK) {
        if (client != NULL)
            release_client(client);
        return status;
    }
    await_names(client);
    *out = client;
    return CM_OK;
}

void cacheman_close(cacheman *client) {
    if (client == NULL)
        return;
    cm_os_mutex_lock(&client->lock);
    client->closing = true;
    cm_os_cond_signal(&client->wake);
    cm_os_mutex_unlock(&client->lock);
    cm_os_thread_join(&client->keeper);
    release_client(client);
}

bool cacheman_problem(cacheman *client, struct cacheman_error *error) {
    cm_os_mutex_lock(&client->lock);
    *error =
        (struct cacheman_error){.line = client->problem.line, .column = client->problem.column};
    memcpy(error->text, client->problem.text, sizeof error->text);
    cm_os_mutex_unlock(&client->lock);
    return error->text[0] != '\0';
}

/* ---- what there is ---- */

static size_t text_bytes(const struct cm_view *view) {
    size_t bytes = 0;
    for (size_t i = 0; i < view->server_count; i++)
        bytes += strlen(view->servers[i]->name) + 1 + CM_SERVER_NOTE_BYTES;
    return bytes;
}

static char *put_text(char **to, const char *text) {
    const size_t bytes = strlen(text) + 1;
    char *at = memcpy(*to, text, bytes);
    *to += bytes;
    return at;
}

static void describe(const struct cm_view *view, size_t number, struct cacheman_server *out,
                     char **texts) {
    struct cm_server *server = view->servers[number];
    *out = (struct cacheman_server){
        .name = put_text(texts, server->name),
        .weight = view->weights[number],
        .health = cm_server_health(server),
        .leaving = number >= view->member_count,
        .meta = atomic_load_explicit(&server->meta, memory_order_relaxed),
        .error = "",
        .requests = atomic_load_explicit(&server->requests, memory_order_relaxed),
        .failures = atomic_load_explicit(&server->failed, memory_order_relaxed),
    };
    const int connections = atomic_load_explicit(&server->connections, memory_order_relaxed);
    out->connections = connections > 0 ? (uint32_t)connections : 0;
    cm_os_mutex_lock(&server->lock);
    if (out->health == CACHEMAN_DOWN) {
        out->error = put_text(texts, server->note);
        out->cause = (enum cm_status)atomic_load_explicit(&server->cause, memory_order_relaxed);
    }
    cm_os_mutex_unlock(&server->lock);
}

enum cm_status cacheman_servers(cacheman *client, struct cacheman_server **out, size_t *count) {
    struct cm_view *view = cm_client_view(client);
    CM_CHECK(view->server_count > 0);
    struct cacheman_server *list = malloc(view->server_count * sizeof *list + text_bytes(view));
    if (list != NULL) {
        char *texts = (char *)(list + view->server_count);
        for (size_t i = 0; i < view->server_count; i++)
            describe(view, i, &list[i], &texts);
        *out = list;
        *count = view->server_count;
    }
    cm_view_release(view);
    return list == NULL ? CM_NO_MEMORY : CM_OK;
}

size_t cacheman_where(cacheman *client, struct cacheman_bytes key, const char *distribution,
                      uint32_t *servers, size_t room) {
    struct cm_view *view = cm_client_view(client);
    const struct cm_slice name = cm_slice(key.data, key.bytes);
    enum cm_distribution which;
    struct cm_ring *ring;
    size_t count = 0;
    if (distribution == NULL)
        count = cm_ring_order(view->ring, name, servers, room);
    else if (cm_distribution_by_name(cm_slice(distribution, strlen(distribution)), &which) &&
             cm_view_ring(view, which, &ring) == CM_OK) {
        count = cm_ring_order(ring, name, servers, room);
        cm_ring_destroy(ring);
    }
    cm_view_release(view);
    return count;
}

const char *cacheman_distribution(size_t number, const char **text) {
    return cm_distribution_name(number, text);
}

const char *cacheman_distribution_used(cacheman *client) {
    struct cm_view *view = cm_client_view(client);
    const char *name = cm_distribution_name((size_t)view->settings.distribution, NULL);
    cm_view_release(view);
    return name;
}

bool cacheman_option_used(cacheman *client, size_t number, char *to, size_t room) {
    struct cm_view *view = cm_client_view(client);
    const bool is_there = cm_setting_print(&view->settings, number, to, room);
    cm_view_release(view);
    return is_there;
}

bool cacheman_option(size_t number, struct cacheman_option *out) {
    struct cm_setting_text text;
    if (!cm_setting_describe(number, &text))
        return false;
    *out = (struct cacheman_option){.name = text.name, .initial = text.initial, .text = text.text};
    snprintf(out->allowed, sizeof out->allowed, "%s", text.allowed);
    return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/internal.h"

#include <stdlib.h>

/* The longest sleep: whatever is due is looked at again then. */
#define SLEEP_MS_MAX 60000

/* ---- names ---- */

static void look_up_names(struct cacheman *client) {
    struct cm_view *view = cm_client_view(client);
    for (size_t i = 0; i < view->server_count; i++) {
        if (!cm_server_is_known(view->servers[i]))
            cm_server_look_up(view->servers[i]);
    }
    cm_view_release(view);
    cm_os_mutex_lock(&client->lock);
    client->looked_up = true;
    cm_os_cond_broadcast(&client->ready);
    cm_os_mutex_unlock(&client->lock);
}

/* ---- probes ---- */

struct probe {
    struct cm_attempt attempt;
    size_t *left;
};

static bool on_probe_line(struct cm_attempt *attempt, struct cm_slice line) {
    (void)attempt;
    (void)line;
    return true;
}

static void on_probe_done(struct cm_attempt *attempt) {
    struct probe *probe = attempt->context;
    --*probe->left;
}

/* Connects to each server that is due, all at once, and asks for its version. What is healthy again
 * is told by the connection as soon as it has been greeted. */
static void probe(struct cacheman *client, struct cm_view *view, struct cm_server **due,
                  size_t count) {
    struct cm_flight flight;
    struct probe *probes = calloc(count, sizeof *probes);
    size_t left = count;
    if (probes == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        cm_server_look_up(due[i]); /* may take long: the time to connect begins afterwards */
    cm_flight_init(&flight, client, &view->settings, (uint32_t)view->settings.connect_timeout);
    flight.only_fresh = true;
    for (size_t i = 0; i < count; i++) {
        probes[i] = (struct probe){.left = &left};
        probes[i].attempt = (struct cm_attempt){.server = due[i],
                                                .line = CM_SLICE("version\r\n"),
                                                .done = on_probe_done,
                                                .on_line = on_probe_line,
                                                .context = &probes[i]};
        flight.engine.push(&flight.engine, &probes[i].attempt);
    }
    cm_flight_run(&flight, &left);
    cm_flight_deinit(&flight);
    for (size_t i = 0; i < count; i++) {
        if (cm_server_health(due[i]) == CACHEMAN_DOWN)
            cm_server_probe_failed(due[i], &view->settings);
    }
    free(probes);
}

static void probe_due(struct cacheman *client) {
    struct cm_view *view = cm_client_view(client);
    struct cm_server **due = malloc(view->server_count * sizeof(struct cm_server *));
    const uint64_t now_ns = cm_os_monotonic_ns();
    size_t count = 0;
    for (size_t i = 0; due != NULL && i < view->server_count; i++) {
        if (cm_server_probe_at_ns(view->servers[i]) <= now_ns)
            due[count++] = view->servers[i];
    }
    if (count > 0)
        probe(client, view, due, count);
    free(due);
    cm_view_release(view);
}

/* ---- the cluster ---- */

static void swap_view(struct cacheman *client, struct cm_view *view) {
    cm_os_mutex_lock(&client->lock);
    struct cm_view *old = client->view;
    client->view = view;
    cm_os_mutex_unlock(&client->lock);
    cm_view_release(old);
}

static void note_problem(struct cacheman *client, const struct cm_cluster_error *error) {
    cm_os_mutex_lock(&client->lock);
    client->problem = *error;
    cm_os_mutex_unlock(&client->lock);
}

static void adopt(struct cacheman *client, const struct cm_cluster *cluster) {
    const uint64_t hash = cm_client_hash(cluster);
    struct cm_view *view;
    if (hash == client->file_hash ||
        cm_view_create(cluster, client->view, client->tls, &view) != CM_OK)
        return;
    client->file_hash = hash;
    swap_view(client, view);
    look_up_names(client);
}

/* What is wrong with etcd while what it told before is kept. */
static void read_problem(struct cacheman *client, struct cm_cluster_error *error) {
    struct cm_etcd_state state;
    if (client->etcd == NULL)
        return;
    cm_etcd_read_state(client->etcd, &state);
    *error = state.problem;
}

static void read_again(struct cacheman *client) {
    struct cm_cluster cluster;
    struct cm_cluster_error error = {0};
    cm_cluster_init(&cluster);
    if (cm_client_read(client, &cluster, &error) == CM_OK) {
        adopt(client, &cluster);
        read_problem(client, &error);
    } else if (error.text[0] == '\0') {
        memcpy(error.text, "out of memory", sizeof "out of memory");
    }
    note_problem(client, &error);
    cm_cluster_deinit(&cluster);
}

static void reload_if_due(struct cacheman *client) {
    const uint64_t now_ns = cm_os_monotonic_ns();
    const bool is_due = client->path != NULL && now_ns >= client->file_at_ns;
    if (!is_due && !cm_client_etcd_has_changed(client))
        return;
    read_again(client);
    struct cm_view *view = cm_client_view(client);
    client->file_at_ns = now_ns + (uint64_t)view->settings.reload * CM_NS_PER_MS;
    cm_view_release(view);
}

/* Lets go of the servers that have left. */
static void end_warm_up(struct cacheman *client) {
    struct cm_view *old = cm_client_view(client), *view;
    if (old->previous != NULL && cm_os_monotonic_ns() >= old->warm_until_ns &&
        cm_view_settle(old, &view) == CM_OK)
        swap_view(client, view);
    cm_view_release(old);
}

/* ---- the thread ---- */

static uint64_t next_due_ns(struct cacheman *client) {
    struct cm_view *view = cm_client_view(client);
    uint64_t due_ns = client->path != NULL ? client->file_at_ns : UINT64_MAX;
    for (size_t i = 0; i < view->server_count; i++) {
        const uint64_t at_ns = cm_server_probe_at_ns(view->servers[i]);
        due_ns = at_ns < due_ns ? at_ns : due_ns;
    }
    if (view->previous != NULL && view->warm_until_ns < due_ns)
        due_ns = view->warm_until_ns;
    cm_view_release(view);
    return due_ns;
}

/* False: it is to end. */
static bool sleep_until(struct cacheman *client, uint64_t due_ns) {
    const uint64_t now_ns = cm_os_monotonic_ns();
    uint64_t sleep_ms = due_ns > now_ns ? (due_ns - now_ns) / CM_NS_PER_MS + 1 : 0;
    if (sleep_ms > SLEEP_MS_MAX)
        sleep_ms = SLEEP_MS_MAX;
    cm_os_mutex_lock(&client->lock);
    if (!client->closing && !client->is_woken && sleep_ms > 0)
        (void)cm_os_cond_wait_ms(&client->wake, &client->lock, (uint32_t)sleep_ms);
    client->is_woken = false;
    const bool goes_on = !client->closing;
    cm_os_mutex_unlock(&client->lock);
    return goes_on;
}

void cm_keeper_main(void *context) {
    cm_os_thread_mask_signals(); /* their handlers are not made for a second thread */
    struct cacheman *client = context;
    look_up_names(client);
    do {
        reload_if_due(client);
        end_warm_up(client);
        probe_due(client);
    } while (sleep_until(client, next_due_ns(client)));
}

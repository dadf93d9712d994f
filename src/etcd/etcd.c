/* SPDX-License-Identifier: BSD-3-Clause */
#include "etcd/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS            ((uint64_t)1000000)
#define FIRST_REQUEST_MS_MIN 20

/* ---- what is known ---- */

static void changed(struct cm_etcd *etcd) {
    if (etcd->on_change != NULL)
        etcd->on_change(etcd->context);
}

static bool same_members(const struct cm_cluster *a, const struct cm_cluster *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++)
        same = a->members[i].weight == b->members[i].weight &&
               strcmp(a->members[i].name, b->members[i].name) == 0;
    return same;
}

/* The range's members become those known; it gets the old ones, to be freed with it. */
void cm_etcd_note_members(struct cm_etcd *etcd, struct cm_etcd_range *range) {
    cm_os_mutex_lock(&etcd->lock);
    const bool is_news = !same_members(&etcd->members, &range->cluster);
    if (is_news) {
        const struct cm_cluster old = etcd->members;
        etcd->members = range->cluster;
        range->cluster = old;
        etcd->state.member_count = etcd->members.count;
        etcd->state.changes++;
    }
    cm_os_mutex_unlock(&etcd->lock);
    cm_etcd_note_answered(etcd);
    if (is_news)
        changed(etcd);
}

void cm_etcd_note_answered(struct cm_etcd *etcd) {
    cm_os_mutex_lock(&etcd->lock);
    etcd->was_answered = true;
    cm_os_cond_broadcast(&etcd->ready);
    cm_os_mutex_unlock(&etcd->lock);
}

void cm_etcd_note_registered(struct cm_etcd *etcd, bool is_registered) {
    cm_os_mutex_lock(&etcd->lock);
    const bool is_news = etcd->state.is_registered != is_registered;
    etcd->state.is_registered = is_registered;
    etcd->state.changes += is_news;
    cm_os_mutex_unlock(&etcd->lock);
    if (is_news)
        changed(etcd);
}

void cm_etcd_note_left(struct cm_etcd *etcd) {
    cm_os_mutex_lock(&etcd->lock);
    etcd->state.is_registered = false;
    etcd->state.has_left = true;
    etcd->state.changes++;
    cm_os_mutex_unlock(&etcd->lock);
    changed(etcd);
}

void cm_etcd_note_problem(struct cm_etcd *etcd, const char *text) {
    char *to = etcd->state.problem.text;
    const size_t room = sizeof etcd->state.problem.text;
    cm_os_mutex_lock(&etcd->lock);
    const bool is_news = strncmp(to, text, room - 1) != 0;
    if (is_news) {
        snprintf(to, room, "%s", text);
        etcd->state.changes++;
    }
    cm_os_mutex_unlock(&etcd->lock);
    if (is_news)
        changed(etcd);
}

static bool has_member(const struct cm_cluster *cluster, const char *name) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (strcmp(cluster->members[i].name, name) == 0)
            return true;
    }
    return false;
}

bool cm_etcd_range_has_all(struct cm_etcd *etcd, const struct cm_etcd_range *range) {
    bool has_all = true; /* only this thread changes the members: no lock to read them */
    for (size_t i = 0; i < etcd->members.count && has_all; i++)
        has_all = has_member(&range->cluster, etcd->members.members[i].name);
    return has_all;
}

/* ---- opening ---- */

static enum cm_status take_settings(struct cm_etcd *etcd, const struct cm_settings *settings,
                                    struct cm_cluster_error *error) {
    etcd->settings = *settings;
    const char *wrong = NULL;
    if (settings->etcd_password[0] != '\0' && settings->etcd_user[0] == '\0')
        wrong = "etcd_password is given without etcd_user";
    if (settings->etcd_key[0] != '\0' && settings->etcd_cert[0] == '\0')
        wrong = "etcd_key is given without etcd_cert";
    if (wrong == NULL)
        return CM_OK;
    snprintf(error->text, sizeof error->text, "%s", wrong);
    return CM_INVALID;
}

static enum cm_status take_where(struct cm_etcd *etcd, const struct cm_where *where,
                                 struct cm_cluster_error *error) {
    enum cm_status status = cm_cluster_add_endpoints(&etcd->endpoints, where, error);
    if (status == CM_OK)
        status = cm_where_name(where, etcd->cluster, error);
    if (status == CM_OK && !where->is_secure &&
        (etcd->settings.etcd_ca[0] != '\0' || etcd->settings.etcd_cert[0] != '\0')) {
        snprintf(error->text, sizeof error->text,
                 "etcd_ca and etcd_cert are given without TLS: write etcds://");
        status = CM_INVALID;
    }
    snprintf(etcd->prefix, sizeof etcd->prefix, CM_ETCD_PREFIX "%s/members/", etcd->cluster);
    return status;
}

/* Under its name as the members are called. */
static enum cm_status take_name(struct cm_etcd *etcd, const char *advertise, uint32_t weight,
                                struct cm_cluster_error *error) {
    struct cm_cluster self = {0};
    if (advertise == NULL)
        return CM_OK;
    enum cm_status status =
        cm_cluster_add_member(&self, cm_slice(advertise, strlen(advertise)), weight, error);
    if (status == CM_OK) {
        etcd->weight = weight;
        etcd->name = strdup(self.members[0].name);
        status = etcd->name == NULL ? CM_NO_MEMORY : CM_OK;
    }
    cm_cluster_deinit(&self);
    return status;
}

static bool load_curl(struct cm_curl *curl, struct cm_cluster_error *error) {
    if (cm_curl_load(curl))
        return true;
    snprintf(error->text, sizeof error->text,
             "etcd is spoken to with " CM_CURL_LIBRARY ", which is not installed");
    return false;
}

bool cm_etcd_load(struct cm_cluster_error *error) {
    struct cm_curl curl;
    return load_curl(&curl, error);
}

static enum cm_status open_http(struct cm_etcd *etcd, bool is_secure,
                                struct cm_cluster_error *error) {
    struct cm_curl curl;
    if (!load_curl(&curl, error))
        return CM_SYSTEM;
    const struct cm_http_options options = {
        .is_secure = is_secure,
        .ca_file = etcd->settings.etcd_ca,
        .cert_file = etcd->settings.etcd_cert,
        .key_file = etcd->settings.etcd_key,
        .stop = &etcd->is_told,
    };
    return cm_http_create(&options, &curl, &etcd->http);
}

static uint32_t first_request_ms(const struct cm_etcd *etcd, uint32_t first_ms) {
    const uint32_t share_ms = first_ms / (uint32_t)etcd->endpoints.count;
    if (first_ms == 0)
        return CM_ETCD_REQUEST_MS;
    return share_ms > FIRST_REQUEST_MS_MIN ? share_ms : FIRST_REQUEST_MS_MIN;
}

static enum cm_status init(struct cm_etcd *etcd, const struct cm_etcd_options *options,
                           struct cm_cluster_error *error) {
    enum cm_status status = take_settings(etcd, options->settings, error);
    if (status == CM_OK)
        status = take_where(etcd, options->where, error);
    if (status == CM_OK)
        status = take_name(etcd, options->advertise, options->weight, error);
    if (status != CM_OK)
        return status;
    etcd->request_ms = first_request_ms(etcd, options->first_ms);
    etcd->on_change = options->on_change;
    etcd->context = options->context;
    etcd->has_lock = cm_os_mutex_init(&etcd->lock) == CM_OK;
    etcd->has_cond = cm_os_cond_init(&etcd->ready) == CM_OK;
    if (!etcd->has_lock || !etcd->has_cond)
        return CM_NO_MEMORY;
    status = open_http(etcd, options->where->is_secure, error);
    if (status == CM_OK)
        status = cm_os_thread_start(&etcd->thread, cm_etcd_main, etcd, "etcd");
    return status;
}

static void release(struct cm_etcd *etcd) {
    cm_http_destroy(etcd->http);
    if (etcd->has_cond)
        cm_os_cond_deinit(&etcd->ready);
    if (etcd->has_lock)
        cm_os_mutex_deinit(&etcd->lock);
    cm_cluster_deinit(&etcd->members);
    cm_cluster_deinit(&etcd->endpoints);
    cm_buf_deinit(&etcd->body);
    free(etcd->name);
    free(etcd);
}

enum cm_status cm_etcd_open(const struct cm_etcd_options *options, struct cm_etcd **out,
                            struct cm_cluster_error *error) {
    struct cm_etcd *etcd = calloc(1, sizeof *etcd);
    *error = (struct cm_cluster_error){0};
    const enum cm_status status = etcd == NULL ? CM_NO_MEMORY : init(etcd, options, error);
    if (status != CM_OK) {
        if (error->text[0] == '\0')
            snprintf(error->text, sizeof error->text, "cannot follow etcd: %s",
                     cm_status_text(status));
        if (etcd != NULL)
            release(etcd);
        return status;
    }
    *out = etcd;
    return CM_OK;
}

void cm_etcd_close(struct cm_etcd *etcd) {
    if (etcd == NULL)
        return;
    atomic_store(&etcd->closing, true);
    atomic_store(&etcd->is_told, true);
    cm_http_wake(etcd->http);
    cm_os_thread_join(&etcd->thread);
    release(etcd);
}

/* ---- asking ---- */

void cm_etcd_read_state(struct cm_etcd *etcd, struct cm_etcd_state *state) {
    cm_os_mutex_lock(&etcd->lock);
    *state = etcd->state;
    cm_os_mutex_unlock(&etcd->lock);
}

enum cm_status cm_etcd_await(struct cm_etcd *etcd, uint32_t timeout_ms,
                             struct cm_cluster_error *error) {
    const uint64_t until_ns = cm_os_monotonic_ns() + timeout_ms * NS_PER_MS;
    cm_os_mutex_lock(&etcd->lock);
    for (;;) {
        const uint64_t now_ns = cm_os_monotonic_ns();
        if (etcd->was_answered || now_ns >= until_ns)
            break;
        (void)cm_os_cond_wait_ms(&etcd->ready, &etcd->lock,
                                 (uint32_t)((until_ns - now_ns) / NS_PER_MS) + 1);
    }
    const bool has_members = etcd->members.count > 0;
    *error = etcd->state.problem;
    cm_os_mutex_unlock(&etcd->lock);
    if (has_members) {
        *error = (struct cm_cluster_error){0};
        return CM_OK;
    }
    if (error->text[0] == '\0')
        snprintf(error->text, sizeof error->text, "etcd has not answered within %u ms",
                 (unsigned)timeout_ms);
    return CM_UNREACHABLE;
}

enum cm_status cm_etcd_add_members(struct cm_etcd *etcd, struct cm_cluster *cluster,
                                   struct cm_cluster_error *error) {
    enum cm_status status = CM_OK;
    cm_os_mutex_lock(&etcd->lock);
    for (size_t i = 0; i < etcd->members.count && status == CM_OK; i++) {
        const struct cm_member *member = &etcd->members.members[i];
        status = cm_cluster_add_member(cluster, cm_slice(member->name, strlen(member->name)),
                                       member->weight, error);
    }
    cm_os_mutex_unlock(&etcd->lock);
    return status;
}

void cm_etcd_leave(struct cm_etcd *etcd) {
    atomic_store(&etcd->leaving, true);
    atomic_store(&etcd->is_told, true);
    cm_http_wake(etcd->http);
}

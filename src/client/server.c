/* SPDX-License-Identifier: BSD-3-Clause */
#include "client/server.h"

#include "base/num.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A connection that has been idle for longer is looked at before it is used: its server may have
 * been restarted or may have closed it. */
#define TRUSTED_NS 1000000000u
#define NS_PER_MS  1000000u

static bool init_address(struct cm_server *server) {
    const struct cm_os_host number = {server->host, server->port, false};
    if (server->port == 0)
        server->address_count = cm_os_address_path(server->host, &server->addresses[0]);
    else
        server->address_count =
            cm_os_address_host(&number, server->addresses, CM_SERVER_ADDRESSES_MAX);
    server->is_number = server->port == 0 || server->address_count > 0;
    return server->is_number;
}

enum cm_status cm_server_create(const struct cm_member *member, struct cm_tls_context *tls,
                                struct cm_server **out) {
    struct cm_server *server = calloc(1, sizeof *server);
    const size_t name_bytes = strlen(member->name) + 1, host_bytes = strlen(member->host) + 1;
    if (server == NULL)
        return CM_NO_MEMORY;
    atomic_init(&server->references, 1);
    server->name = malloc(name_bytes + host_bytes);
    if (server->name == NULL || cm_os_mutex_init(&server->lock) != CM_OK) {
        free(server->name);
        free(server);
        return CM_NO_MEMORY;
    }
    memcpy(server->name, member->name, name_bytes);
    server->host = memcpy(server->name + name_bytes, member->host, host_bytes);
    server->port = member->port;
    server->tls = tls;
    if (!init_address(server))
        snprintf(server->note, sizeof server->note, "the name has not been found");
    *out = server;
    return CM_OK;
}

void cm_server_hold(struct cm_server *server) {
    atomic_fetch_add_explicit(&server->references, 1, memory_order_relaxed);
}

void cm_server_release(struct cm_server *server) {
    if (server == NULL ||
        atomic_fetch_sub_explicit(&server->references, 1, memory_order_acq_rel) > 1)
        return;
    cm_server_close_idle(server);
    cm_os_mutex_deinit(&server->lock);
    free(server->name);
    free(server);
}

void cm_server_note(struct cm_server *server, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cm_os_mutex_lock(&server->lock);
    vsnprintf(server->note, sizeof server->note, format, arguments);
    cm_os_mutex_unlock(&server->lock);
    va_end(arguments);
}

/* ---- addresses ---- */

bool cm_server_address(struct cm_server *server, struct cm_os_address *out) {
    cm_os_mutex_lock(&server->lock);
    const bool known = server->address_count > 0;
    if (known)
        *out = server->addresses[server->address_next % server->address_count];
    cm_os_mutex_unlock(&server->lock);
    return known;
}

bool cm_server_is_known(struct cm_server *server) {
    cm_os_mutex_lock(&server->lock);
    const bool known = server->address_count > 0;
    cm_os_mutex_unlock(&server->lock);
    return known;
}

void cm_server_look_up(struct cm_server *server) {
    struct cm_os_address addresses[CM_SERVER_ADDRESSES_MAX];
    if (server->is_number)
        return;
    const struct cm_os_host name = {server->host, server->port, true};
    const size_t count = cm_os_address_host(&name, addresses, CM_SERVER_ADDRESSES_MAX);
    if (count == 0)
        return; /* what was found before may still be right */
    cm_os_mutex_lock(&server->lock);
    memcpy(server->addresses, addresses, count * sizeof *addresses);
    server->address_count = count;
    cm_os_mutex_unlock(&server->lock);
}

/* ---- connections ---- */

/* The text protocol's login is a store command of any key, its value the name and the password
 * (memcached's doc/protocol.txt). It has expired already, for a server that wants no login and
 * would keep it. */
static enum cm_status put_login(struct cm_buf *to, const struct cm_settings *settings) {
    const size_t bytes = strlen(settings->user) + 1 + strlen(settings->password);
    enum cm_status status = cm_buf_reserve(to, bytes + 64);
    if (status != CM_OK)
        return status;
    cm_buf_put(to, CM_SLICE("set auth 0 -1 "));
    cm_buf_wrote(to, cm_num_format_u64(cm_buf_tail(to), bytes));
    cm_buf_put(to, CM_SLICE("\r\n"));
    cm_buf_put(to, cm_slice(settings->user, strlen(settings->user)));
    cm_buf_put(to, CM_SLICE(" "));
    cm_buf_put(to, cm_slice(settings->password, strlen(settings->password)));
    cm_buf_put(to, CM_SLICE("\r\n"));
    return CM_OK;
}

enum cm_status cm_server_greeting(struct cm_server *server, const struct cm_settings *settings,
                                  struct cm_conn *conn) {
    (void)server;
    if (settings->user[0] != '\0') {
        enum cm_status status = put_login(&conn->out, settings);
        if (status != CM_OK)
            return status;
        conn->awaiting_login = true;
    }
    conn->only_meta = settings->protocol == CM_DIALECT_META;
    return cm_buf_append(&conn->out, settings->protocol == CM_DIALECT_TEXT ? CM_SLICE("version\r\n")
                                                                           : CM_SLICE("mn\r\n"));
}

struct cm_conn *cm_server_dial(struct cm_server *server, const struct cm_settings *settings,
                               enum cm_status *status) {
    struct cm_conn *conn;
    *status = cm_conn_open(server, settings, &conn);
    return *status == CM_OK ? conn : NULL;
}

static struct cm_conn *pop_idle(struct cm_server *server) {
    cm_os_mutex_lock(&server->lock);
    struct cm_conn *conn = server->idle;
    if (conn != NULL) {
        server->idle = conn->next;
        server->idle_count--;
    }
    cm_os_mutex_unlock(&server->lock);
    return conn;
}

struct cm_conn *cm_server_check_out(struct cm_server *server, const struct cm_settings *settings,
                                    enum cm_status *status) {
    struct cm_conn *conn;
    *status = CM_OK;
    while ((conn = pop_idle(server)) != NULL) {
        conn->next = NULL;
        if (cm_os_monotonic_ns() - conn->idle_since_ns < TRUSTED_NS || cm_os_is_quiet(conn->socket))
            return conn;
        cm_conn_close(conn);
    }
    return cm_server_dial(server, settings, status);
}

void cm_server_check_in(struct cm_server *server, const struct cm_settings *settings,
                        struct cm_conn *conn) {
    bool kept = false;
    if (cm_conn_is_clean(conn)) {
        conn->idle_since_ns = cm_os_monotonic_ns();
        cm_conn_trim(conn);
        cm_os_mutex_lock(&server->lock);
        kept = server->idle_count < (size_t)settings->connections &&
               cm_server_health(server) == CACHEMAN_UP; /* S2 */
        if (kept) {
            conn->next = server->idle;
            server->idle = conn;
            server->idle_count++;
        }
        cm_os_mutex_unlock(&server->lock);
    }
    if (!kept)
        cm_conn_close(conn);
}

void cm_server_close_idle(struct cm_server *server) {
    cm_os_mutex_lock(&server->lock);
    struct cm_conn *idle = server->idle;
    server->idle = NULL;
    server->idle_count = 0;
    cm_os_mutex_unlock(&server->lock);
    while (idle != NULL) {
        struct cm_conn *next = idle->next;
        cm_conn_close(idle);
        idle = next;
    }
}

/* ---- health ---- */

void cm_server_succeeded(struct cm_server *server, bool meta) {
    cm_os_mutex_lock(&server->lock);
    atomic_store_explicit(&server->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&server->meta, meta, memory_order_relaxed);
    atomic_store_explicit(&server->health, CACHEMAN_UP, memory_order_relaxed);
    server->backoff_ms = 0;
    cm_os_mutex_unlock(&server->lock);
}

/* From half of `ms` to one and a half of it. */
static uint64_t jittered_ns(uint64_t ms) {
    uint32_t chance = 0;
    (void)!cm_os_random(&chance, sizeof chance);
    return ms * NS_PER_MS / 2 + (uint64_t)((double)ms * NS_PER_MS * chance / 4294967296.0);
}

/* Caller holds the lock. */
static void plan_probe_locked(struct cm_server *server, const struct cm_settings *settings) {
    const uint64_t most = (uint64_t)settings->retry_max;
    server->backoff_ms =
        server->backoff_ms == 0 ? (uint64_t)settings->retry : server->backoff_ms * 2;
    if (server->backoff_ms > most)
        server->backoff_ms = most;
    server->probe_at_ns = cm_os_monotonic_ns() + jittered_ns(server->backoff_ms);
    server->address_next++;
}

bool cm_server_failed(struct cm_server *server, const struct cm_settings *settings,
                      enum cm_status status) {
    bool is_down = false;
    atomic_fetch_add_explicit(&server->failed, 1, memory_order_relaxed);
    if (status == CM_TIMEOUT)
        cm_server_note(server, "did not answer in time");
    atomic_store_explicit(&server->cause, (int)status, memory_order_relaxed);
    const unsigned failures = atomic_fetch_add_explicit(&server->failures, 1, memory_order_relaxed);
    cm_os_mutex_lock(&server->lock);
    if (failures + 1 >= (unsigned)settings->failures && cm_server_health(server) != CACHEMAN_DOWN) {
        atomic_store_explicit(&server->health, CACHEMAN_DOWN, memory_order_relaxed);
        plan_probe_locked(server, settings);
        is_down = true;
    } else if (cm_server_health(server) != CACHEMAN_DOWN) {
        server->address_next++;
    }
    cm_os_mutex_unlock(&server->lock);
    if (is_down)
        cm_server_close_idle(server);
    return is_down;
}

void cm_server_probe_failed(struct cm_server *server, const struct cm_settings *settings) {
    cm_os_mutex_lock(&server->lock);
    plan_probe_locked(server, settings);
    cm_os_mutex_unlock(&server->lock);
}

uint64_t cm_server_probe_at_ns(struct cm_server *server) {
    uint64_t at_ns = UINT64_MAX;
    if (cm_server_health(server) == CACHEMAN_DOWN) {
        cm_os_mutex_lock(&server->lock);
        at_ns = server->probe_at_ns;
        cm_os_mutex_unlock(&server->lock);
    }
    return at_ns;
}

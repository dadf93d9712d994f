/* SPDX-License-Identifier: BSD-3-Clause */
#include "auth/auth.h"
#include "base/check.h"
#include "base/os/os.h"
#include "base/os/sandbox.h"
#include "command/admin.h"
#include "command/events.h"
#include "metrics/metrics.h"
#include "protocol/protocol.h"
#include "server/internal.h"
#include "tls/tls.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

enum { TICK_MS = 1000 };

static const int stop_signals[CM_SERVER_SIGNALS] = {
    SIGINT,
    SIGTERM,
#ifdef SIGUSR1
    SIGUSR1,
#endif
};

/* ---- the loop ---- */

static void on_signal(uv_signal_t *handle, int number) {
    const char *name = number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGUSR1";
    struct cm_server *server = handle->data;
    cm_server_tell("stopping: %s%s", name, atomic_load(&server->serves) ? "" : " once more");
    cm_server_stop(server);
}

static void on_reload(uv_signal_t *handle, int number) {
    (void)number;
    cm_server_reload(handle->data);
}

/* The time of day may be set, and goes on while a machine sleeps. Items go on by the store's
 * clock; what clients say and ask in Unix time is by the new one. A second is where the two clocks'
 * seconds begin; where the machine stalled between looking at the one, from `begin_ns` on, and at
 * the other, they tell nothing, and the next tick's do. */
static void follow_wall(struct cm_server *server, uint64_t begin_ns) {
    enum { APART_NS = 500000000 };
    const struct cm_server_test *test = server->start->test;
    int64_t zero_s = cm_os_wall_s() - (int64_t)cmstore_clock(server->store);
    int64_t moved_s = zero_s - cm_admin_wall_zero(server->admin);
    bool is_apart = uv_hrtime() - begin_ns > APART_NS;
    if (test != NULL || is_apart || (moved_s >= -1 && moved_s <= 1))
        return; /* a test's clock is its own */
    cm_admin_set_wall_zero(server->admin, zero_s);
    cm_server_tell("the time of day was set by %+" PRId64
                   " s: items live as long as they would have",
                   moved_s);
}

static void on_tick(uv_timer_t *timer) {
    struct cm_server *server = timer->data;
    uint64_t begin_ns = uv_hrtime();
    cm_clock_tick(&server->clock);
    follow_wall(server, begin_ns);
    if (server->config->cluster != NULL)
        cm_server_renew_listing(server);
    cm_server_tick_admin(server);
}

/* But for the signals: one that comes late must still find its handler. */
static void close_handles(struct cm_server *server) {
    uv_close((uv_handle_t *)&server->tick, NULL);
    cm_server_close_orders(server);
    cm_server_close_place(server);
    cm_server_close_settings(server);
    server->has_handles = false;
}

static void on_stopped(void *context) {
    close_handles(context);
}

/* ---- the parts, in the order in which they need each other ---- */

static enum cm_exit fail(const char *what, enum cm_status status) {
    cm_server_complain("%s: %s", what, cm_status_text(status));
    return CM_EXIT_SYSTEM;
}

static enum cm_exit create_admin(struct cm_server *server) {
    const struct cm_config *config = server->config;
    enum cm_status status = cm_metrics_group_create((unsigned)config->threads, &server->metrics);
    if (status == CM_OK)
        status = cm_admin_create(server->metrics, &server->admin);
    if (status == CM_OK)
        status = cm_admin_set_hot_keys(server->admin, (unsigned)config->hot_keys);
    if (status != CM_OK)
        return fail("cannot start", status);
    cm_watch_set_ring_bytes(cm_admin_watch(server->admin), (size_t)config->watcher_buffer_kb << 10);
    if (config->prefix_delimiter != 0) {
        cm_admin_set_prefix_delimiter(server->admin, config->prefix_delimiter);
        cm_admin_set_detail(server->admin, true);
    }
    return CM_EXIT_OK;
}

static enum cm_exit create_store(struct cm_server *server) {
    const struct cm_config *config = server->config;
    const struct cmstore_options options = {
        .memory_bytes = (uint64_t)config->memory_mb << 20,
        .item_bytes_max = (uint64_t)config->item_bytes_max,
        .policy = config->policy,
        .no_evict = config->no_evict,
        .clock_s = CM_CLOCK_START_S,
        .on_evict = cm_events_on_evict,
        .on_evict_context = cm_admin_watch(server->admin),
    };
    enum cm_status status = cmstore_create(&options, &server->store);
    if (status != CM_OK) {
        char what[96];
        snprintf(what, sizeof what, "cannot set up a cache of %" PRId64 " MB", config->memory_mb);
        return fail(what, status);
    }
    status = cm_clock_init(&server->clock, server->store);
    server->has_clock = status == CM_OK;
    return status == CM_OK ? CM_EXIT_OK : fail("cannot start", status);
}

/* NULL: a connection's first byte tells. */
static const struct cm_protocol *protocol_of(const struct cm_config *config) {
    switch (config->protocol) {
    case CM_CONFIG_PROTOCOL_ASCII:
        return &cm_protocol_memcache_text;
    case CM_CONFIG_PROTOCOL_BINARY:
        return &cm_protocol_memcache_binary;
    default:
        return NULL;
    }
}

static void fill_env(struct cm_server *server, const struct cm_server_test *test) {
    const struct cm_config *config = server->config;
    cm_clock_pause(&server->clock, test != NULL && test->paused);
    cm_clock_tick(&server->clock); /* it began before this */
    int64_t wall_s = test != NULL && test->wall_s != 0 ? test->wall_s : cm_os_wall_s();
    cm_admin_set_wall_zero(server->admin, wall_s - (int64_t)cmstore_clock(server->store));
    cm_server_fill_control(server);
    server->env = (struct cm_session_env){
        .store = server->store,
        .admin = server->admin,
        .control = &server->control,
        .protocol = protocol_of(config),
        .auth = server->auth,
        .requests_per_turn = (uint32_t)config->requests_per_turn,
        .flush_disabled = config->disable_flush,
        .dump_disabled = config->disable_dump,
        .watch_disabled = config->disable_watch,
        .shutdown_enabled = config->enable_shutdown,
        .debug_time = test != NULL && test->debug_time,
    };
}

static enum cm_exit init_loop(struct cm_server *server) {
    if (uv_loop_init(&server->loop) != 0)
        return fail("cannot start", CM_SYSTEM);
    if (!cm_server_open_orders(server)) {
        (void)uv_loop_close(&server->loop);
        return fail("cannot start", CM_SYSTEM);
    }
    server->has_loop = true;
    uv_timer_init(&server->loop, &server->tick);
    server->tick.data = server;
    uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
    server->has_handles = true;
    if (!cm_server_open_settings(server))
        return fail("cannot start", CM_SYSTEM);
    for (int i = 0; i < CM_SERVER_SIGNALS; i++) {
        uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], on_signal, stop_signals[i]);
        uv_unref((uv_handle_t *)&server->signals[i]);
    }
    uv_signal_init(&server->loop, &server->reload);
    server->reload.data = server;
    uv_signal_start(&server->reload, on_reload, SIGHUP);
    uv_unref((uv_handle_t *)&server->reload);
    return CM_EXIT_OK;
}

static enum cm_exit create_net(struct cm_server *server) {
    const struct cm_config *config = server->config;
    const struct cm_server_test *test = server->start->test;
    const struct cm_net_options options = {
        .env = &server->env,
        .metrics = server->metrics,
        .loop = &server->loop,
        .tls = server->tls,
        .thread_count = (unsigned)config->threads,
        .connections_max = (uint32_t)config->connections_max,
        .connections_wait = config->connections_wait,
        .idle_timeout_s = (uint32_t)config->idle_timeout_s,
        .slow_ns = (uint64_t)config->slow_us * 1000,
        .stop_ms = test != NULL ? test->stop_ms : 0,
        .log = cm_server_log(),
        .on_stopped = on_stopped,
        .context = server,
    };
    enum cm_status status = cm_net_create(&options, &server->net);
    if (status != CM_OK)
        return fail("cannot start", status);
    cm_net_set_memory(server->net, (uint64_t)config->memory_mb << 20);
    atomic_store(&server->verbosity, (uint32_t)config->verbosity);
    return CM_EXIT_OK;
}

/* Everything is open: from here on files are only read again. */
static void enter_sandbox(struct cm_server *server) {
    const char *why;
    if (server->config->no_sandbox)
        return;
    server->sandboxed = cm_os_sandbox_enter(server->config->join != NULL, &why);
    if (!server->sandboxed)
        cm_server_warn("goes on without a sandbox: %s", why);
}

static enum cm_exit start_net(struct cm_server *server) {
    enum cm_status status = cm_net_start(server->net);
    return status == CM_OK ? CM_EXIT_OK : fail("cannot start the workers", status);
}

void cm_server_raise_open_files(const struct cm_config *config) {
    uint64_t threads = (uint64_t)config->threads;
    uint64_t wanted = (uint64_t)config->connections_max + CM_SERVER_DESCRIPTORS(threads) +
                      (config->admin != NULL ? CM_ADMIN_CONNECTIONS : 0);
    uint64_t allowed = cm_os_raise_open_files(wanted);
    if (allowed < wanted)
        cm_server_warn("the system allows %" PRIu64 " open files, %" PRIu64
                       " are needed for -c %" PRId64
                       "; connections beyond will wait to be accepted",
                       allowed, wanted, config->connections_max);
}

/* What the system must grant before memory is taken. */
static enum cm_exit claim_limits(const struct cm_config *config) {
    char title[CM_CONFIG_TITLE_BYTES];
    cm_server_raise_open_files(config);
    if (config->core_dumps && cm_os_allow_core_files() != CM_OK) {
        cm_server_complain("%s: the system allows no core files",
                           cm_config_title(config, CM_OPTION_INDEX_core_dumps, title));
        return CM_EXIT_SYSTEM;
    }
    if (config->lock_memory && cm_os_lock_memory() != CM_OK) {
        cm_server_complain("%s: not permitted; only root is, or who may lock as much memory "
                           "(ulimit -l)",
                           cm_config_title(config, CM_OPTION_INDEX_lock_memory, title));
        return CM_EXIT_SYSTEM;
    }
    return CM_EXIT_OK;
}

static enum cm_exit start_all(struct cm_server *server, const struct cm_server_test *test) {
    enum cm_exit result = claim_limits(server->config);
    if (result == CM_EXIT_OK)
        result = cm_server_load_users(server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_token(server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_admin_tls(server);
    if (result == CM_EXIT_OK)
        result = create_admin(server);
    if (result == CM_EXIT_OK)
        result = create_store(server);
    if (result == CM_EXIT_OK)
        result = cm_server_load_certs(server);
    if (result == CM_EXIT_OK)
        result = init_loop(server);
    if (result == CM_EXIT_OK) {
        fill_env(server, test);
        result = create_net(server);
    }
    if (result == CM_EXIT_OK)
        result = cm_server_listen(server);
    if (result == CM_EXIT_OK)
        result = cm_server_open_admin(server);
    if (result == CM_EXIT_OK)
        result = cm_server_find_place(server);
    if (result == CM_EXIT_OK)
        result = cm_server_open_listing(server);
    if (result == CM_EXIT_OK)
        result = cm_server_write_pid_file(server);
    if (result == CM_EXIT_OK)
        result = cm_server_write_port_file(server);
    if (result == CM_EXIT_OK)
        result = cm_server_become_user(server);
    if (result == CM_EXIT_OK) {
        enter_sandbox(server);
        result = cm_server_join(server);
    }
    if (result == CM_EXIT_OK)
        result = cm_server_start_admin(server);
    if (result == CM_EXIT_OK)
        result = start_net(server);
    return result;
}

/* A signal that nobody handles any more would end the process with another status. */
static void close_loop(struct cm_server *server) {
    cm_os_thread_mask_signals();
    for (int i = 0; i < CM_SERVER_SIGNALS; i++)
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    uv_close((uv_handle_t *)&server->reload, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    int closed = uv_loop_close(&server->loop);
    CM_CHECK(closed == 0);
}

/* Whatever `start` left behind, in reverse. */
static void clean_up(struct cm_server *server) {
    if (server->has_handles)
        close_handles(server);
    if (server->has_loop)
        uv_run(&server->loop, UV_RUN_DEFAULT);
    cm_server_stop_admin(server);
    cm_server_deinit_settings(server);
    cm_net_destroy(server->net);
    cm_server_close_listing(server);
    if (server->has_clock)
        cm_clock_deinit(&server->clock);
    cmstore_destroy(server->store); /* its own thread tells watchers of evictions until then */
    cm_auth_destroy(server->auth);
    cm_tls_context_destroy(server->tls);
    cm_admin_destroy(server->admin);
    cm_metrics_group_destroy(server->metrics);
    cm_server_remove_pid_file(server);
    if (server->has_loop)
        close_loop(server);
}

enum cm_exit cm_server_run(struct cm_config *config, const struct cm_server_start *start) {
    struct cm_server server = {.config = config,
                               .start = start,
                               .start_ns = uv_hrtime(),
                               .pages.opened.socket = CM_OS_SOCKET_NONE};
    if (uv_mutex_init(&server.config_lock) != 0 || uv_mutex_init(&server.pages.lock) != 0)
        return fail("cannot start", CM_SYSTEM);
    if (config->daemonize && cm_os_background_start(&server.background) != CM_OK)
        return fail("cannot run in the background", CM_SYSTEM);
    cm_os_process_prepare();
    enum cm_exit result = start_all(&server, start->test);
    if (result == CM_EXIT_OK) {
        atomic_store(&server.serves, true);
        cm_server_announce(&server);
        if (config->daemonize)
            cm_os_background_ready(&server.background);
        cm_os_process_trim();
        uv_run(&server.loop, UV_RUN_DEFAULT);
    }
    clean_up(&server);
    if (result == CM_EXIT_OK)
        cm_server_tell("stopped");
    uv_mutex_destroy(&server.pages.lock);
    uv_mutex_destroy(&server.config_lock);
    return result;
}

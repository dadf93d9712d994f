/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/format.h"
#include "base/log.h"
#include "base/os/os.h"
#include "command/admin.h"
#include "config/change.h"
#include "server/internal.h"

#include <cacheman/version.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What commands may ask of the server; called from worker threads. */

CM_PRINTF(3, 4)
static void put(struct cm_stat_sink *sink, const char *name, const char *format, ...) {
    char value[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof value)
        sink->line(sink, cm_slice(name, strlen(name)), cm_slice(value, (size_t)length));
}

/* ---- stats ---- */

static void on_server_stats(void *context, struct cm_server_stats *stats) {
    struct cm_server *server = context;
    struct cm_net_counts counts;
    struct cm_os_usage usage;
    cm_net_read_counts(server->net, &counts);
    cm_os_usage(&usage);
    uint64_t threads = (uint64_t)server->config->threads; /* for life */
    uv_mutex_lock(&server->config_lock);
    uint64_t connections_max = (uint64_t)server->config->connections_max;
    uv_mutex_unlock(&server->config_lock);
    *stats = (struct cm_server_stats){
        .pid = (uint64_t)cm_os_process_id(),
        .uptime = cmstore_clock(server->store) - CM_CLOCK_START_S,
        .max_connections = connections_max,
        .curr_connections = counts.connections,
        .total_connections = counts.connections_total,
        .rejected_connections = counts.rejected,
        .connection_structures = counts.connections,
        .read_buf_count = threads,
        .read_buf_bytes = counts.held_bytes,
        .reserved_fds = CM_SERVER_DESCRIPTORS(threads),
        .idle_kicks = counts.idle_kicks,
        .ssl_new_sessions = counts.new_sessions,
        .stalled_kicks = counts.stalled_kicks,
        .ssl_resumed_sessions = counts.resumed_sessions,
        .ssl_kernel_sessions = counts.kernel_sessions,
        .ssl_handshake_errors = counts.handshake_errors,
        .time_since_server_cert_refresh =
            server->tls == NULL
                ? 0
                : cmstore_clock(server->store) - atomic_load(&server->certs_clock_s),
        .accepting_conns = counts.accepting,
        .listen_disabled_num = counts.accept_pauses,
        .time_in_listen_disabled_us = counts.accept_paused_us,
        .threads = threads,
        .version = CACHEMAN_VERSION_MEMCACHE,
        .libevent = uv_version_string(),
        .user_us = usage.user_us,
        .system_us = usage.system_us,
    };
}

static const char *on_off(bool on) {
    return on ? "yes" : "no";
}

static void put_addresses(struct cm_stat_sink *sink, const struct cm_config_list *list) {
    char text[240] = "";
    size_t used = 0;
    for (size_t i = 0; i < list->count; i++) {
        int added = snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? "," : "",
                             list->entries[i].host);
        if (added < 0 || (size_t)added >= sizeof text - used)
            break;
        used += (size_t)added;
    }
    put(sink, "inter", "%s", used > 0 ? text : "127.0.0.1,::1");
}

static const char *or_none(const char *text) {
    return text != NULL ? text : "NULL";
}

/* memcached's names and numbers. */
static void put_tls_settings(struct cm_stat_sink *sink, const struct cm_server *server) {
    const struct cm_config *config = server->config;
    put(sink, "ssl_enabled", "%s", on_off(config->tls));
    if (!config->tls)
        return;
    put(sink, "ssl_chain_cert", "%s", config->tls_cert);
    put(sink, "ssl_key", "%s", config->tls_key);
    put(sink, "ssl_verify_mode", "%" PRId64, config->tls_verify);
    put(sink, "ssl_keyformat", "%" PRId64, config->tls_key_format + 1);
    put(sink, "ssl_ciphers", "%s", or_none(config->tls_ciphers));
    put(sink, "ssl_ca_cert", "%s", or_none(config->tls_ca));
    put(sink, "ssl_wbuf_size", "0");
    put(sink, "ssl_session_cache", "%s", on_off(config->tls_session_cache));
    put(sink, "ssl_kernel_tls", "%s", on_off(server->kernel_tls));
    put(sink, "ssl_min_version", "%s", config->tls_min_version == 0 ? "tlsv1.2" : "tlsv1.3");
}

/* What follows the '?' may hold a password. */
static void put_join(struct cm_stat_sink *sink, const struct cm_server *server) {
    const struct cm_config *config = server->config;
    struct cm_etcd_state state;
    if (server->place.etcd == NULL)
        return;
    cm_etcd_read_state(server->place.etcd, &state);
    put(sink, "join", "%.*s", (int)strcspn(config->join, "?"), config->join);
    put(sink, "joined", "%s", on_off(state.is_registered));
    put(sink, "join_members", "%zu", state.member_count);
    put(sink, "advertise", "%s", server->place.name);
    put(sink, "weight", "%" PRId64, config->weight);
}

/* memcached's, for what is not there to be set here: those who read settings look for them. */
static const struct {
    const char *name, *value;
} fixed_settings[] = {
    {"growth_factor", "1.25"},
    {"chunk_size", "48"},
    {"num_threads_per_udp", "1"},
    {"hashpower_init", "0"},
    {"slab_reassign", "no"},
    {"slab_automove", "0"},
    {"slab_automove_ratio", "0.80"},
    {"slab_automove_window", "30"},
    {"slab_automove_freeratio", "0.010"},
    {"slab_chunk_max", "524288"},
    {"lru_crawler", "yes"},
    {"lru_crawler_sleep", "100"},
    {"lru_crawler_tocrawl", "0"},
    {"tail_repair_time", "0"},
    {"lru_maintainer_thread", "no"},
    {"lru_segmented", "no"},
    {"hot_lru_pct", "20"},
    {"warm_lru_pct", "40"},
    {"hot_max_factor", "0.20"},
    {"warm_max_factor", "2.00"},
    {"temp_lru", "no"},
    {"temporary_ttl", "61"},
    {"read_buf_mem_limit", "0"},
    {"track_sizes", "yes"},
    {"inline_ascii_response", "no"},
    {"num_napi_ids", "(null)"},
    {"memory_file", "(null)"},
};

static void put_fixed_settings(struct cm_stat_sink *sink) {
    for (size_t i = 0; i < sizeof fixed_settings / sizeof fixed_settings[0]; i++)
        put(sink, fixed_settings[i].name, "%s", fixed_settings[i].value);
}

/* Under the lock of the configuration. */
static void put_settings(struct cm_server *server, struct cm_stat_sink *sink) {
    static const char *const protocols[] = {"auto-negotiate", "ascii", "binary"};
    const struct cm_config *config = server->config;
    struct cmstore_counters counters;
    char slow_ms[32];
    cmstore_read_counters(server->store, &counters);
    put(sink, "maxbytes", "%" PRIu64, counters.memory_limit);
    put(sink, "maxconns", "%" PRId64, config->connections_max);
    put(sink, "tcpport", "%u", server->port);
    put(sink, "udpport", "%u", server->udp_port);
    put_addresses(sink, &config->listen);
    put(sink, "verbosity", "%" PRIu32, atomic_load(&server->verbosity));
    put(sink, "oldest", "0");
    put(sink, "evictions", "%s", config->no_evict ? "off" : "on");
    put(sink, "policy", "%s", cmstore_policy(server->store));
    put(sink, "domain_socket", "%s", config->unix_path != NULL ? config->unix_path : "NULL");
    put(sink, "umask", "%" PRIo64, (uint64_t)config->unix_mask);
    put(sink, "num_threads", "%" PRId64, config->threads);
    put(sink, "stat_key_prefix", "%c",
        config->prefix_delimiter != 0 ? config->prefix_delimiter : ':');
    put(sink, "reqs_per_event", "%" PRId64, config->requests_per_turn);
    put(sink, "cas_enabled", "yes");
    put(sink, "tcp_backlog", "%" PRId64, config->backlog);
    put(sink, "binding_protocol", "%s", protocols[config->protocol]);
    put(sink, "auth_enabled_sasl", "%s", on_off(config->auth_file != NULL));
    put(sink, "auth_enabled_ascii", "%s",
        config->auth_file != NULL && !config->enable_sasl ? config->auth_file : "no");
    put(sink, "item_size_max", "%" PRIu64, cmstore_item_bytes_max(server->store));
    put(sink, "maxconns_fast", "%s", on_off(!config->connections_wait));
    put(sink, "flush_enabled", "%s", on_off(!config->disable_flush));
    put(sink, "dump_enabled", "%s", on_off(!config->disable_dump));
    put(sink, "hash_algorithm", "xxh3");
    put(sink, "idle_timeout", "%" PRId64, config->idle_timeout_s);
    put(sink, "slow_ms", "%s",
        cm_config_value(config, CM_OPTION_INDEX_slow_us, slow_ms, sizeof slow_ms));
    put(sink, "drop_privileges", "%s", on_off(server->sandboxed));
    put(sink, "shutdown_command", "%s", on_off(config->enable_shutdown));
    put(sink, "detail_enabled", "%s", on_off(cm_admin_detail_is_on(server->admin)));
    put(sink, "hot_keys", "%" PRId64, config->hot_keys);
    put(sink, "watcher_logbuf_size", "%" PRId64, config->watcher_buffer_kb << 10);
    put(sink, "worker_logbuf_size", "0"); /* there are none */
    put_tls_settings(sink, server);
    put_join(sink, server);
    put_fixed_settings(sink);
}

static void on_settings(void *context, struct cm_stat_sink *sink) {
    struct cm_server *server = context;
    uv_mutex_lock(&server->config_lock);
    put_settings(server, sink);
    uv_mutex_unlock(&server->config_lock);
}

static void put_connection(void *context, const struct cm_net_connection *connection) {
    struct cm_stat_sink *sink = context;
    char name[64];
    if (connection->udp) {
        snprintf(name, sizeof name, "%" PRId64 ":UDP", connection->descriptor);
        put(sink, name, "UDP");
    }
    snprintf(name, sizeof name, "%" PRId64 ":addr", connection->descriptor);
    put(sink, name, "%s", connection->address);
    if (connection->listen_address != NULL) {
        snprintf(name, sizeof name, "%" PRId64 ":listen_addr", connection->descriptor);
        put(sink, name, "%s", connection->listen_address);
    }
    snprintf(name, sizeof name, "%" PRId64 ":state", connection->descriptor);
    put(sink, name, "%s", connection->state);
    snprintf(name, sizeof name, "%" PRId64 ":secs_since_last_cmd", connection->descriptor);
    put(sink, name, "%" PRIu32, connection->idle_s);
}

static void on_conns(void *context, struct cm_stat_sink *sink) {
    struct cm_server *server = context;
    cm_net_visit_connections(server->net, put_connection, sink);
}

static void on_cluster(void *context, struct cm_stat_sink *sink) {
    cm_server_put_listing(context, sink);
}

/* ---- changes ---- */

void cm_server_set_verbosity(struct cm_server *server, uint32_t level) {
    atomic_store(&server->verbosity, level);
    uv_mutex_lock(&server->config_lock);
    cm_server_set_log(server->config, level);
    uv_mutex_unlock(&server->config_lock);
}

static void on_set_verbosity(void *context, uint32_t level, int64_t client) {
    cm_server_set_verbosity(context, level);
    cm_server_order(context, CM_SERVER_ORDER_VERBOSITY, client);
}

static void on_shutdown(void *context, bool graceful, int64_t client) {
    (void)graceful; /* every stop is */
    cm_server_order(context, CM_SERVER_ORDER_STOP, client);
}

static void on_memory_changed(void *context, uint64_t bytes, int64_t client) {
    struct cm_server *server = context;
    cm_net_set_memory(server->net, bytes);
    cm_server_order(server, CM_SERVER_ORDER_MEMORY, client);
}

static void on_policy_changed(void *context, int64_t client) {
    cm_server_order(context, CM_SERVER_ORDER_POLICY, client);
}

static void on_flushed(void *context, int64_t client) {
    char text[CM_NET_CLIENT_BYTES];
    (void)context;
    if (cm_log_wants(cm_server_log(), CM_LOG_INFO))
        cm_log_often(cm_server_log(), CM_LOG_INFO, "flush_all by %s",
                     cm_net_client_text(client, text));
}

/* Nothing is looked up for it: there may be as many as there are requests. */
static void on_store_refused(void *context) {
    const struct cm_server *server = context;
    if (server->config->no_evict) /* for life */
        cm_log_often(cm_server_log(), CM_LOG_WARNING,
                     "refused to store an item: memory is full, and -M evicts nothing");
    else
        cm_log_often(cm_server_log(), CM_LOG_WARNING,
                     "refused to store an item: there is no memory");
}

static enum cm_refresh on_refresh_certs(void *context) {
    struct cm_server *server = context;
    if (server->tls == NULL && !cm_server_has_admin_tls(server))
        return CM_REFRESH_OFF;
    bool good = cm_server_reload_certs(server);
    return cm_server_renew_admin_tls(server) && good ? CM_REFRESH_DONE : CM_REFRESH_FAILED;
}

/* ---- time, for tests ---- */

static void on_time_pause(void *context) {
    cm_clock_pause(&((struct cm_server *)context)->clock, true);
}

static void on_time_resume(void *context) {
    cm_clock_pause(&((struct cm_server *)context)->clock, false);
}

static void on_time_move(void *context, int64_t delta_s) {
    cm_clock_move(&((struct cm_server *)context)->clock, delta_s);
}

void cm_server_fill_control(struct cm_server *server) {
    server->control = (struct cm_control){
        .context = server,
        .server_stats = on_server_stats,
        .settings = on_settings,
        .conns = on_conns,
        .cluster = on_cluster,
        .set_verbosity = on_set_verbosity,
        .shutdown = on_shutdown,
        .memory_changed = on_memory_changed,
        .policy_changed = on_policy_changed,
        .flushed = on_flushed,
        .store_refused = on_store_refused,
        .refresh_certs = on_refresh_certs,
        .time_pause = on_time_pause,
        .time_resume = on_time_resume,
        .time_move = on_time_move,
    };
}

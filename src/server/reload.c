/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/change.h"
#include "server/internal.h"

#include <inttypes.h>

struct cm_config cm_server_config_now(struct cm_server *server) {
    uv_mutex_lock(&server->config_lock);
    const struct cm_config config = *server->config;
    uv_mutex_unlock(&server->config_lock);
    return config;
}

/* A configuration that is read again: what can change while the server runs does. Each of these
 * takes one option's new value over, out of `fresh`; false, after a message: it stays as it was. */

enum { VALUE_BYTES = 256 };

static void tell_status(enum cm_config_index index, enum cm_status status) {
    cm_server_complain("%s: %s; it stays as it was", cm_config_name(index), cm_status_text(status));
}

/* ---- the store ---- */

static void tell_too_small(const struct cm_server *server, uint64_t bytes) {
    const char *name = cm_config_name(CM_OPTION_INDEX_memory_mb);
    uint64_t least_mb = (cmstore_memory_min(server->store) + (1 << 20) - 1) >> 20;
    if (bytes >> 20 < least_mb)
        cm_server_complain("%s: %" PRIu64 " is too small, the smallest is %" PRIu64
                           "; it stays as it was",
                           name, bytes >> 20, least_mb);
    else
        cm_server_complain("%s: %" PRIu64 " is too small for the items that there are, which -M "
                           "keeps; it stays as it was",
                           name, bytes >> 20);
}

static bool change_memory(struct cm_server *server, const struct cm_config *fresh) {
    uint64_t bytes = (uint64_t)fresh->memory_mb << 20;
    cmstore_thread *thread = NULL;
    enum cm_status status = cmstore_attach(server->store, &thread);
    if (status == CM_OK)
        status = cmstore_set_memory(thread, bytes);
    cmstore_detach(thread);
    if (status == CM_LIMIT_TOO_SMALL)
        tell_too_small(server, bytes);
    else if (status != CM_OK)
        tell_status(CM_OPTION_INDEX_memory_mb, status);
    if (status != CM_OK)
        return false;
    cm_net_set_memory(server->net, bytes);
    return true;
}

static bool change_policy(struct cm_server *server, const struct cm_config *fresh) {
    cmstore_thread *thread = NULL;
    enum cm_status status = cmstore_attach(server->store, &thread);
    if (status == CM_OK)
        status = cmstore_set_policy(thread, fresh->policy);
    cmstore_detach(thread);
    if (status != CM_OK)
        tell_status(CM_OPTION_INDEX_policy, status);
    return status == CM_OK;
}

/* ---- the network ---- */

static bool change_connections(struct cm_server *server, const struct cm_config *fresh) {
    cm_server_raise_open_files(fresh);
    cm_net_set_connections_max(server->net, (uint32_t)fresh->connections_max);
    return true;
}

static bool change_idle_timeout(struct cm_server *server, const struct cm_config *fresh) {
    cm_net_set_idle_timeout(server->net, (uint32_t)fresh->idle_timeout_s);
    return true;
}

static bool change_slow(struct cm_server *server, const struct cm_config *fresh) {
    cm_net_set_slow(server->net, (uint64_t)fresh->slow_us * 1000);
    return true;
}

/* ---- users and messages ---- */

static bool change_users(struct cm_server *server, const struct cm_config *fresh) {
    if (server->auth != NULL && fresh->auth_file != NULL)
        return cm_server_reload_users(server, fresh);
    cm_server_warn("auth-file: whether clients log in changes with a restart only");
    return false;
}

static bool change_log(struct cm_server *server, const struct cm_config *fresh) {
    cm_server_set_log(fresh, atomic_load(&server->verbosity));
    return true;
}

static bool change_verbosity(struct cm_server *server, const struct cm_config *fresh) {
    atomic_store(&server->verbosity, (uint32_t)fresh->verbosity);
    return change_log(server, fresh);
}

/* ---- all of them ---- */

static const struct {
    enum cm_config_index index;
    bool (*change)(struct cm_server *server, const struct cm_config *fresh);
} changes[] = {
    {CM_OPTION_INDEX_memory_mb, change_memory},
    {CM_OPTION_INDEX_policy, change_policy},
    {CM_OPTION_INDEX_connections_max, change_connections},
    {CM_OPTION_INDEX_idle_timeout_s, change_idle_timeout},
    {CM_OPTION_INDEX_slow_us, change_slow},
    {CM_OPTION_INDEX_listen, cm_server_listen_anew},
    {CM_OPTION_INDEX_auth_file, change_users},
    {CM_OPTION_INDEX_verbosity, change_verbosity},
    {CM_OPTION_INDEX_log_level, change_log},
    {CM_OPTION_INDEX_log_format, change_log},
};

/* Taken over together: they make one context. The first ones are of --admin-tls, too. */
static const enum cm_config_index tls_options[] = {
    CM_OPTION_INDEX_tls_cert,        CM_OPTION_INDEX_tls_key,
    CM_OPTION_INDEX_tls_min_version, CM_OPTION_INDEX_tls_key_format,
    CM_OPTION_INDEX_tls_ca,          CM_OPTION_INDEX_tls_verify,
    CM_OPTION_INDEX_tls_ciphers,     CM_OPTION_INDEX_tls_session_cache,
};

enum { ADMIN_TLS_OPTIONS = 3, TLS_OPTIONS = sizeof tls_options / sizeof tls_options[0] };

/* How many of them something obeys, from the first on. */
static size_t tls_option_count(const struct cm_server *server) {
    return server->tls != NULL               ? TLS_OPTIONS
           : cm_server_has_admin_tls(server) ? ADMIN_TLS_OPTIONS
                                             : 0;
}

static const char *or_not_set(const char *text) {
    return *text != '\0' ? text : "(not set)";
}

/* Workers look at the configuration for `stats settings`. */
static enum cm_status adopt(struct cm_server *server, const struct cm_config *from,
                            enum cm_config_index index) {
    uv_mutex_lock(&server->config_lock);
    enum cm_status status = cm_config_adopt(server->config, from, index);
    uv_mutex_unlock(&server->config_lock);
    return status;
}

/* And by whom, if it is not by a reload. */
static void tell_change(const struct cm_server *server, const struct cm_config *old,
                        const struct cm_config *new, enum cm_config_index index) {
    const char *by = server->settings.by;
    char before[VALUE_BYTES], after[VALUE_BYTES];
    cm_config_value(old, index, before, sizeof before);
    cm_config_value(new, index, after, sizeof after);
    cm_server_tell("%s: %s -> %s%s%s", cm_config_name(index), or_not_set(before), or_not_set(after),
                   by != NULL ? ", by " : "", by != NULL ? by : "");
}

static void take_over(struct cm_server *server, const struct cm_config *fresh,
                      enum cm_config_index index) {
    if (cm_config_differs(server->config, fresh, index))
        tell_change(server, server->config, fresh, index);
    if (adopt(server, fresh, index) != CM_OK)
        tell_status(index, CM_NO_MEMORY);
}

static bool differ(const struct cm_server *server, const struct cm_config *fresh,
                   const enum cm_config_index *indexes, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || cm_config_differs(server->config, fresh, indexes[i]);
    return any;
}

/* Both ports' or neither's: the cache's files are known to be good before --admin takes its own. */
static bool renew_certs(struct cm_server *server) {
    if (server->tls == NULL)
        return cm_server_renew_admin_tls(server);
    if (!cm_server_has_admin_tls(server))
        return cm_server_change_certs(server);
    if (!cm_server_check_certs(server))
        return false;
    if (cm_server_renew_admin_tls(server))
        return cm_server_change_certs(server);
    cm_server_complain("the certificates of the cache's port stay as they were, too");
    return false;
}

/* The context borrows its texts from the configuration in force, so that comes first. */
static void change_tls(struct cm_server *server, const struct cm_config *fresh) {
    const struct cm_config before = *server->config; /* whose texts stay good */
    size_t count = tls_option_count(server);
    enum cm_status status = CM_OK;
    for (size_t i = 0; i < count && status == CM_OK; i++)
        status = adopt(server, fresh, tls_options[i]);
    if (status == CM_OK && renew_certs(server)) {
        for (size_t i = 0; i < count; i++) {
            if (cm_config_differs(&before, server->config, tls_options[i]))
                tell_change(server, &before, server->config, tls_options[i]);
        }
        return;
    }
    for (size_t i = 0; i < count; i++)
        (void)!adopt(server, &before, tls_options[i]);
}

/* Of those that nothing obeys. */
static void tell_no_tls(const struct cm_server *server, const struct cm_config *fresh) {
    for (size_t i = tls_option_count(server); i < TLS_OPTIONS; i++) {
        if (cm_config_differs(server->config, fresh, tls_options[i]))
            cm_server_warn("%s: changes with a restart only: there is no TLS now",
                           cm_config_name(tls_options[i]));
    }
}

/* What was not given is worked out of other options, and follows them at the next start. */
static bool needs_restart(const struct cm_server *server, const struct cm_config *fresh,
                          enum cm_config_index index) {
    return cm_config_is_of_files(index) && !cm_config_is_live(index) &&
           cm_config_differs(server->config, fresh, index) &&
           (server->config->places[index].origin != CM_CONFIG_FROM_DEFAULT ||
            fresh->places[index].origin != CM_CONFIG_FROM_DEFAULT);
}

static bool is_set(const struct cm_config *config, enum cm_config_index index) {
    return config->places[index].origin == CM_CONFIG_FROM_RUN;
}

static bool has_moved(const struct cm_config_place *from, const struct cm_config_place *to) {
    bool is_set_at_all = from->origin == CM_CONFIG_FROM_RUN || to->origin == CM_CONFIG_FROM_RUN;
    return is_set_at_all && (from->origin != to->origin || from->line != to->line);
}

static bool is_of_file(const struct cm_config *config, enum cm_config_index index) {
    return config->places[index].origin == CM_CONFIG_FROM_FILE;
}

/* What messages say of values that did not change shall be true of the file as it is now. */
static void take_lines(struct cm_server *server, const struct cm_config *fresh) {
    uv_mutex_lock(&server->config_lock);
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (is_of_file(server->config, index) && is_of_file(fresh, index) &&
            !cm_config_differs(server->config, fresh, index))
            server->config->places[index].line = fresh->places[index].line;
    }
    uv_mutex_unlock(&server->config_lock);
}

/* A value that was in force already may be somebody else's now. */
static void take_places(struct cm_server *server, const struct cm_config *fresh) {
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (cm_config_is_live(index) && !cm_config_differs(server->config, fresh, index) &&
            has_moved(&server->config->places[index], &fresh->places[index]))
            (void)!adopt(server, fresh, index); /* without memory it stays whose it was */
    }
}

void cm_server_apply(struct cm_server *server, const struct cm_config *fresh) {
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        enum cm_config_index index = changes[i].index;
        if (cm_config_differs(server->config, fresh, index) && changes[i].change(server, fresh))
            take_over(server, fresh, index);
    }
    bool keeps_tls = server->tls != NULL ? fresh->tls : fresh->admin_tls;
    if (keeps_tls && differ(server, fresh, tls_options, tls_option_count(server)))
        change_tls(server, fresh);
    tell_no_tls(server, fresh);
    take_places(server, fresh);
    for (int i = 0; i < CM_OPTIONS; i++) {
        if (needs_restart(server, fresh, (enum cm_config_index)i))
            cm_server_warn("%s: changes with a restart only",
                           cm_config_name((enum cm_config_index)i));
    }
}

/* What was set at run time goes before what was read, until it is taken back. */
static void tell_kept(const struct cm_server *server) {
    char value[VALUE_BYTES];
    for (int i = 0; i < CM_OPTIONS; i++) {
        enum cm_config_index index = (enum cm_config_index)i;
        if (is_set(server->config, index))
            cm_server_tell("%s: stays %s, set at run time by %s", cm_config_name(index),
                           cm_config_value(server->config, index, value, sizeof value),
                           server->config->places[index].by);
    }
}

/* Users and certificates may have changed in files of the same name. */
static void take(struct cm_server *server, const struct cm_config *fresh) {
    if (fresh->file != NULL) /* whose lines are named from here on */
        cm_server_note_file(server, server->start->line->default_file);
    take_lines(server, fresh);
    bool same_users = !cm_config_differs(server->config, fresh, CM_OPTION_INDEX_auth_file);
    cm_server_apply(server, fresh);
    tell_kept(server);
    (void)cm_server_reload_certs(server);
    if (same_users && server->auth != NULL)
        (void)cm_server_reload_users(server, server->config);
    cm_server_reload_token(server);
    (void)cm_server_renew_admin_tls(server);
    if (fresh->file == NULL) {
        cm_server_tell("configuration read again: there is no file");
        return;
    }
    cm_server_tell("configuration read again: %s", fresh->file);
}

void cm_server_reload(struct cm_server *server) {
    struct cm_command_line line = *server->start->line;
    struct cm_config fresh;
    struct cm_config_error error;
    cm_server_take_orders(server);
    line.had_file = server->config->file != NULL;
    line.is_again = true;
    line.in_force = server->config;
    bool good = cm_config_parse(&fresh, &line, &error) == CM_OK;
    if (!good)
        cm_server_tell_faults(&fresh, &error);
    if (good && cm_server_check_policy(&fresh) == CM_EXIT_OK)
        take(server, &fresh);
    else
        cm_server_complain("the configuration stays as it was");
    cm_config_deinit(&fresh);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_TESTS_SUPPORT_SESSION_RIG_H
#define CM_TESTS_SUPPORT_SESSION_RIG_H

/* A whole server without sockets: a store, one session, a clock that moves when told to. */

#include "auth/auth.h"
#include "base/buf.h"
#include "base/check.h"
#include "command/admin.h"
#include "command/events.h"
#include "metrics/metrics.h"
#include "protocol/protocol.h"
#include "session/session.h"
#include <cacheman/store.h>

/* Unix time when the rig's clock is at RIG_CLOCK_START. */
#define RIG_WALL_START  1800000000
#define RIG_CLOCK_START 1000

struct rig_options {
    uint64_t memory_bytes;   /* 0: 16 MiB */
    uint64_t item_bytes_max; /* 0: the default */
    bool ascii;              /* -B */
    bool binary;
    bool no_evict;
    bool flush_disabled;
    bool dump_disabled;
    bool watch_disabled;
    bool shutdown_enabled;
    bool debug_time;
    bool users; /* those of RIG_USERS must log in */
};

/* From the root of the sources, where tests run. */
#define RIG_USERS "tests/session/auth/users"

struct rig {
    struct cm_session_env env;
    struct cm_control control;
    cmstore_thread *thread;
    struct cm_metrics_group *metrics;
    struct cm_session_worker *worker;
    struct cm_session *session;
    struct cm_out out;
    struct cm_buf received; /* what the session has answered */
    size_t peak_out;        /* most bytes the output ever held at once, inserts included */
    size_t peak_session;    /* most bytes the session ever held */
    uint32_t now_s;
    uint32_t verbosity;
    enum cm_refresh refresh; /* what refreshing certificates comes to */
    uint32_t paused_ms;      /* all pauses of its sessions together */
    bool paused;
    bool closed;
    bool shut_down;
    bool shut_down_gracefully;
};

static inline void rig_server_stats(void *context, struct cm_server_stats *stats) {
    (void)context;
    *stats = (struct cm_server_stats){
        .pid = 1, .version = "test", .libevent = "none", .user_us = 1500000, .system_us = 7};
}

static inline void rig_settings(void *context, struct cm_stat_sink *sink) {
    (void)context;
    sink->line(sink, CM_SLICE("maxconns"), CM_SLICE("1024"));
}

static inline void rig_conns(void *context, struct cm_stat_sink *sink) {
    (void)context;
    sink->line(sink, CM_SLICE("1:state"), CM_SLICE("conn_mwrite"));
}

static inline void rig_cluster(void *context, struct cm_stat_sink *sink) {
    (void)context;
    sink->line(sink, CM_SLICE("cluster"), CM_SLICE("12\n127.0.0.1|127.0.0.1|16180\n"));
}

static inline void rig_set_verbosity(void *context, uint32_t level, int64_t client) {
    (void)client;
    ((struct rig *)context)->verbosity = level;
}

static inline void rig_shutdown(void *context, bool graceful, int64_t client) {
    (void)client;
    ((struct rig *)context)->shut_down = true;
    ((struct rig *)context)->shut_down_gracefully = graceful;
}

static inline void rig_memory_changed(void *context, uint64_t bytes, int64_t client) {
    (void)context;
    (void)bytes;
    (void)client;
}

/* A policy that has changed, items that were flushed. */
static inline void rig_told(void *context, int64_t client) {
    (void)context;
    (void)client;
}

static inline void rig_store_refused(void *context) {
    (void)context;
}

static inline enum cm_refresh rig_refresh_certs(void *context) {
    return ((struct rig *)context)->refresh;
}

static inline void rig_advance(struct rig *rig, int64_t delta_s) {
    if (delta_s > 0) {
        rig->now_s += (uint32_t)delta_s;
        cmstore_set_clock(rig->env.store, rig->now_s);
    }
}

static inline void rig_time_pause(void *context) {
    ((struct rig *)context)->paused = true;
}

static inline void rig_time_resume(void *context) {
    ((struct rig *)context)->paused = false;
}

static inline void rig_time_move(void *context, int64_t delta_s) {
    rig_advance(context, delta_s < 1 << 20 ? delta_s : 1 << 20);
}

static inline void rig_new_session(struct rig *rig) {
    CM_CHECK(cm_session_create(rig->worker, &rig->session) == CM_OK);
    rig->closed = false;
}

static inline struct cm_auth *rig_users(void) {
    struct cm_auth *auth;
    struct cm_auth_error error;
    CM_CHECK(cm_auth_create(&auth) == CM_OK);
    CM_CHECK(cm_auth_load(auth, RIG_USERS, &error) == CM_OK);
    return auth;
}

/* The rig must not move afterwards. */
static inline void rig_open(struct rig *rig, const struct rig_options *options) {
    struct cmstore_options store_options = {
        .memory_bytes = options->memory_bytes != 0 ? options->memory_bytes : (uint64_t)16 << 20,
        .item_bytes_max = options->item_bytes_max,
        .no_evict = options->no_evict,
        .no_background = true,
        .hash_seed = 1,
        .clock_s = RIG_CLOCK_START,
        .on_evict = cm_events_on_evict,
    };
    *rig = (struct rig){.now_s = RIG_CLOCK_START};
    rig->control = (struct cm_control){
        .context = rig,
        .server_stats = rig_server_stats,
        .settings = rig_settings,
        .conns = rig_conns,
        .cluster = rig_cluster,
        .set_verbosity = rig_set_verbosity,
        .shutdown = rig_shutdown,
        .memory_changed = rig_memory_changed,
        .policy_changed = rig_told,
        .flushed = rig_told,
        .store_refused = rig_store_refused,
        .refresh_certs = rig_refresh_certs,
        .time_pause = rig_time_pause,
        .time_resume = rig_time_resume,
        .time_move = rig_time_move,
    };
    rig->env = (struct cm_session_env){
        .control = &rig->control,
        .protocol = options->ascii    ? &cm_protocol_memcache_text
                    : options->binary ? &cm_protocol_memcache_binary
                                      : NULL,
        .flush_disabled = options->flush_disabled,
        .dump_disabled = options->dump_disabled,
        .watch_disabled = options->watch_disabled,
        .shutdown_enabled = options->shutdown_enabled,
        .debug_time = options->debug_time,
        .auth = options->users ? rig_users() : NULL,
    };
    CM_CHECK(cm_metrics_group_create(1, &rig->metrics) == CM_OK);
    CM_CHECK(cm_admin_create(rig->metrics, &rig->env.admin) == CM_OK);
    cm_admin_set_wall_zero(rig->env.admin, RIG_WALL_START - RIG_CLOCK_START);
    store_options.on_evict_context = cm_admin_watch(rig->env.admin);
    CM_CHECK(cmstore_create(&store_options, &rig->env.store) == CM_OK);
    CM_CHECK(cmstore_attach(rig->env.store, &rig->thread) == CM_OK);
    CM_CHECK(cm_session_worker_create(&rig->env, rig->thread, cm_metrics_of_thread(rig->metrics, 0),
                                      &rig->worker) == CM_OK);
    CM_CHECK(cm_session_out_init(&rig->out) == CM_OK);
    rig_new_session(rig);
}

static inline void rig_end_session(struct rig *rig) {
    cmstore_begin(rig->thread);
    cm_session_destroy(rig->session);
    cmstore_end(rig->thread);
    rig->session = NULL;
}

static inline void rig_close(struct rig *rig) {
    rig_end_session(rig);
    cm_session_worker_destroy(rig->worker);
    cm_session_out_deinit(&rig->out);
    cmstore_detach(rig->thread);
    cmstore_destroy(rig->env.store);
    cm_admin_destroy(rig->env.admin);
    cm_metrics_group_destroy(rig->metrics);
    cm_auth_destroy(rig->env.auth);
    cm_buf_deinit(&rig->received);
}

static inline void rig_receive(struct rig *rig, struct cm_slice bytes) {
    CM_CHECK(cm_buf_append(&rig->received, bytes) == CM_OK);
}

/* Moves the output to `received`, as net/ sends it. */
static inline void rig_drain(struct rig *rig) {
    struct cm_out *out = &rig->out;
    size_t from = 0;
    const size_t bytes = out->len + out->held_bytes;
    rig->peak_out = bytes > rig->peak_out ? bytes : rig->peak_out;
    for (unsigned i = 0; i < out->insert_count; i++) {
        struct cm_out_insert *insert = &out->inserts[i];
        rig_receive(rig, cm_slice(out->data + from, insert->position - from));
        from = insert->position;
        size_t offset = 0;
        while (offset < insert->bytes) {
            const struct cm_slice part = cm_session_insert_part(insert, offset);
            CM_CHECK(part.len > 0);
            rig_receive(rig, part);
            offset += part.len;
        }
        cm_session_insert_release(insert);
    }
    rig_receive(rig, cm_slice(out->data + from, out->len - from));
    cm_session_out_clear(out);
}

/* One read of a connection, and all turns it takes to answer it. */
static inline void rig_feed(struct rig *rig, struct cm_slice input) {
    if (rig->closed) {
        return;
    }
    cmstore_begin(rig->thread);
    enum cm_session_state state = cm_session_feed(rig->session, input, &rig->out);
    for (;;) {
        const size_t bytes = cm_session_bytes(rig->session);
        rig->peak_session = bytes > rig->peak_session ? bytes : rig->peak_session;
        rig_drain(rig);
        if (state == CM_SESSION_READ || state == CM_SESSION_WATCH || state == CM_SESSION_CLOSE) {
            break;
        }
        if (state == CM_SESSION_PAUSE) {
            rig->paused_ms += cm_session_pause_ms(rig->session);
        }
        cmstore_end(rig->thread);
        cmstore_begin(rig->thread);
        state = cm_session_resume(rig->session, &rig->out);
    }
    cmstore_end(rig->thread);
    rig->closed = state == CM_SESSION_CLOSE;
}

#endif

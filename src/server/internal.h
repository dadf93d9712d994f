/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_INTERNAL_H
#define CM_SERVER_INTERNAL_H

/* What the files of server/ share: everything that one running server is made of. */

#include "base/format.h"
#include "base/os/process.h"
#include "command/control.h"
#include "config/config.h"
#include "net/net.h"
#include "server/admin.h"
#include "server/certs.h"
#include "server/clock.h"
#include "server/cluster.h"
#include "server/orders.h"
#include "server/server.h"
#include "server/settings.h"
#include "session/session.h"
#include <stdatomic.h>

enum { CM_SERVER_SIGNALS = 3 };

/* Descriptors beside those of connections: listeners, files, three a loop and some. */
#define CM_SERVER_DESCRIPTORS(threads) (48 + 4 * (threads))

/* How the server was started. */
struct cm_server_start {
    const struct cm_command_line *line; /* borrowed: a reload reads it again */
    const struct cm_server_test *test;  /* NULL: none */
};

struct cm_server {
    /* What is in force; borrowed. The main thread changes it, under the lock; other threads look at
     * it under the lock. Its texts stay good until the end. */
    struct cm_config *config;
    uv_mutex_t config_lock;
    const struct cm_server_start *start; /* borrowed */
    uv_loop_t loop;                      /* of the main thread */
    uv_signal_t signals[CM_SERVER_SIGNALS];
    uv_signal_t reload; /* SIGHUP */
    uv_timer_t tick;
    cmstore *store;
    struct cm_metrics_group *metrics;
    struct cm_admin *admin;
    struct cm_tls_context *tls; /* NULL: no TLS */
    struct cm_auth *auth;       /* NULL: nobody needs to log in */
    struct cm_net *net;
    struct cm_clock clock;
    struct cm_cluster_place place; /* of this server among others */
    struct cm_cluster_listing listing;
    struct cm_server_pages pages; /* of --admin */
    struct cm_server_settings settings;
    struct cm_server_orders orders;
    struct cm_control control;
    struct cm_session_env env;
    struct cm_os_background background;
    uint64_t start_ns;
    char *pid_file;             /* owned; NULL: none written */
    uint16_t port;              /* of the first TCP listener */
    uint16_t udp_port;          /* of the first UDP listener */
    bool sandboxed, kernel_tls; /* the latter: asked for, and there */
    bool has_loop, has_clock, has_handles;
    _Atomic bool serves;                       /* new clients, too */
    _Atomic uint32_t verbosity, certs_clock_s; /* the latter: when they were read */
};

/* control.c: what commands may ask of the server. */
void cm_server_fill_control(struct cm_server *server);
void cm_server_set_verbosity(struct cm_server *server, uint32_t level);

/* files.c: CANNOT_WRITE after a message for people. */
enum cm_exit cm_server_write_pid_file(struct cm_server *server);
enum cm_exit cm_server_check_pid_file(const struct cm_config *config); /* writes nothing */
void cm_server_remove_pid_file(struct cm_server *server);
enum cm_exit cm_server_write_port_file(struct cm_server *server);
/* Says what the user of -u will not be able to read again, or to remove at the end. */
void cm_server_check_files(const struct cm_config *config);

/* cluster.c: this server as a member. USAGE or SYSTEM after a message for people. */
enum cm_exit cm_server_find_place(struct cm_server *server); /* once it listens */
void cm_server_find_place_anew(struct cm_server *server);    /* elsewhere; not a member's */
enum cm_exit cm_server_check_cluster(const struct cm_config *config); /* --join, --cluster */
enum cm_exit cm_server_join(struct cm_server *server);                /* once it is sandboxed */
/* Leaves first what it has joined, unless told twice. On the main thread, as the others. */
void cm_server_stop(struct cm_server *server);
void cm_server_close_place(struct cm_server *server);

/* listing.c: the servers that there are. CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_open_listing(struct cm_server *server);
/* Looks again, on the main thread. What is wrong with the file is said, and it stays as it was. */
void cm_server_renew_listing(struct cm_server *server);
void cm_server_put_listing(struct cm_server *server, struct cm_stat_sink *sink); /* any thread */
void cm_server_close_listing(struct cm_server *server);

/* auth.c: who may log in. CONFIG or SYSTEM after a message for people. */
enum cm_exit cm_server_load_users(struct cm_server *server);
/* Out of the file that `config` names. False, after a message: they stay as they were. */
bool cm_server_reload_users(struct cm_server *server, const struct cm_config *config);

/* password.c: --hash-password for `user`, who may be empty. */
enum cm_exit cm_server_hash_password(const char *user);

/* reload.c: what is in force now, whose texts stay good. Any thread. */
struct cm_config cm_server_config_now(struct cm_server *server);
/* reload.c: reads the configuration again, and every file it names that may change. What is wrong with
 * one is said, and it stays as it was. On the main thread, as the next. */
void cm_server_reload(struct cm_server *server);
/* Takes over, an option at a time, what is different and can change live; says what came of it. */
void cm_server_apply(struct cm_server *server, const struct cm_config *fresh);

/* listen.c: opens everything, as root where there is no other way, and then gives that up. */
enum cm_exit cm_server_listen(struct cm_server *server);
enum cm_exit cm_server_become_user(struct cm_server *server);
/* On the addresses of `fresh`, if they can be had. False, after a message: nothing has changed. */
bool cm_server_listen_anew(struct cm_server *server, const struct cm_config *fresh);
/* Tells where the server listens. */
void cm_server_announce(struct cm_server *server);

/* run.c: a server from beginning to end. */
enum cm_exit cm_server_run(struct cm_config *config, const struct cm_server_start *start);
/* As many as the connections need, as far as they can be had. */
void cm_server_raise_open_files(const struct cm_config *config);

/* check.c: --check-config, once the options are good: the files that they name. */
enum cm_exit cm_server_check(struct cm_config *config);

/* main.c: whether there is that policy. USAGE or CONFIG after a message for people. */
enum cm_exit cm_server_check_policy(const struct cm_config *config);
/* All that is wrong with a configuration. */
void cm_server_tell_faults(const struct cm_config *config, const struct cm_config_error *error);

/* log.c: the messages for people, a line each. Once started, any thread. */
void cm_server_start_log(void);
struct cm_log *cm_server_log(void);
/* As the configuration says, and as often as -v says. */
void cm_server_set_log(const struct cm_config *config, uint32_t verbosity);
/* What could not be done; what somebody should look at; what happens. */
CM_PRINTF(1, 2) void cm_server_complain(const char *format, ...);
CM_PRINTF(1, 2) void cm_server_warn(const char *format, ...);
CM_PRINTF(1, 2) void cm_server_tell(const char *format, ...);
/* Appends what this thread says to `to` as well, whatever the level, a line each; NULL: no more. */
void cm_server_hear(struct cm_buf *to);
/* What was printed is written now. CANNOT_WRITE after a message. */
enum cm_exit cm_server_flush_output(void);

#endif

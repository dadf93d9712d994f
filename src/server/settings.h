/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_SERVER_SETTINGS_H
#define CM_SERVER_SETTINGS_H

/* Settings that are changed by way of --admin. */

#include "admin/change.h"
#include <uv.h>

struct cm_server;

/* Changes on their way from the port's thread to the main one. */
struct cm_server_settings {
    uv_mutex_t lock; /* guards the next two */
    struct cm_admin_change *first, **last;
    bool is_open;
    bool has_lock;
    uv_async_t wake;
    const char *by; /* whose change is under way; NULL: none. The main thread's */
};

/* Once there is a loop, if there are to be pages. False: the system refuses. */
bool cm_server_open_settings(struct cm_server *server);
/* Takes a change. Any thread. */
void cm_server_take_change(struct cm_server *server, struct cm_admin_change *change);
/* Answers those that are left, and refuses what comes then. The loop closes the handle. */
void cm_server_close_settings(struct cm_server *server);
void cm_server_deinit_settings(struct cm_server *server);
/* The configuration's file, which lasts, if there was none before: nobody has named it. */
void cm_server_note_file(struct cm_server *server, const char *path);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_CHANGE_H
#define CM_ADMIN_CHANGE_H

/* A change of the configuration that somebody asks for by HTTP.
 *
 *     receiving --handed over--> at the server --answered--> answered
 *
 * C1. While it is at the server, nobody else touches it; its connection is suspended, and so neither
 *     times out nor ends.
 * C2. Who has it answers it, once. */

#include "base/buf.h"
#include "config/config.h"

#define CM_ADMIN_CHANGE_BYTES 65536

struct cm_admin_port;
struct MHD_Connection;

/* HTTP's. */
enum cm_admin_change_code {
    CM_ADMIN_CHANGE_DONE = 200,
    CM_ADMIN_CHANGE_IN_PART = 409, /* something stays as it was */
    CM_ADMIN_CHANGE_WRONG = 422,   /* nothing has changed */
    CM_ADMIN_CHANGE_NO_MEMORY = 500,
    CM_ADMIN_CHANGE_STOPPING = 503,
};

enum cm_admin_change_state { CM_ADMIN_RECEIVING, CM_ADMIN_AT_SERVER, CM_ADMIN_ANSWERED };

struct cm_admin_change {
    struct cm_admin_change *next; /* for whoever has it */
    struct cm_buf text;           /* what to set, as of a configuration's file */
    bool takes_back;              /* what was set; `text` is a name and a zero, or empty: all */
    bool json;                    /* the answer is to be */
    char by[CM_CONFIG_BY_BYTES];  /* who asks */
    /* To be filled in by who answers. */
    enum cm_admin_change_code code;
    struct cm_buf answer;
    /* The port's. */
    enum cm_admin_change_state state;
    bool is_too_large;
    struct cm_admin_port *port;
    struct MHD_Connection *connection;
};

/* Gives it back, with its answer. Any thread. */
void cm_admin_change_answered(struct cm_admin_change *change);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_ADMIN_INTERNAL_H
#define CM_ADMIN_INTERNAL_H

/* Between port.c and what it hands requests to. */

#include "admin/http.h"
#include "admin/port.h"

/* ---- port.c ---- */

const struct cm_admin_http *cm_admin_http_of(struct cm_admin_port *port);
const struct cm_admin_port_options *cm_admin_options_of(struct cm_admin_port *port);
/* NULL: there is no such header. */
const char *cm_admin_header(struct cm_admin_port *port, struct MHD_Connection *connection,
                            const char *name);
/* Whether somebody has shown who they are; false where nobody is asked to. */
bool cm_admin_is_known(struct cm_admin_port *port, struct MHD_Connection *connection);

/* By the token that was shown, if any. */
enum cm_admin_right cm_admin_right_of(struct cm_admin_port *port,
                                      struct MHD_Connection *connection);
bool cm_admin_has_cert(struct cm_admin_port *port, struct MHD_Connection *connection);
/* Whether there is a way to. */
bool cm_admin_asks_who(struct cm_admin_port *port);
/* What is said to those who have not; the log is told of them. */
const char *cm_admin_refuse(struct cm_admin_port *port, struct MHD_Connection *connection);

struct cm_admin_reply {
    unsigned code;
    const char *text;   /* NULL: the body */
    struct cm_buf body; /* taken */
    bool json;
    const char *allow; /* methods, with METHOD_NOT_ALLOWED */
};
enum MHD_Result cm_admin_reply(struct cm_admin_port *port, struct MHD_Connection *connection,
                               const struct cm_admin_reply *reply);

/* ---- change.c: a request that is more than a look ---- */

struct cm_admin_request {
    struct MHD_Connection *connection;
    const char *path, *method;
    struct cm_slice body; /* a piece of it */
    void **state;         /* the library's, which keeps it for us */
};

/* The client's address, "" if it is unknown. Returns `to`. */
#define CM_ADMIN_CLIENT_BYTES 64
const char *cm_admin_client_text(struct cm_admin_port *port, struct MHD_Connection *connection,
                                 char to[CM_ADMIN_CLIENT_BYTES]);
bool cm_admin_is_of_change(const struct cm_admin_request *request);
enum MHD_Result cm_admin_take_change(struct cm_admin_port *port,
                                     const struct cm_admin_request *request);
/* Its connection ends. */
void cm_admin_forget_change(void **state);

#endif

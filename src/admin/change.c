/* SPDX-License-Identifier: BSD-3-Clause */
#include "admin/change.h"
#include "admin/internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "/config";
enum { PATH_BYTES = sizeof path - 1 };

/* What is behind "/config/", "" of "/config" itself; NULL: it is another page. */
static const char *name_in(const char *of) {
    if (strncmp(of, path, PATH_BYTES) != 0)
        return NULL;
    of += PATH_BYTES;
    return *of == '\0' ? of : *of == '/' && of[1] != '\0' ? of + 1 : NULL;
}

static bool takes_back(const struct cm_admin_request *request) {
    return strcmp(request->method, MHD_HTTP_METHOD_DELETE) == 0;
}

bool cm_admin_is_of_change(const struct cm_admin_request *request) {
    const char *name = name_in(request->path);
    bool is_read = strcmp(request->method, MHD_HTTP_METHOD_GET) == 0 ||
                   strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0;
    return name != NULL && !is_read && (*name == '\0' || takes_back(request));
}

/* ---- before its body ---- */

static const char *refuse_reader(struct cm_admin_port *port, struct MHD_Connection *connection) {
    char client[CM_ADMIN_CLIENT_BYTES];
    cm_log_often(cm_admin_options_of(port)->log, CM_LOG_WARNING,
                 "--admin refused %s a change: its token only reads",
                 cm_admin_client_text(port, connection, client));
    return "this token only reads: settings are changed with one that has no \"read\" before it in "
           "the file of --admin-token-file\n";
}

/* Whether it may go on. A page of another site can have a browser send what it likes, but not the
 * header that the token is in: where there is no token, nobody may change anything. Nor does a
 * certificate go for it there, since a browser shows its own for whatever page; it says which (Origin). */
static bool admit(struct cm_admin_port *port, const struct cm_admin_request *request,
                  struct cm_admin_reply *reply) {
    const enum cm_admin_right right = cm_admin_right_of(port, request->connection);
    if (strcmp(request->method, MHD_HTTP_METHOD_POST) != 0 && !takes_back(request))
        *reply = (struct cm_admin_reply){
            .code = MHD_HTTP_METHOD_NOT_ALLOWED,
            .text = "settings are read by GET, set by POST, and taken back by DELETE\n",
            .allow = "GET, HEAD, POST, DELETE"};
    else if (!cm_admin_asks_who(port))
        *reply = (struct cm_admin_reply){
            .code = MHD_HTTP_FORBIDDEN,
            .text = "settings can be changed only with a token, and this server has none: start it "
                    "with --admin-token-file FILE\n"};
    else if (!cm_admin_is_known(port, request->connection))
        *reply = (struct cm_admin_reply){.code = MHD_HTTP_UNAUTHORIZED,
                                         .text = cm_admin_refuse(port, request->connection)};
    else if (right != CM_ADMIN_MAY_CHANGE && !cm_admin_has_cert(port, request->connection))
        *reply = (struct cm_admin_reply){.code = MHD_HTTP_FORBIDDEN,
                                         .text = refuse_reader(port, request->connection)};
    else if (right != CM_ADMIN_MAY_CHANGE &&
             cm_admin_header(port, request->connection, MHD_HTTP_HEADER_ORIGIN) != NULL)
        *reply = (struct cm_admin_reply){
            .code = MHD_HTTP_FORBIDDEN,
            .text =
                "pages can change settings only with the token: a browser shows its certificate "
                "for any of them\n"};
    else
        return true;
    return false;
}

const char *cm_admin_client_text(struct cm_admin_port *port, struct MHD_Connection *connection,
                                 char to[CM_ADMIN_CLIENT_BYTES]) {
    const struct sockaddr *address =
        cm_admin_http_of(port)
            ->get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr;
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (inet_ntop(address->sa_family, bytes, to, CM_ADMIN_CLIENT_BYTES) == NULL)
        to[0] = '\0';
    return to;
}

static struct cm_admin_change *create(struct cm_admin_port *port,
                                      const struct cm_admin_request *request) {
    struct cm_admin_change *change = calloc(1, sizeof *change);
    const char *accept = cm_admin_header(port, request->connection, MHD_HTTP_HEADER_ACCEPT);
    const char *name = name_in(request->path);
    if (change == NULL)
        return NULL;
    change->port = port;
    change->connection = request->connection;
    change->takes_back = takes_back(request);
    change->json = accept != NULL && strstr(accept, "application/json") != NULL;
    (void)cm_admin_client_text(port, change->connection, change->by);
    if (*name != '\0' && cm_buf_append(&change->text, cm_slice(name, strlen(name) + 1)) != CM_OK) {
        free(change);
        return NULL;
    }
    return change;
}

static enum MHD_Result begin(struct cm_admin_port *port, const struct cm_admin_request *request) {
    struct cm_admin_reply reply;
    if (!admit(port, request, &reply))
        return cm_admin_reply(port, request->connection, &reply);
    *request->state = create(port, request);
    return *request->state != NULL ? MHD_YES : MHD_NO;
}

/* ---- from its body on ---- */

static void take_body(struct cm_admin_change *change, struct cm_slice body) {
    if (change->takes_back) /* which needs none */
        return;
    if (change->is_too_large || cm_buf_len(&change->text) + body.len > CM_ADMIN_CHANGE_BYTES ||
        cm_buf_append(&change->text, body) != CM_OK)
        change->is_too_large =
            true; /* the rest is read, and dropped: only then is an answer read */
}

static enum MHD_Result send_back(struct cm_admin_port *port, struct cm_admin_change *change) {
    static const struct cm_admin_reply too_large = {
        .code = MHD_HTTP_CONTENT_TOO_LARGE, .text = "a change is at most 65536 bytes long\n"};
    const struct cm_admin_reply reply = {
        .code = (unsigned)change->code, .json = change->json, .body = change->answer};
    change->answer = (struct cm_buf){0};
    return cm_admin_reply(port, change->connection, change->is_too_large ? &too_large : &reply);
}

enum MHD_Result cm_admin_take_change(struct cm_admin_port *port,
                                     const struct cm_admin_request *request) {
    struct cm_admin_change *change = *request->state;
    if (change == NULL)
        return begin(port, request);
    if (request->body.len > 0) {
        take_body(change, request->body);
        return MHD_YES;
    }
    if (change->state == CM_ADMIN_ANSWERED || change->is_too_large)
        return send_back(port, change);
    change->state = CM_ADMIN_AT_SERVER;
    cm_admin_http_of(port)->suspend_connection(change->connection);
    cm_admin_options_of(port)->change(cm_admin_options_of(port)->context, change);
    return MHD_YES;
}

void cm_admin_change_answered(struct cm_admin_change *change) {
    change->state = CM_ADMIN_ANSWERED;
    cm_admin_http_of(change->port)->resume_connection(change->connection);
}

void cm_admin_forget_change(void **state) {
    struct cm_admin_change *change = *state;
    if (change == NULL)
        return;
    cm_buf_deinit(&change->text);
    cm_buf_deinit(&change->answer);
    free(change);
    *state = NULL;
}

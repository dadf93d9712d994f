/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/conn.h"

/* Connections that come and go, told to those who watch. */

struct peer {
    struct cm_session_peer base;
    char host[64];
};

/* What a Unix socket's peer is called; also whoever has gone before he could be asked. */
static void name_nobody(struct peer *peer) {
    snprintf(peer->host, sizeof peer->host, "unix");
}

static void name_peer(const struct cm_conn *conn, struct peer *peer) {
    struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
    int bytes = sizeof storage;
    bool local = conn->handle.type == UV_NAMED_PIPE;
    *peer = (struct peer){.base = {.transport = local ? "local" : "tcp"}};
    name_nobody(peer);
    if (local || uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&storage, &bytes) != 0)
        return;
    if (storage.ss_family == AF_INET6) {
        uv_ip6_name(v6, peer->host, sizeof peer->host);
        peer->base.port = ntohs(v6->sin6_port);
    } else if (storage.ss_family == AF_INET) {
        uv_ip4_name(v4, peer->host, sizeof peer->host);
        peer->base.port = ntohs(v4->sin_port);
    }
}

void cm_conn_announce_opened(struct cm_conn *conn) {
    struct peer peer;
    uv_os_fd_t descriptor;
    if (uv_fileno(&conn->handle, &descriptor) == 0)
        cm_session_set_descriptor(conn->session, (int64_t)descriptor);
    if (!cm_session_is_announced(conn->session))
        return;
    name_peer(conn, &peer);
    peer.base.host = peer.host;
    cm_session_tell_opened(conn->session, &peer.base);
}

void cm_conn_announce_closed(struct cm_conn *conn) {
    struct peer peer;
    uv_os_fd_t descriptor;
    bool opened = uv_fileno(&conn->handle, &descriptor) == 0;
    if (!opened || !cm_session_is_announced(conn->session))
        return;
    name_peer(conn, &peer);
    peer.base.host = peer.host;
    cm_session_tell_closed(conn->session, &peer.base, conn->why);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/secure.h"

#include "net/internal.h"
#include "tls/tls.h"

/* ENCRYPT_BYTES_MAX is what is encrypted ahead of the peer's reading; with the records' overhead it
 * fits into 64 KiB. LEAVE_BYTES is a record of 16 KiB, a goodbye, and some to spare. */
enum { PIECES_MAX = 32, ENCRYPT_BYTES_MAX = 48 << 10, LEAVE_BYTES = 24 << 10 };

/* ---- beginning and end ---- */

enum cm_status cm_secure_open(struct cm_conn *conn, const struct cm_arrival *arrival) {
    struct cm_tls_context *context = conn->worker->net->options.tls;
    if (context == NULL || arrival->plain || arrival->local)
        return CM_OK;
    enum cm_status status = cm_tls_create(context, &conn->tls);
    if (status == CM_OK)
        cm_tls_offer_socket(conn->tls, arrival->socket);
    return status;
}

bool cm_secure_encrypts(const struct cm_conn *conn) {
    return conn->tls != NULL && !cm_tls_is_in_kernel(conn->tls);
}

bool cm_secure_may_leave(const struct cm_conn *conn, bool settled) {
    uv_os_fd_t descriptor;
    size_t bytes, room;
    if (conn->tls == NULL || !cm_tls_is_in_kernel(conn->tls) ||
        uv_fileno(&conn->handle, &descriptor) != 0 ||
        !cm_os_socket_sending(descriptor, &bytes, &room))
        return true;
    return room >= LEAVE_BYTES || (settled && bytes == 0);
}

static void send_what_goes(struct cm_conn *conn, struct cm_buf *cipher) {
    struct cm_slice bytes = cm_buf_slice(cipher);
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
    if (bytes.len > 0)
        (void)uv_try_write(&conn->stream, &piece, 1);
    cm_buf_clear(cipher);
}

void cm_secure_close(struct cm_conn *conn) {
    struct cm_buf cipher = {0};
    if (conn->tls == NULL)
        return;
    if (conn->worker->shaker == conn)
        conn->worker->shaker = NULL;
    if (conn->unsent == NULL) { /* or it would come in the middle of a record */
        cm_tls_end(conn->tls, &cipher);
        send_what_goes(conn, &cipher);
        cm_buf_deinit(&cipher);
    }
    cm_tls_destroy(conn->tls);
    conn->tls = NULL;
}

/* ---- turns of handshakes ---- */

bool cm_secure_is_shaking(const struct cm_conn *conn) {
    return conn->tls != NULL && cm_tls_state(conn->tls) == CM_TLS_SHAKING;
}

bool cm_secure_may_read(const struct cm_conn *conn) {
    const struct cm_worker *worker = conn->worker;
    if (!cm_secure_is_shaking(conn) || worker->shaker == conn)
        return true;
    return worker->shaker == NULL && worker->shake_turn != worker->turn &&
           cm_link_is_alone(&worker->shaking);
}

void cm_secure_wait(struct cm_conn *conn) {
    cm_worker_shake_later(conn->worker, &conn->place);
}

struct cm_conn *cm_secure_next(struct cm_worker *worker) {
    worker->shaker = NULL;
    if (!cm_link_is_alone(&worker->shaking)) {
        struct cm_link *place = worker->shaking.next;
        cm_link_remove(place);
        worker->shaker = cm_conn_of_place(place);
    }
    return worker->shaker;
}

/* ---- bytes ---- */

/* A step of the handshake has been made, which has led to `state`. */
static void note_step(struct cm_conn *conn, enum cm_tls_state state) {
    struct cm_worker *worker = conn->worker;
    if (worker->shaker == conn)
        worker->shaker = NULL;
    /* Half a message costs nothing. */
    if (state != CM_TLS_SHAKING || cm_tls_has_spoken(conn->tls))
        worker->shake_turn = worker->turn;
    if (state == CM_TLS_FAILED)
        cm_net_count(&worker->net->handshake_errors);
    else if (state != CM_TLS_SHAKING)
        cm_net_count(cm_tls_is_resumed(conn->tls) ? &worker->net->resumed_sessions
                                                  : &worker->net->new_sessions);
    if (cm_tls_is_in_kernel(conn->tls))
        cm_net_count(&worker->net->kernel_sessions);
}

bool cm_secure_receive(struct cm_conn *conn, struct cm_slice *input) {
    struct cm_worker *worker = conn->worker;
    bool shaking = cm_secure_is_shaking(conn);
    cm_buf_clear(&worker->plain);
    enum cm_tls_state state = cm_tls_receive(conn->tls, *input, &worker->plain, &worker->cipher);
    if (shaking)
        note_step(conn, state);
    if (state == CM_TLS_FAILED) {
        CM_NET_LOG(worker->net, CM_LOG_WARNING, "TLS %s: %s",
                   shaking ? "handshake failed" : "failed", cm_tls_reason(conn->tls));
        send_what_goes(conn, &worker->cipher); /* the alert */
        return false;
    }
    conn->ended = state == CM_TLS_ENDED;
    if (conn->ended && cm_tls_reason(conn->tls)[0] != '\0')
        CM_NET_LOG(worker->net, CM_LOG_WARNING, "TLS ended: %s", cm_tls_reason(conn->tls));
    *input = cm_buf_slice(&worker->plain);
    return true;
}

bool cm_secure_encrypt(struct cm_conn *conn, struct cm_sending *sending, struct cm_buf *cipher) {
    uv_buf_t pieces[PIECES_MAX];
    size_t bytes = 0;
    unsigned count = cm_sending_gather(sending, pieces, PIECES_MAX, ENCRYPT_BYTES_MAX);
    for (unsigned i = 0; i < count; i++) {
        size_t room = ENCRYPT_BYTES_MAX - bytes;
        struct cm_slice piece =
            cm_slice(pieces[i].base, pieces[i].len < room ? pieces[i].len : room);
        if (cm_tls_send(conn->tls, piece, cipher) != CM_OK)
            return false;
        bytes += piece.len;
    }
    cm_sending_advance(sending, bytes);
    return true;
}

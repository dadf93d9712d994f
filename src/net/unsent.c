/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/unsent.h"

#include "metrics/metrics.h"
#include "net/internal.h"
#include "net/secure.h"

#include <stdlib.h>

/* WRITE_BYTES_MAX is how much progress is noticed at once, SEND_BYTES_MAX how much one connection
 * may send before the others have their turn. */
enum { BUFFERS_MAX = 32, WRITE_BYTES_MAX = 256 << 10, SEND_BYTES_MAX = 1 << 20 };

/* Output that waits for the peer to read, in one piece of memory: this, the inserts, the data. */
struct cm_unsent {
    uv_write_t request; /* under way all the time */
    struct cm_conn *conn;
    struct cm_sending sending;
    struct cm_buf cipher; /* with TLS: encrypted, the request's; `sending` is what comes after */
    size_t write_bytes;   /* of the request */
    size_t bytes;         /* of memory, `cipher` included */
    int64_t pinned_bytes;
    struct cm_out_insert inserts[];
};

static uv_buf_t buffer_of(const struct cm_buf *buf) {
    struct cm_slice bytes = cm_buf_slice(buf);
    return uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
}

static size_t sum(const uv_buf_t *buffers, unsigned count) {
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += buffers[i].len;
    return bytes;
}

/* ---- the rest, when not everything goes out at once ---- */

/* What the inserts take from the store: a value keeps its whole segment, about 1/512 of all. */
static int64_t pinned_bytes(struct cm_net *net, const struct cm_sending *sending) {
    uint64_t segment = atomic_load_explicit(&net->memory_bytes, memory_order_relaxed) / 512;
    uint64_t inserts = sending->insert_count - sending->insert_at;
    return (int64_t)(cm_sending_held_left(sending) + inserts * segment);
}

static struct cm_unsent *create_unsent(struct cm_conn *conn, const struct cm_sending *rest) {
    unsigned inserts = rest->insert_count - rest->insert_at;
    size_t inserts_bytes = inserts * sizeof(struct cm_out_insert);
    size_t data_bytes = cm_sending_data_left(rest);
    size_t bytes = sizeof(struct cm_unsent) + inserts_bytes + data_bytes;
    struct cm_unsent *unsent = malloc(bytes);
    if (unsent == NULL)
        return NULL;
    char *data = (char *)unsent->inserts + inserts_bytes;
    memcpy(data, rest->data + rest->data_at, data_bytes);
    for (unsigned i = 0; i < inserts; i++) {
        unsent->inserts[i] = rest->inserts[rest->insert_at + i];
        unsent->inserts[i].position -= rest->data_at;
    }
    unsent->conn = conn;
    unsent->cipher = (struct cm_buf){0};
    if (cm_secure_encrypts(conn)) {
        unsent->cipher = conn->worker->cipher;
        conn->worker->cipher = (struct cm_buf){0};
    }
    unsent->bytes = bytes + unsent->cipher.capacity;
    unsent->pinned_bytes = pinned_bytes(conn->worker->net, rest);
    unsent->sending = (struct cm_sending){.data = data,
                                          .data_bytes = data_bytes,
                                          .inserts = unsent->inserts,
                                          .insert_count = inserts,
                                          .part_at = rest->part_at};
    return unsent;
}

void cm_unsent_forget(struct cm_unsent *unsent) {
    struct cm_worker *worker = unsent->conn->worker;
    cm_worker_hold(worker, -(int64_t)unsent->bytes);
    cm_net_pin(worker->net, -unsent->pinned_bytes);
    unsent->bytes = 0;
    unsent->pinned_bytes = 0;
}

static void destroy_unsent(struct cm_unsent *unsent) {
    cm_sending_abandon(&unsent->sending);
    cm_link_remove(&unsent->conn->place);
    unsent->conn->unsent = NULL;
    cm_unsent_forget(unsent);
    cm_buf_deinit(&unsent->cipher);
    free(unsent);
}

static void on_written(uv_write_t *request, int status);

/* Asks for the next piece to be sent. False: the connection is broken. */
static bool write_next(struct cm_unsent *unsent) {
    uv_buf_t buffers[BUFFERS_MAX];
    struct cm_buf *cipher = &unsent->cipher;
    unsigned count = 1;
    if (!cm_secure_encrypts(unsent->conn)) {
        count = cm_sending_gather(&unsent->sending, buffers, BUFFERS_MAX, WRITE_BYTES_MAX);
    } else {
        if (cm_buf_len(cipher) == 0 && !cm_secure_encrypt(unsent->conn, &unsent->sending, cipher))
            return false;
        buffers[0] = buffer_of(cipher);
    }
    unsent->write_bytes = sum(buffers, count);
    unsent->request.data = unsent;
    return uv_write(&unsent->request, &unsent->conn->stream, buffers, count, on_written) == 0;
}

static void on_written(uv_write_t *request, int status) {
    struct cm_unsent *unsent = request->data;
    struct cm_conn *conn = unsent->conn;
    bool closing = uv_is_closing(&conn->handle) != 0;
    if (status != 0 || closing) {
        destroy_unsent(unsent);
        cm_conn_close(conn);
        return;
    }
    if (!cm_secure_encrypts(conn))
        cm_sending_advance(&unsent->sending, unsent->write_bytes);
    else
        cm_buf_consume(&unsent->cipher, unsent->write_bytes);
    if (cm_sending_is_done(&unsent->sending) && cm_buf_len(&unsent->cipher) == 0) {
        destroy_unsent(unsent);
        cm_conn_touch(conn);
        cm_conn_sent_all(conn);
    } else {
        cm_conn_touch(conn);
        cm_link_append(&conn->worker->stalled, &conn->place);
        if (!write_next(unsent)) {
            destroy_unsent(unsent);
            cm_conn_close(conn);
        }
    }
}

/* Closes other connections of this worker until there is room for one more (N2). */
static bool make_room(struct cm_worker *worker) {
    while (cm_net_is_short(worker->net, 1)) {
        if (cm_link_is_alone(&worker->stalled))
            return false;
        struct cm_conn *oldest = cm_conn_of_place(worker->stalled.next);
        CM_NET_LOG(worker->net, CM_LOG_WARNING, "closing a connection that does not read");
        cm_net_count(&worker->net->stalled_kicks);
        cm_link_remove(&oldest->place);
        cm_conn_close(oldest);
    }
    return true;
}

/* Takes what is left of `rest`, or, on false, nothing. */
static bool park(struct cm_conn *conn, const struct cm_sending *rest) {
    struct cm_worker *worker = conn->worker;
    struct cm_unsent *unsent = make_room(worker) ? create_unsent(conn, rest) : NULL;
    if (unsent == NULL) {
        cm_metrics_count(worker->metrics, CM_METRIC_response_obj_oom);
        return false;
    }
    conn->unsent = unsent;
    cm_link_append(&worker->stalled, &conn->place);
    cm_worker_hold(worker, (int64_t)unsent->bytes);
    cm_net_pin(worker->net, unsent->pinned_bytes);
    return true;
}

/* ---- the fast path ---- */

/* Sends until done or the peer must read first. False: the connection is broken. */
static bool send_now(struct cm_conn *conn, struct cm_sending *sending) {
    uv_buf_t buffers[BUFFERS_MAX];
    size_t sent = 0;
    while (!cm_sending_is_done(sending) && sent < SEND_BYTES_MAX) {
        unsigned count = cm_sending_gather(sending, buffers, BUFFERS_MAX, SEND_BYTES_MAX);
        int result = count > 0 ? uv_try_write(&conn->stream, buffers, count) : 0;
        if (result < 0 && result != UV_EAGAIN)
            return false;
        size_t written = result < 0 ? 0 : (size_t)result;
        cm_sending_advance(sending, written);
        sent += written;
        if (written < sum(buffers, count))
            break;
    }
    return true;
}

/* The same with TLS, through the worker's `cipher`, where the rest of what was encrypted stays. */
static bool send_encrypted_now(struct cm_conn *conn, struct cm_sending *sending) {
    struct cm_buf *cipher = &conn->worker->cipher;
    size_t sent = 0;
    for (;;) {
        if (!cm_sending_is_done(sending) && sent < SEND_BYTES_MAX &&
            !cm_secure_encrypt(conn, sending, cipher))
            return false;
        if (cm_buf_len(cipher) == 0)
            return true;
        uv_buf_t buffer = buffer_of(cipher);
        int result = uv_try_write(&conn->stream, &buffer, 1);
        if (result < 0 && result != UV_EAGAIN)
            return false;
        if (result > 0)
            cm_buf_consume(cipher, (size_t)result);
        if (cm_buf_len(cipher) > 0)
            return true;
        sent += buffer.len;
    }
}

enum cm_sent cm_unsent_send(struct cm_conn *conn) {
    struct cm_out *out = &conn->worker->out;
    struct cm_buf *cipher = &conn->worker->cipher;
    struct cm_sending sending = cm_sending_of(out);
    enum cm_sent result = CM_SENT_ALL;
    bool works =
        cm_secure_encrypts(conn) ? send_encrypted_now(conn, &sending) : send_now(conn, &sending);
    if (!works) {
        result = CM_SENT_FAILED;
    } else if (!cm_sending_is_done(&sending) || cm_buf_len(cipher) > 0) {
        result = park(conn, &sending) ? CM_SENT_SOME : CM_SENT_FAILED;
    }
    if (result == CM_SENT_FAILED)
        cm_sending_abandon(&sending);
    cm_session_out_clear(out);
    cm_buf_clear(cipher);
    if (result == CM_SENT_SOME && !write_next(conn->unsent)) {
        destroy_unsent(conn->unsent);
        result = CM_SENT_FAILED;
    }
    return result;
}

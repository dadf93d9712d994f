/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/datagram.h"

#include "base/endian.h"
#include "protocol/memcache_binary.h"
#include "session/internal.h"

/* ---- framing ---- */

bool cm_datagram_read(struct cm_slice bytes, struct cm_datagram *datagram) {
    if (bytes.len <= CM_DATAGRAM_HEADER_BYTES) {
        return false;
    }
    const uint16_t sequence = cm_load_be16(bytes.data + 2);
    const uint16_t count = cm_load_be16(bytes.data + 4);
    datagram->id = cm_load_be16(bytes.data);
    datagram->request =
        cm_slice(bytes.data + CM_DATAGRAM_HEADER_BYTES, bytes.len - CM_DATAGRAM_HEADER_BYTES);
    return sequence == 0 && count == 1;
}

unsigned cm_datagram_count(size_t bytes) {
    return (unsigned)((bytes + CM_DATAGRAM_PAYLOAD_BYTES - 1) / CM_DATAGRAM_PAYLOAD_BYTES);
}

void cm_datagram_write(char header[CM_DATAGRAM_HEADER_BYTES], uint16_t id, unsigned sequence,
                       unsigned count) {
    cm_store_be16(header, id);
    cm_store_be16(header + 2, (uint16_t)sequence);
    cm_store_be16(header + 4, (uint16_t)count);
    cm_store_be16(header + 6, 0);
}

/* ---- executing ---- */

bool cm_datagram_permits(const struct cm_op *op) {
    switch (op->kind) {
    case CM_OP_STORE_LONG: /* its value is not whole */
    case CM_OP_DUMP:       /* no end in sight */
    case CM_OP_WATCH:
    case CM_OP_QUIT:
    case CM_OP_SHUTDOWN: /* anybody could have sent it */
    case CM_OP_LOGIN:
    case CM_OP_SASL:
        return false;
    default:
        return true;
    }
}

static void drop(struct cm_out *out) {
    for (unsigned i = 0; i < out->insert_count; i++) {
        cm_session_insert_release(&out->inserts[i]);
    }
    cm_session_out_clear(out);
}

static bool is_too_long(const struct cm_out *out) {
    return out->len + out->held_bytes > CM_DATAGRAM_REPLY_BYTES;
}

/* The answer to what is no request, which must not be sent (D3). */
static bool is_error(const struct cm_out *out) {
    static const char error[] = "ERROR\r\n";
    const size_t bytes = sizeof error - 1;
    return out->len >= bytes && memcmp(out->data, error, bytes) == 0;
}

static void execute(struct cm_session *session, struct cm_slice request, struct cm_out *out) {
    enum cm_session_state state = cm_session_feed(session, request, out);
    while (state == CM_SESSION_AGAIN && !cm_out_is_full(out)) {
        state = cm_session_resume(session, out);
    }
}

void cm_session_answer_datagram(struct cm_session_worker *worker, struct cm_slice request,
                                struct cm_out *out) {
    struct cm_session *session;
    CM_CHECK(cm_out_is_empty(out));
    if (cm_session_create(worker, &session) != CM_OK) {
        return;
    }
    session->datagram = true;
    if (session->protocol == NULL) {
        session->protocol = (unsigned char)request.data[0] == CM_BINARY_REQUEST
                                ? &cm_protocol_memcache_binary
                                : &cm_protocol_memcache_text;
    }
    out->withheld = CM_OUT_LIMIT - CM_DATAGRAM_REPLY_BYTES;
    execute(session, request, out);
    out->withheld = 0;
    if (is_too_long(out)) {
        drop(out);
        if (session->protocol == &cm_protocol_memcache_text) {
            cm_out_put(out, CM_SLICE("SERVER_ERROR answer too long for UDP\r\n"));
        }
    } else if (is_error(out)) {
        drop(out);
    }
    cm_session_destroy(session);
}
